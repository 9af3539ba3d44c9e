// Parts of a whole as one bar, with their names and figures below.

import { h } from "../core/dom.js";
import { percent } from "../core/format.js";

// Parts are {name, value, tint, text, href}.
export function stack(parts, { title, legend = true } = {}) {
  const total = parts.reduce((sum, part) => sum + part.value, 0) || 1;
  const shown = parts.filter((part) => part.value > 0);
  const label = `${title}: ${shown.map((p) => `${p.name} ${percent(p.value / total)}`).join(", ")}`;
  const bar = h("div", { class: "stackbar", role: "img", "aria-label": label }, shown.map((part) =>
    h("span", { style: { "flex-grow": String(part.value), background: part.tint }, title: `${part.name}: ${percent(part.value / total)}` })));
  if (!legend) return bar;
  return h("div", { class: "stacked" }, bar, h("ul", { class: "legend" }, shown.map((part) =>
    h("li", {}, h("span", { class: "dot", style: { background: part.tint } }),
      part.href ? h("a", { href: part.href }, part.name) : h("span", {}, part.name),
      h("b", {}, part.text ?? percent(part.value / total))))));
}
