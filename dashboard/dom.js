// Elements, dialogs and times. Whatever is shown goes in as text: nothing here reads markup.

/** An element. Properties that begin with `on` are listeners, `dataset` is a map, the others are attributes. */
export function h(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (key === "dataset") Object.assign(made.dataset, value);
    else if (key === "value" || key === "checked" || key === "selected") made[key] = value;
    else made.setAttribute(key, value === true ? "" : String(value));
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/**
 * The text with the characters that are not seen shown as their numbers, so that a name cannot look like another one;
 * those that make up emoji stay.
 */
export function plain(text) {
  return String(text).replace(/(\p{Extended_Pictographic}[\ufe0e\ufe0f]?(?:\u200d(?=\p{Extended_Pictographic}))?)|[\p{Cf}\p{DI}]/gu,
    (c, emoji) => emoji ?? `[U+${c.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}]`);
}

/** A name that somebody else chose: apart from the text around it, whatever its direction. */
export function named(text, properties = {}) {
  return h("bdi", { class: "name", ...properties }, plain(text));
}

/** Says it to screen readers, once. */
export function say(text) {
  const place = document.getElementById("said");
  place.textContent = "";
  setTimeout(() => (place.textContent = text), 50);
}

const dates = new Intl.DateTimeFormat("en-GB", {
  year: "numeric", month: "short", day: "2-digit", hour: "2-digit", minute: "2-digit", hourCycle: "h23",
});
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
/** Unit, from how many seconds on it is used, its length where that is another number. */
const STEPS = [
  ["year", 2 * 31_536_000, 31_536_000], ["month", 120 * 86_400, 2_629_746], ["day", 86_400], ["hour", 3_600], ["minute", 60],
];

/** `3 days ago`, `in 2 hours`. */
export function ago(moment, now = Date.now()) {
  const seconds = (new Date(moment).getTime() - now) / 1_000;
  for (const [unit, from, length = from] of STEPS) {
    if (Math.abs(seconds) >= from) return relative.format(Math.round(seconds / length), unit);
  }
  return seconds > 0 ? "in seconds" : "just now";
}

/** `22 Nov 2026, 01:14`, in the zone of the browser. */
export const exact = (moment) => dates.format(new Date(moment));

/** A moment, relative with the exact time below it. */
export function when(moment, otherwise = "never") {
  if (!moment) return h("span", { class: "quiet" }, otherwise);
  return h("time", { datetime: moment, title: moment }, ago(moment), h("span", { class: "below" }, exact(moment)));
}

/** `90 s`, `5 min`, `2 h 10 min`. */
export function span(seconds) {
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.ceil(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

let numbers = 0;
export const unique = (word) => `${word}-${(numbers += 1)}`;

/** A label with its field, and a hint that screen readers read with it. */
export function field(text, input, hint) {
  input.id ||= unique("field");
  const below = hint && h("span", { class: "hint", id: `${input.id}-hint` }, hint);
  if (below) input.setAttribute("aria-describedby", below.id);
  return h("div", { class: "field" }, h("label", { for: input.id }, text), input, below);
}

/** A list of `[term, ...what is told]` rows; a row that is nothing is left out. */
export function facts(rows) {
  return h("dl", { class: "facts" }, rows.filter(Boolean).map(([term, ...told]) => h("div", {}, h("dt", {}, term), h("dd", {}, told))));
}

/** A `<select>` of `[value, text]` rows. */
export function choice(rows, value, properties = {}) {
  const made = h("select", properties, rows.map(([key, text]) => h("option", { value: key }, text)));
  made.value = value;
  return made;
}

/**
 * Opens a modal dialog. `fill` gets `close` and returns the content; `closed` runs once, however it was closed. The
 * focus goes to the element with `autofocus`, else the first, and back to where it was; `home` is where it goes when
 * that place is gone.
 */
export function openDialog(title, fill, { closed, wide, keep } = {}) {
  const opener = document.activeElement;
  const heading = h("h2", { id: unique("title"), tabindex: "-1" }, title);
  const dialog = h("dialog", { "aria-labelledby": heading.id, class: wide ? "wide" : undefined });
  const close = () => dialog.close();
  dialog.append(heading, h("div", { class: "dialog-body" }, fill(close, dialog)));
  dialog.addEventListener("cancel", (event) => {
    if (keep?.()) event.preventDefault();
  });
  dialog.addEventListener("close", () => {
    dialog.remove();
    closed?.();
    const back = opener?.isConnected ? opener : document.querySelector("main h1");
    back?.focus();
  });
  document.body.append(dialog);
  dialog.showModal();
  (dialog.querySelector("[autofocus]") ?? heading).focus();
  dialog.scrollTop = 0; // what has the focus is in sight without
  return close;
}

/** Copies a text and says so on the button: for a moment, or for good where it has `copied` to call. */
export function copyButton(text, label, described, copied) {
  const button = h("button", { type: "button", "aria-describedby": described }, label);
  button.addEventListener("click", async () => {
    let said = copied ? "Copied ✓" : "Copied";
    let lasting = copied;
    try {
      await navigator.clipboard.writeText(text());
      copied?.();
    } catch {
      said = "Copy it by hand";
      lasting = false;
    }
    button.textContent = said;
    say(said);
    if (!lasting) setTimeout(() => (button.textContent = label), 2_000);
  });
  return button;
}

const clocks = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

/** `01:14:05`, in the zone of the browser. */
export const clock = (moment) => clocks.format(new Date(moment));

const seconds = new Intl.DateTimeFormat("en-GB", {
  year: "numeric", month: "short", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
});

/** `22 Nov 2026, 01:14:05`, in the zone of the browser. */
export const toSecond = (moment) => seconds.format(new Date(moment));

/** `12,345`. */
export const number = (count) => count.toLocaleString("en");

export const sum = (counts) => counts.reduce((all, count) => all + count, 0);

/** A part of a drawing. */
export function shape(name, properties, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(properties)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** Saves what was made or fetched by the page as a file. */
export function saveFile(name, blob) {
  const link = h("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** Whether a key or what is pasted is for a field or a dialog. */
export const isTyping = ({ target }) => target.closest?.("input, textarea, select, dialog") || document.querySelector("dialog[open]");

/** A word on a ground: `good`, `bad`, `unsure` or `none`. */
export const tag = (kind, text, title) => h("span", { class: "badge", dataset: { kind }, title }, text);

/** A field for names, ids and the like, which no keyboard should change. */
export const textInput = (properties) => h("input", { type: "text", autocomplete: "off", autocapitalize: "none", spellcheck: "false", ...properties });

/** The last line of a dialog: a way out, which has the focus where a key that is held down must do no harm, and what is done. */
export const lastRow = (close, button, autofocus) => h("div", { class: "buttons" }, h("button", { type: "button", autofocus, onclick: close }, "Cancel"), button);
