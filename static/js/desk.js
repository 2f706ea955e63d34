/* What the pages do beyond forms and links; each of them works without it.
   Nothing here listens to bare letters. Ctrl+Enter, F6, and digits inside a list: that is all. */

const page = document.documentElement;
const said = document.getElementById("status");
const trouble = document.getElementById("trouble");

// What waits for scripts may be seen from now on.
page.dataset.scripts = "";

const headersOf = (event) => event.detail.requestConfig?.headers ?? {};
const isPoll = (event) => headersOf(event)["Belbord-Poll"] === "true";
const isTyping = (event) => headersOf(event)["Belbord-Typing"] === "true";
// What a person did on purpose, unlike what the page asks and keeps by itself.
const isDeed = (event) => !isPoll(event) && !isTyping(event);

/* ── One deed at a time ──────────────────────────────────────────────────────────────────────── */

const isSending = () => document.querySelector("[data-sending]") !== null;

function free() {
  for (const form of document.querySelectorAll("[data-sending]")) delete form.dataset.sending;
}

function start(event, form) {
  if (isSending()) event.preventDefault();
  else form.dataset.sending = "";
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method === "dialog") return;
  // The mark stays until the next page is there.
  start(event, form);
  // A file comes beside the page: nothing takes its place, so it is loaded anew to tell what changed.
  const isFile = (event.submitter ?? form).matches("[data-brings-file]");
  if (isFile && !event.defaultPrevented) setTimeout(() => location.reload(), 1500);
});
document.addEventListener("htmx:beforeRequest", (event) => {
  if (isDeed(event)) start(event, event.target.closest("form") ?? event.target);
});
document.addEventListener("htmx:afterRequest", (event) => {
  if (isDeed(event)) free();
  if (event.detail.successful) trouble.hidden = true;
});
window.addEventListener("pageshow", free);

function tell(words) {
  trouble.textContent = words;
  trouble.hidden = false;
}

document.addEventListener("htmx:sendError", () => tell(trouble.dataset.unreachable));
document.addEventListener("htmx:timeout", () => tell(trouble.dataset.unreachable));
document.addEventListener("htmx:responseError", (event) => {
  if (!isPoll(event)) tell(trouble.dataset.failed);
});

// An answer to a question of what is no longer on the page is for nobody.
document.addEventListener("htmx:beforeRequest", (event) => {
  if (!isPoll(event)) return;
  const { xhr, elt } = event.detail;
  const take = xhr.onload;
  xhr.onload = () => elt.isConnected && take();
});

/* ── Where the focus goes ────────────────────────────────────────────────────────────────────── */

// The page says where a state begins, and which field was refused: one of its own, or the notes.
function begin(fresh) {
  const refused = fresh.querySelector("[aria-invalid=true], [data-refused] input");
  const about = fresh.querySelector("[data-about]")?.dataset.about;
  (refused ?? document.getElementById(about) ?? fresh.querySelector("[data-focus]"))?.focus();
}

begin(document);
document.addEventListener("htmx:afterSettle", (event) => {
  tick();
  if (!isDeed(event)) return;
  begin(event.target);
  const words = event.target.querySelector("[data-says]");
  if (words) said.textContent = words.textContent.trim();
});

// What was refused is not what stands there now: what was said of it holds no more.
document.addEventListener("change", (event) => {
  const field = event.target.closest("[data-refused], [aria-invalid=true]");
  // One that is being replaced changes once more when it goes: by its name another stands there,
  // and what is said of that one is new.
  const isGone = event.target.id && document.getElementById(event.target.id) !== event.target;
  if (!field || isGone) return;
  for (const id of field.getAttribute("aria-describedby")?.split(" ") ?? []) {
    const error = document.getElementById(id);
    if (error?.matches(".error, .errorlist")) error.dataset.over = "";
  }
  delete field.dataset.refused;
  field.removeAttribute("aria-invalid");
});

/* ── What changed by itself is said once ─────────────────────────────────────────────────────── */

// By the id of what it is about. The first look says nothing: that stands on the page.
const news = new Map();
let hasLooked = false;

function sayNews() {
  const fresh = [];
  for (const line of document.querySelectorAll("[data-news]")) {
    if (news.get(line.id) !== line.dataset.news) fresh.push(line.dataset.news);
    news.set(line.id, line.dataset.news);
  }
  if (hasLooked && fresh.length > 0) said.textContent = fresh.join(". ");
  hasLooked ||= document.getElementById("payments-live") !== null;
}

sayNews();
document.addEventListener("htmx:afterSettle", sayNews);

/* ── What was sent, as far as it is known to have arrived ────────────────────────────────────── */

