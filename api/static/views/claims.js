// What is said of a segment, a stage or a customer against the whole shop, and what to do about it.

import { id } from "../core/api.js";
import { h } from "../core/dom.js";
import { money, number, percent, times } from "../core/format.js";
import { t } from "../core/words.js";
import { panel } from "../ui/panel.js";
import { productLink, track } from "../ui/pieces.js";
import { empty } from "../ui/states.js";

const GROUPS = ["basics", "behaviour", "preference", "risk"];
const UNITS = { share: percent, money, days: (n) => t("n.days", { n: Number(n.toFixed(1)) }), count: number, score: number };
const told = (one, value) => (value === null || value === undefined ? "–" : (UNITS[one.unit] ?? number)(value));

// Claims that chance does not explain, the strongest first in each group.
export const claimsPanel = (segment, signal) => panel(t("claims.title"), `/v1/segments/${id(segment)}/profile`, (found) => {
  const groups = GROUPS.filter((name) => found[name].length);
  if (!groups.length) return empty(t("claims.none"));
  return [
    groups.map((name) => [h("h3", {}, t(`claims.${name}`)), h("ul", { class: "claims" }, found[name].slice(0, 8).map((one) =>
      h("li", { title: t("claims.tip", { here: told(one, one.value), shop: told(one, one.shop_value), n: one.customers, p: number(one.p_value) }) },
        h("span", {}, one.text), h("b", { class: one.direction === "more" ? "good" : "" }, one.lift === null ? told(one, one.value) : times(one.lift)))))]),
    h("p", { class: "inset small muted" }, t("claims.tested", { n: found.tested, share: percent(found.false_discovery) })),
  ];
}, { signal, rows: 8 });

export const factsPanel = (customer, signal) => panel(t("claims.against"), `/v1/customers/${id(customer)}/profile`, (found) => {
  const groups = GROUPS.filter((name) => found[name].length);
  if (!groups.length) return empty(t("claims.none"));
  return groups.map((name) => [h("h3", {}, t(`claims.${name}`)), h("ul", { class: "claims" }, found[name].slice(0, 6).map((one) =>
    h("li", {}, h("span", {}, one.text), beside(one))))]);
}, { signal, rows: 6 });

// Where a customer stands among all, as a mark on a line, or how many times the shop's share it is.
function beside(one) {
  if (one.percentile === null) return h("b", {}, one.lift === null ? "" : times(one.lift));
  const tip = t("claims.percentile", { n: Math.round(one.percentile) });
  return h("span", { class: "rankline", title: tip }, track(one.percentile / 100, one.percentile / 100), h("span", { class: "sr" }, tip));
}

// What to offer, through which products, and what that may be worth.
export const actionsPanel = (kind, name, signal) => panel(t("actions.title"), `/v1/${kind}/${id(name)}/actions`, (found) => {
  if (!found.actions.length) return empty(t("actions.none"));
  return [
    h("ul", { class: "actions" }, found.actions.map(drawAction)),
    h("p", { class: "inset small muted" }, found.estimate),
  ];
}, { signal, rows: 6 });

function drawAction(one) {
  const value = one.expected_value === null ? null : h("b", {}, money(one.expected_value));
  return h("li", {}, h("div", { class: "grouphead" }, h("span", { class: "kind" }, t(`goal.${one.goal}`)), h("span", { class: "muted small" }, t("n.customers", { n: one.customers })), value),
    h("p", {}, one.text),
    one.products.length ? h("p", { class: "small" }, one.products.slice(0, 4).map((item, i) => [i ? " · " : "", productLink(item.product)])) : null,
    h("p", { class: "small muted" }, one.discount.text));
}

