// A panel that shows a skeleton, then what `draw` makes of the answer, or what went wrong.

import { get } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { callLink } from "./calls.js";
import { failure, skeleton } from "./states.js";

export function panel(title, address, draw, { signal, controls, rows = 4, wide, ask = get, kind = "" } = {}) {
  const body = h("div", { class: "body", "aria-busy": "true" });
  const link = h("span", { class: "links" });
  const head = h("div", { class: "head" }, h("h2", {}, title), controls, link);
  const element = h("section", { class: `panel ${wide ? "wide" : ""} ${kind}`, "aria-label": title }, head, body);
  let latest = 0;
  element.load = async (where = address) => {
    const turn = ++latest;
    fill(link, callLink(where));
    fill(body, skeleton(rows));
    body.setAttribute("aria-busy", "true");
    try {
      const answer = await ask(where, signal);
      if (turn === latest) fill(body, draw(answer));
    } catch (error) {
      if (error.name === "AbortError" || turn !== latest) return;
      fill(body, failure(error, () => element.load(where)));
    }
    body.setAttribute("aria-busy", "false");
  };
  element.load();
  return element;
}

// A panel whose content is there already.
export function box(title, { controls, link, wide, kind = "" } = {}, ...content) {
  return h("section", { class: `panel ${wide ? "wide" : ""} ${kind}`, "aria-label": title },
    h("div", { class: "head" }, h("h2", {}, title), controls, h("span", { class: "links" }, link)),
    h("div", { class: "body" }, content));
}
