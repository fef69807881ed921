// A menu that a button opens: with the mouse, or with Enter, the arrow keys and Escape.

import { h } from "./dom.js";

/** A button with a menu. `items` gives rows of `[text, what it does, whether it is dangerous]` when it is opened. */
export function menuButton(label, items, properties = {}) {
  const button = h("button", { type: "button", class: "menu-button", "aria-label": label, "aria-haspopup": "menu", "aria-expanded": "false", ...properties }, "⋯");
  button.addEventListener("click", () => open(button, items()));
  button.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    event.preventDefault();
    open(button, items());
  });
  return button;
}

function open(button, items) {
  const entries = items.map(([text, act, dangerous]) =>
    h("button", { type: "button", role: "menuitem", tabindex: "-1", class: dangerous ? "danger" : undefined, onclick: () => {
      menu.hidePopover();
      button.focus();
      act();
    } }, text));
  const menu = h("div", { class: "menu", role: "menu", popover: "auto", "aria-label": button.getAttribute("aria-label") }, entries);
  menu.addEventListener("keydown", (event) => {
    const at = entries.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
    if (event.key === "Tab") menu.hidePopover();
    if (to === undefined) return;
    event.preventDefault();
    entries.at(to % entries.length).focus();
  });
  // At once; what is gone is taken out of the page a moment later.
  menu.addEventListener("beforetoggle", ({ newState }) => button.setAttribute("aria-expanded", String(newState === "open")));
  menu.addEventListener("toggle", ({ newState }) => {
    if (newState === "closed") menu.remove();
  });
  document.getElementById("main").append(menu);
  menu.showPopover();
  const place = button.getBoundingClientRect();
  const below = place.bottom + menu.offsetHeight < innerHeight;
  menu.style.top = `${below ? place.bottom : Math.max(0, place.top - menu.offsetHeight)}px`;
  menu.style.left = `${Math.max(0, place.right - menu.offsetWidth)}px`;
  entries[0].focus();
}
