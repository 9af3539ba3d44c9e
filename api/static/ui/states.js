// What is shown in place of an answer: that it comes, that there is nothing, that it went wrong.

import { h, say } from "../core/dom.js";
import { t } from "../core/words.js";

export function heading(title, ...under) {
  return h("div", { class: "heading" },
    h("h1", { tabindex: "-1" }, title),
    under.length ? h("p", { class: "muted" }, under) : null);
}

export function skeleton(rows) {
  const lines = Array.from({ length: rows }, (_, i) =>
    h("div", { class: "bone", style: { width: `${92 - ((i * 17) % 40)}%` } }));
  return h("div", { class: "skeleton", "aria-hidden": "true" }, lines);
}

export const empty = (...text) => h("p", { class: "empty" }, text);

export const note = (...text) => h("p", { class: "note" }, text);

export function failure(error, again) {
  say(`${error.title || ""}: ${error.message}`);
  // That something does not exist is an answer, not a breakdown.
  if (error.status === 404) return empty(error.message);
  const button = again ? h("button", { type: "button", onclick: again }, t("retry")) : null;
  const text = h("p", {}, h("strong", {}, error.title || t("problem.title")), h("br"), error.message);
  return h("div", { class: "failure", role: "alert" }, text, button);
}
