// Pieces that several views share: panels that load, bars, product rows, searches.

import { get, id, knownKey, useKey } from "./api.js";
import { fill, h, money, percent, plural, say, times } from "./dom.js";

export const customerLink = (userId) =>
  h("a", { href: `#/customer/${id(userId)}`, class: "strong" }, userId);

export const segmentLink = (segment) =>
  h("a", { href: `#/segment/${id(segment.segment_id)}` }, segment.name);

export const productLink = (product) =>
  h("a", { href: `#/product/${id(product.product_id)}`, class: "strong" }, product.title);

export function heading(title, ...under) {
  const top = h("h1", { tabindex: "-1" }, title);
  return h("div", { class: "heading" }, top, under.length ? h("p", { class: "muted" }, under) : null);
}

export function callLink(address, method = "GET") {
  const label = `API call: ${method} ${address}`;
  const text = h("span", { "aria-hidden": "true" }, method);
  if (method !== "GET") return h("a", { class: "call", href: "/docs", title: label, "aria-label": label }, text);
  return h("a", { class: "call", href: address, title: label, "aria-label": label, target: "_blank" }, text);
}

// A panel that shows a skeleton, then what `draw` makes of the answer, or what went wrong.
export function panel(title, address, draw, { signal, controls, rows = 4, wide, ask = get } = {}) {
  const body = h("div", { class: "body", "aria-busy": "true" });
  const link = h("span", {});
  const head = h("div", { class: "head" }, h("h2", {}, title), controls, link);
  const element = h("section", { class: wide ? "panel wide" : "panel" }, head, body);
  element.load = async (where) => {
    fill(link, callLink(where));
    fill(body, skeleton(rows));
    body.setAttribute("aria-busy", "true");
    try {
      fill(body, draw(await ask(where, signal)));
    } catch (error) {
      if (error.name === "AbortError") return;
      fill(body, failure(error, () => element.load(where)));
    }
    body.setAttribute("aria-busy", "false");
  };
  element.load(address);
  return element;
}

export function skeleton(rows) {
  const lines = Array.from({ length: rows }, (_, i) =>
    h("div", { class: "bone", style: { width: `${92 - ((i * 17) % 40)}%` } }));
  return h("div", { class: "skeleton", "aria-hidden": "true" }, lines);
}

export const empty = (text) => h("p", { class: "empty" }, text);

export function failure(error, again) {
  say(`${error.title}: ${error.message}`);
  // That something does not exist is an answer, not a breakdown.
  if (error.status === 404) return empty(error.message);
  const button = again ? h("button", { type: "button", onclick: again }, "Try again") : null;
  const text = h("p", {}, h("strong", {}, error.title || "Something went wrong"), h("br"), error.message);
  return h("div", { class: "failure", role: "alert" }, text, button);
}

// Asks for a key where the server answers nothing without; the page then loads anew with it.
export function keyForm(error) {
  const input = h("input", {
    type: "password", id: "key", autocomplete: "off", spellcheck: "false", required: true,
  });
  const submit = (event) => {
    event.preventDefault();
    useKey(input.value);
    location.reload();
  };
  const why = knownKey() ? error.message : "This server answers to those who have a key.";
  return h("form", { class: "panel key", onsubmit: submit },
    h("p", { class: "muted" }, why),
    h("label", { for: "key" }, "Key"),
    h("div", { class: "line" }, input, h("button", { type: "submit" }, "Use this key")));
}

export function facts(pairs) {
  const shown = pairs.filter(([, value]) => value !== null && value !== undefined);
  return h("dl", { class: "stats" }, shown.map(([name, value]) =>
    h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

// Members' share as a bar, the whole shop's as a tick: how far the bar passes it is the lift.
// The longest bar fills the track; shares themselves are mostly small.
export function traits(list, most = list.length) {
  if (!list.length) return empty("Nothing sets it clearly apart.");
  const shown = list.slice(0, most);
  const longest = Math.max(...shown.map((t) => Math.max(t.share, t.share_overall)), 0.0001);
  const rows = shown.map((trait) => {
    const tip = `${percent(trait.share)} here, ${percent(trait.share_overall)} in the whole shop`;
    return h("li", { title: tip },
      h("span", { class: "label" }, trait.label),
      h("span", { class: "track", "aria-hidden": "true" },
        h("span", { class: "fill", style: { width: `${(trait.share / longest) * 100}%` } }),
        h("span", { class: "tick", style: { left: `${(trait.share_overall / longest) * 100}%` } })),
      h("span", { class: "value" }, times(trait.lift)),
      h("span", { class: "sr" }, ` (${tip})`));
  });
  return h("ul", { class: "bars" }, rows);
}

export function shares(list) {
  const most = Math.max(...list.map((c) => c.share), 0.0001);
  return h("ul", { class: "bars" }, list.map((c) =>
    h("li", { title: `${plural(c.purchases, "purchase")}, ${money(c.spend)}` },
      h("span", { class: "label" }, c.name),
      h("span", { class: "track", "aria-hidden": "true" },
        h("span", { class: "fill", style: { width: `${(c.share / most) * 100}%` } })),
      h("span", { class: "value" }, percent(c.share)))));
}

export function productText(product, ...more) {
  const under = [product.category, product.brand].filter(Boolean).join(" · ");
  return h("div", { class: "product" },
    h("div", {}, productLink(product)),
    under ? h("div", { class: "muted small" }, under) : null,
    more);
}

export function table(columns, rows, caption) {
  const head = columns.map(([name, kind]) => h("th", { scope: "col", class: kind }, name));
  const body = rows.map((cells) =>
    h("tr", {}, cells.map((cell, i) => h("td", { class: columns[i][1] }, cell))));
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    h("table", {}, h("caption", { class: "sr" }, caption),
      h("thead", {}, h("tr", {}, head)), h("tbody", {}, body)));
}

// A search box that asks as one types; `draw` shows the answer of the latest text only.
export function search({ label, placeholder, address, draw, signal }) {
  const input = h("input", {
    type: "search", id: "search", placeholder, autocomplete: "off", spellcheck: "false",
    maxlength: "200",
  });
  const results = h("div", { class: "results", "aria-busy": "true" }, skeleton(5));
  const link = h("span", {});
  let latest = 0;
  let timer;
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
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, 120);
  });
  ask();
  const box = h("div", { class: "searchbox" }, h("label", { for: "search", class: "sr" }, label), input, link);
  return h("section", { class: "panel wide" }, box, results);
}
