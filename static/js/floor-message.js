/* Who puts a message to the floor away goes on where they were. */

const place = document.getElementById("floor-message");
let before = null;

place?.addEventListener("focusin", (event) => {
  if (event.relatedTarget && !place.contains(event.relatedTarget)) before = event.relatedTarget;
});

document.addEventListener("htmx:afterSettle", (event) => {
  if (event.target !== place || document.activeElement !== document.body) return;
  before?.focus();
  before = null;
});