// A poll tells of all that was sent; each stands in one place of the page, in two, or in none.
document.addEventListener("htmx:afterSettle", () => {
  for (const { dataset, textContent } of document.querySelectorAll("#pulse > [data-sent]")) {
    for (const chip of document.querySelectorAll(`[data-of="${dataset.sent}"]`)) {
      chip.dataset.state = dataset.state;
      chip.textContent = textContent;
    }
  }
});

/* ── An amount that follows another one until somebody types in it ───────────────────────────── */

const followed = (field) => document.querySelector(`[name="${field.dataset.follows}"]`);

function follow(root) {
  for (const field of root.querySelectorAll("[data-follows]:not([data-own])")) {
    const value = followed(field)?.value;
    if (value) field.value = value;
  }
}

document.addEventListener("input", (event) => {
  if (event.target.dataset.follows) event.target.dataset.own = "";
  else follow(document);
});

/* ── What somebody opens comes into sight, and what it loads too ─────────────────────────────── */

function show(panel) {
  if (panel?.matches(":focus-within")) panel.scrollIntoView({ block: "nearest" });
}

document.addEventListener(
  "toggle",
  (event) => {
    if (event.target.open) show(event.target.closest(".payments"));
  },
  true,
);
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.target.id !== "payments-body") return;
  follow(event.target);
  show(event.target.closest(".payments"));
});

const columns = () => [...document.querySelectorAll("[data-column]")];
const lastFocused = new WeakMap();

document.addEventListener("focusin", (event) => {
  const column = event.target.closest("[data-column]");
  if (column) lastFocused.set(column, event.target);
});

function goToColumn(step) {
  const all = columns();
  if (all.length === 0) return;
  const here = all.findIndex((column) => column.contains(document.activeElement));
  const next = all.at((here === -1 && step < 0 ? 0 : here) + step) ?? all[0];
  const last = lastFocused.get(next);
  if (last && next.contains(last) && last.checkVisibility()) last.focus();
  // The first time: where its work begins, else the column itself.
  else (next.querySelector("[data-landing]") ?? next).focus();
}

/* ── Keys ────────────────────────────────────────────────────────────────────────────────────── */

// Once an outcome was chosen, the button with data-primary-if="outcome" is the one.
function isPrimary(button) {
  const field = button.dataset.primaryIf;
  return !field || document.querySelector(`[name="${field}"]:checked`) !== null;
}

const isTypedIn = (field) =>
  field?.matches?.("input, textarea, select") &&
  (field.localName === "select"
    ? [...field.options].some((option) => option.selected !== option.defaultSelected)
    : field.value !== field.defaultValue);

// A key that is pressed twice by accident is pressed twice at once. The second is not heard, or it
// would press what the first has put in its place.
const TWICE = 300;

function pressPrimary() {
  if ("resting" in page.dataset || isSending() || document.querySelector("dialog[open]")) return;
  page.dataset.resting = "";
  setTimeout(() => delete page.dataset.resting, TWICE);
  const field = document.activeElement;
  // Who is typing in a small form means the button of that; a press on that button is over.
  const own = isTypedIn(field) && field.closest("[data-way]")?.querySelector("[data-own-primary]");
  if (own) return own.click();
  const able = (button) => !button.disabled && button.checkVisibility() && isPrimary(button);
  // Where a choice was made in two places, the one that has the focus is meant.
  const near = document.activeElement?.closest("section");
  const buttons = [
    ...(near?.querySelectorAll("[data-primary-if]") ?? []),
    ...document.querySelectorAll("[data-primary-if]"),
    ...document.querySelectorAll("[data-primary]"),
  ];
  buttons.find(able)?.click();
}

// Each person turns these on or off in the list of keys.
const hasSingleKeys = () => document.getElementById("single-keys")?.dataset.singleKeys !== "off";

function choose(event, group) {
  const radios = group.querySelectorAll("input[type=radio]");
  const radio = radios[(event.key === "0" ? 10 : Number(event.key)) - 1];
  if (!radio || radio.disabled) return;
  event.preventDefault();
  radio.focus();
  radio.click();
}

document.addEventListener("keydown", (event) => {
  const isBare = !event.ctrlKey && !event.metaKey && !event.altKey;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    if (!event.repeat) pressPrimary();
  } else if (event.key === "Enter" && isBare && event.target.matches(".desk input, .payments input")) {
    // Browsers send a form on Enter in any field of it. Here only buttons and Ctrl+Enter send.
    event.preventDefault();
    // What the donor says is only held against what is known: that sends, dials and ends nothing.
    const check = event.target.closest("[data-enter-checks]")?.querySelector("[data-own-primary]");
    if (event.target.value.trim() && !event.repeat && !isSending()) check?.click();
  } else if (event.key === "F6" && isBare) {
    event.preventDefault();
    goToColumn(event.shiftKey ? -1 : 1);
  } else if (isBare && /^\d$/.test(event.key) && hasSingleKeys()) {
    const group = event.target.matches("[type=radio]") && event.target.closest("[data-choices]");
    if (group) choose(event, group);
  }
});

