// A note beside the pointer.

import { fill, h } from "../core/dom.js";

let element = null;

export function showTip(x, y, ...content) {
  if (!element) {
    element = h("div", { class: "tip", "aria-hidden": "true" });
    document.body.append(element);
  }
  fill(element, content);
  element.hidden = false;
  const { width, height } = element.getBoundingClientRect();
  const left = Math.min(Math.max(8, x - width / 2), innerWidth - width - 8);
  const above = y - height - 14;
  element.style.left = `${left}px`;
  element.style.top = `${above < 8 ? y + 18 : above}px`;
}

export function hideTip() {
  if (element) element.hidden = true;
}
addEventListener("hashchange", hideTip);
addEventListener("scroll", hideTip, { passive: true });
