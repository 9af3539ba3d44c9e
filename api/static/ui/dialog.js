// One dialog at a time, in front of everything; Escape and a click beside it close it.

import { h } from "../core/dom.js";
import { t } from "../core/words.js";
import { icon } from "./icons.js";

export function dialog(title, ...content) {
  const close = h("button", { type: "button", class: "tool", "aria-label": t("close"), onclick: () => box.close() }, icon("cross"));
  const box = h("dialog", { class: "dialog", "aria-label": title },
    h("div", { class: "head" }, h("h2", {}, title), close),
    h("div", { class: "inset stack" }, content));
  box.addEventListener("close", () => box.remove());
  box.addEventListener("click", (event) => {
    if (event.target === box) box.close();
  });
  document.body.append(box);
  box.showModal();
  return box;
}

// Asks before something is done; resolves to whether it shall be.
export function confirmed(title, text, action) {
  return new Promise((resolve) => {
    const yes = h("button", { type: "button", class: "primary", onclick: () => { resolve(true); box.close(); } }, action);
    const no = h("button", { type: "button", onclick: () => box.close() }, t("cancel"));
    const box = dialog(title, h("p", {}, text), h("div", { class: "controls end" }, no, yes));
    box.addEventListener("close", () => resolve(false));
  });
}