/* ── Buttons that need no server ─────────────────────────────────────────────────────────────── */

async function copy(button) {
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    said.textContent = said.dataset.copied;
    button.dataset.copied = "";
    setTimeout(() => delete button.dataset.copied, 1600);
  } catch {
    tell(said.dataset.notCopied);
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy], [data-opens], [data-dismiss]");
  if (!button) return;
  if ("copy" in button.dataset) copy(button);
  else if ("opens" in button.dataset) document.getElementById(button.dataset.opens).showModal();
  else button.closest(".toast").remove();
});

/* ── Time ────────────────────────────────────────────────────────────────────────────────────── */

// Moments are the server's. A computer whose clock is off still counts the right seconds.
const shownAt = performance.timeOrigin + performance.getEntriesByType("navigation")[0].responseStart;
const ahead = Date.parse(document.body.dataset.now) - shownAt;
const secondsSince = (moment) => Math.floor((Date.now() + ahead - Date.parse(moment)) / 1000);
const ago = new Intl.RelativeTimeFormat(page.lang, { numeric: "always", style: "short" });
const twoDigits = (number) => String(number).padStart(2, "0");

function inWords(seconds) {
  if (seconds < 60) return ago.format(-seconds, "second");
  if (seconds < 3600) return ago.format(-Math.floor(seconds / 60), "minute");
  return ago.format(-Math.floor(seconds / 3600), "hour");
}

function tick() {
  for (const clock of document.querySelectorAll("[data-clock]")) {
    const seconds = Math.max(0, secondsSince(clock.dataset.clock));
    clock.textContent = `${twoDigits(Math.floor(seconds / 60))}:${twoDigits(seconds % 60)}`;
  }
  for (const time of document.querySelectorAll("[data-since]")) {
    const seconds = Math.max(0, secondsSince(time.dataset.since));
    time.textContent = inWords(seconds);
    const limit = time.closest("[data-stale-after]");
    if (limit) limit.toggleAttribute("data-stale", seconds > Number(limit.dataset.staleAfter));
  }
  for (const button of document.querySelectorAll("[data-countdown]:not([data-over])")) {
    // The seconds that are wholly left: ten, and not eleven, when it begins.
    const left = -secondsSince(button.dataset.countdown) - 1;
    const digits = button.querySelector("[data-seconds]");
    if (digits) digits.textContent = `${Math.max(0, left)} s`;
    if (left > 0) continue;
    if (button === document.activeElement) button.closest("[data-column]")?.focus();
    button.disabled = true;
    button.dataset.over = "";
  }
}

tick();
setInterval(tick, 1000);

/* ── Notes and a result that were typed and chosen a moment ago ──────────────────────────────── */

// They are saved a breath after the last key. Who leaves within that breath loses nothing either.
const KEPT = "#notes, .terms [name], [name=result_code], [name=retention_rating]";
let hasUnsaved = false;
document.addEventListener("input", (event) => {
  if (event.target.matches(KEPT)) hasUnsaved = true;
});
// What is under way while the page is left is saved, or is not: nobody waits for the answer.
let saving = 0;
document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.target?.id !== "notes-state") return;
  hasUnsaved = false;
  saving += 1;
});
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.target?.id === "notes-state") saving -= 1;
});
/* Who leaves a call that is over has it in hand no longer. */
window.addEventListener("pagehide", () => {
  const over = document.querySelector("[data-let-go]");
  const token = document.querySelector("#desk-form [name=csrfmiddlewaretoken]");
  if (!over || !token) return;
  const body = new FormData();
  body.set(token.name, token.value);
  fetch(over.dataset.letGo, { method: "POST", body, keepalive: true });
});
window.addEventListener("pagehide", () => {
  const notes = document.getElementById("notes");
  if (!(hasUnsaved || saving) || !notes) return;
  hasUnsaved = false;
  const all = new FormData(notes.form);
  const body = new FormData();
  const kept = [...document.querySelectorAll(KEPT)].map((field) => field.name);
  for (const name of ["csrfmiddlewaretoken", "version", ...kept]) {
    if (all.has(name)) body.set(name, all.get(name));
  }
  if (saving) body.set("follows_own", "on");
  fetch(notes.getAttribute("hx-post"), { method: "POST", body, keepalive: true });
});
