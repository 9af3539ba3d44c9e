// Merchandising: rules that pin, boost, bury, leave out or give places, and what each changes.

import { id } from "../core/api.js";
import { h } from "../core/dom.js";
import { date } from "../core/format.js";
import { named, t } from "../core/words.js";
import { icon } from "../ui/icons.js";
import { panel } from "../ui/panel.js";
import { table } from "../ui/pieces.js";
import { empty, heading } from "../ui/states.js";

export function view({ signal, state }) {
  const may = ["marketer", "admin"].some((scope) => state.scopes.has(scope));
  return [
    h("div", { class: "headline" }, heading(t("rules.title"), t("rules.lead")),
      may ? h("a", { class: "button primary", href: "#/rule" }, icon("plus"), t("rules.new")) : null),
    panel(t("rules.all"), "/v1/merchandising", drawList, { signal, wide: true, rows: 5 }),
  ];
}

const KINDS = { active: "", scheduled: "plain", ended: "plain", off: "plain" };
export const ruleState = (state) => h("span", { class: `badge ${KINDS[state]}` }, named("rulestate", state));

function drawList({ rules }) {
  if (!rules.length) return empty(t("rules.none"));
  const columns = [[t("rules.rule")], [t("rules.state")], [t("rules.effect")], [t("rules.what")], [t("rules.from"), "num"], [t("rules.until"), "num"]];
  return table(columns, rules.map(({ rule, state, problem }) => [
    h("div", {}, h("a", { href: `#/rule/${id(rule.id)}`, class: "strong" }, rule.name || rule.id), problem ? h("div", { class: "bad small" }, problem) : null),
    ruleState(state), effectOf(rule), targetOf(rule.target), date(rule.starts), date(rule.ends),
  ]), t("rules.all"));
}

export function effectOf(rule) {
  const figure = { pin: rule.position, boost: rule.factor, bury: rule.factor, at_most: rule.count, at_least: rule.count }[rule.effect];
  return `${named("effect", rule.effect)}${figure === null || figure === undefined ? "" : ` ${figure}`}`;
}

function targetOf(target) {
  const listed = ["products", "category", "brand"].flatMap((name) => target?.[name] ?? []);
  const prices = [target?.min_price, target?.max_price];
  const range = prices.some((one) => one !== null && one !== undefined) ? `${prices[0] ?? ""}–${prices[1] ?? ""}` : "";
  return [listed.slice(0, 4).join(", "), listed.length > 4 ? "…" : "", range].filter(Boolean).join(" ") || t("rules.everything");
}
