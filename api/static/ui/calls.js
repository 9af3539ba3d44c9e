// Where a figure comes from: the call that gives it, as a command, with its answer on demand.

import { get } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { t } from "../core/words.js";
import { dialog } from "./dialog.js";
import { failure, skeleton } from "./states.js";

export function callLink(address, method = "GET", body = null) {
  const label = t("call.label", { method, address });
  return h("button", {
    type: "button", class: "call", title: label, "aria-label": label, "aria-haspopup": "dialog",
    onclick: () => open(address, method, body),
  }, "API");
}

function open(address, method, body) {
  const command = curl(address, method, body);
  const answer = h("div", {});
  const copy = h("button", { type: "button", onclick: () => navigator.clipboard?.writeText(command).then(() => { copy.textContent = t("call.copied"); }) }, t("call.copy"));
  const controls = [copy];
  if (method === "GET") controls.push(h("button", { type: "button", onclick: () => show(answer, address) }, t("call.show")));
  controls.push(h("a", { href: "/docs", class: "button" }, t("call.docs")));
  dialog(`${method} ${address.split("?")[0]}`,
    h("pre", { class: "code", tabindex: "0" }, command), h("div", { class: "controls" }, controls), answer);
}

function curl(address, method, body) {
  const parts = [`curl '${location.origin}${address.replaceAll("'", "%27")}'`, "-H 'Authorization: Bearer KEY'"];
  if (method !== "GET") parts.splice(1, 0, `-X ${method}`);
  if (body) parts.push("-H 'Content-Type: application/json'", `-d '${JSON.stringify(body).replaceAll("'", "'\\''")}'`);
  return parts.join(" \\\n  ");
}

async function show(element, address) {
  fill(element, skeleton(3));
  try {
    const text = JSON.stringify(await get(address), null, 2);
    const shown = text.length > 20_000 ? `${text.slice(0, 20_000)}\n…` : text;
    fill(element, h("pre", { class: "code answer", tabindex: "0" }, shown));
  } catch (error) {
    fill(element, failure(error));
  }
}
