/* The checklist from the keyboard, only while one of its answers has the focus: up and down go from
   line to line, left and right and digits choose within one, 9 says that the rest is right. */

const lines = (list) => [...list.querySelectorAll(".answers")];

function step(event, list, by) {
  const all = lines(list);
  const next = all[all.indexOf(event.target.closest(".answers")) + by];
  event.preventDefault();
  // Without choosing: the browser's own arrow would.
  (next?.querySelector(":checked") ?? next?.querySelector("input:enabled"))?.focus();
}

/* What the donor says of a line is compared: the list comes anew, and the work is still there. */

let compared = "";
document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.target?.id === "checklist") compared = event.target.closest(".check-line")?.id ?? "";
});
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.target.id !== "checklist" || document.activeElement !== document.body) return;
  document.getElementById(compared)?.querySelector("[type=radio]:checked")?.focus();
});

document.addEventListener("keydown", (event) => {
  const list = event.target.matches?.("[type=radio]") && event.target.closest("[data-checklist]");
  if (!list || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (event.key === "ArrowUp") step(event, list, -1);
  else if (event.key === "ArrowDown") step(event, list, 1);
  else if (event.key === "9") list.closest("section").querySelector("[data-rest]").click();
});
