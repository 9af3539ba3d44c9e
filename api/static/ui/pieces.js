// Pieces that several views share: links, figures, bars, tables, searches, switches.

import { get, id } from "../core/api.js";
import { debounced, fill, h, unique } from "../core/dom.js";
import { money, percent, times } from "../core/format.js";
import { t } from "../core/words.js";
import { callLink } from "./calls.js";
import { empty, failure, skeleton } from "./states.js";

export const customerLink = (userId) => h("a", { href: `#/customer/${id(userId)}`, class: "strong" }, userId);
export const segmentLink = (one) => h("a", { href: `#/segment/${id(one.segment_id)}` }, one.name);
export const productLink = (one) => h("a", { href: `#/product/${id(one.product_id)}`, class: "strong" }, one.title);

export function productText(product, ...more) {
  // Where titles are made from categories, saying both is saying one twice.
  const category = product.title.startsWith(product.category) ? null : product.category;
  const under = [category, product.brand].filter(Boolean).join(" · ");
  return h("div", { class: "product" }, h("div", {}, productLink(product)),
    under ? h("div", { class: "muted small" }, under) : null, more);
}

export function facts(pairs) {
  const shown = pairs.filter(([, value]) => value !== null && value !== undefined);
  return h("dl", { class: "stats" }, shown.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

// Members' share as a bar, the whole shop's as a tick: how far the bar passes it is the lift.
// The longest bar fills the track; shares themselves are mostly small.
export function traits(list, most = list.length) {
  if (!list.length) return empty(t("traits.none"));
  // A category and the one below it may bear one name.
  const shown = list.filter((one, i) => list.findIndex((other) => other.label === one.label) === i).slice(0, most);
  const longest = Math.max(...shown.map((one) => Math.max(one.share, one.share_overall)), 0.0001);
  return h("ul", { class: "bars" }, shown.map((one) => {
    const tip = t("traits.tip", { here: percent(one.share), shop: percent(one.share_overall) });
    return h("li", { title: tip }, h("span", { class: "label" }, one.label),
      track(one.share / longest, one.share_overall / longest),
      h("span", { class: "value" }, times(one.lift)), h("span", { class: "sr" }, ` (${tip})`));
  }));
}

export function track(share, tick = null, tint = null) {
  const style = { width: `${Math.max(share * 100, 0.5)}%`, ...(tint ? { background: tint } : {}) };
  return h("span", { class: "track", "aria-hidden": "true" }, h("span", { class: "fill", style }),
    tick === null ? null : h("span", { class: "tick", style: { left: `${tick * 100}%` } }));
}

export function shares(list) {
  const most = Math.max(...list.map((one) => one.share), 0.0001);
  return h("ul", { class: "bars" }, list.map((one) => h("li", { title: one.tip || "" },
    h("span", { class: "label" }, one.link || one.name), track(one.share / most, null, one.tint),
    h("span", { class: "value" }, one.value ?? percent(one.share)))));
}

// Columns are [title, "num" or nothing]; a row is its cells.
export function table(columns, rows, caption) {
  const head = columns.map(([name, kind]) => h("th", { scope: "col", class: kind }, name));
  const body = rows.map((cells) =>
    h("tr", {}, cells.map((cell, i) => h("td", { class: columns[i][1] }, cell))));
  return h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": caption },
    h("table", {}, h("caption", { class: "sr" }, caption),
      h("thead", {}, h("tr", {}, head)), h("tbody", {}, body)));
}

// The first few of a long list; the others when they are asked for. `draw` makes of some entries what is shown.
export function folded(list, most, draw) {
  if (list.length <= most + 3) return draw(list);
  const body = h("div", {}, draw(list.slice(0, most)));
  const more = h("button", { type: "button", class: "more", onclick: () => { fill(body, draw(list)); more.remove(); } },
    t("more-of", { n: list.length - most }));
  return [body, more];
}

// A search box that asks as one types; `draw` shows the answer of the latest text only.
export function search({ label, placeholder, address, draw, signal }) {
  const input = h("input", {
    type: "search", id: "search", placeholder, autocomplete: "off", spellcheck: "false", maxlength: "200",
  });
  const results = h("div", { class: "results", "aria-busy": "true" }, skeleton(5));
  const link = h("span", {});
  let latest = 0;
  const ask = async () => {
    const turn = ++latest;
    const where = address(input.value.trim());
    fill(link, callLink(where));
    try {
      const answer = await get(where, signal);
      if (turn === latest) fill(results, draw(answer, input.value.trim()));
    } catch (error) {
      if (turn === latest && error.name !== "AbortError") fill(results, failure(error, ask));
    }
    results.setAttribute("aria-busy", "false");
  };
  input.addEventListener("input", debounced(150, ask));
  ask();
  const line = h("div", { class: "searchbox" }, h("label", { for: "search", class: "sr" }, label), input, link);
  return h("section", { class: "panel wide" }, line, results);
}

// One of a few, as a row of buttons that is a group of radios to everybody else.
export function toggle(label, options, chosen, change) {
  const name = unique("toggle");
  const inputs = options.map(([value, text]) => h("label", {},
    h("input", { type: "radio", name, value, checked: value === chosen, onchange: () => change(value) }),
    h("span", {}, text)));
  return h("fieldset", { class: "switch" }, h("legend", { class: "sr" }, label), inputs);
}

// One of many. Options are [value, text].
export function select(label, options, chosen, change) {
  const element = h("select", { "aria-label": label, onchange: () => change(element.value) },
    options.map(([value, text]) => h("option", { value }, text)));
  element.value = chosen;
  return element;
}

export const price = (product) => (product.price === null || product.price === undefined ? null : money(product.price));
