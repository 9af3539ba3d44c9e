// One customer: where they stand and why, what to show them next and why, what they did.

import { get, id, shared, url } from "../core/api.js";
import { h, say } from "../core/dom.js";
import { count, date, dayOfYear, money, number, percent } from "../core/format.js";
import { language, named, t } from "../core/words.js";
import { panel } from "../ui/panel.js";
import { facts, folded, price, productText, segmentLink, select, shares, table, toggle } from "../ui/pieces.js";
import { stageName, stageTint } from "../ui/stages.js";
import { empty, heading } from "../ui/states.js";
import { factsPanel } from "./claims.js";

export function view({ signal, name, query, replace, state }) {
  const profile = url(`/v1/users/${id(name)}`, { history: 100 });
  const title = heading(t("customer.heading", { name }));
  const ask = shared();
  ask(profile, signal).then((user) => user.segment && title.append(
    h("p", { class: "muted" }, t("customer.belongs"), " ", h("span", { id: "segment" }, segmentLink(user.segment))))).catch(() => {});
  const person = panel(t("customer.profile"), profile, drawProfile, { signal, ask, rows: 6 });
  const stands = panel(t("customer.standing"), `/v1/customers/${id(name)}`, drawStanding, { signal, rows: 6 });
  const days = panel(t("timeline.title"), url(`/v1/users/${id(name)}/timeline`, { limit: 40 }), drawTimeline, { signal, rows: 8 });
  const past = panel(t("customer.history"), profile, drawHistory, { signal, ask, rows: 8 });
  const left = state.scopes.has("storefront") ? recommendations({ signal, name, query, replace }) : null;
  return [title, h("div", { class: "split" },
    h("div", { class: "stack" }, left, past), h("div", { class: "stack" }, stands, factsPanel(name, signal), person, days))];
}

function recommendations({ signal, name, query, replace }) {
  const state = {
    mode: query.get("mode") || "all", category: query.get("category") || "", lang: query.get("lang") || language(),
  };
  const address = () => url(`/v1/users/${id(name)}/recommendations`, { k: 20, ...state });
  const modes = ["all", "repeat", "discover"].map((mode) => [mode, t(`mode.${mode}`)]);
  const controls = h("div", { class: "controls" },
    toggle(t("mode.what"), modes, state.mode, (mode) => change({ mode })),
    categories(state.category, signal, (category) => change({ category })),
    // Reasons are what shoppers read, so they may come in another language than the page.
    select(t("customer.reasons-in"), [["en", "English"], ["zh", "中文"]], state.lang, (lang) => change({ lang })));
  const element = panel(t("recommended.title"), address(), (answer) => drawList(answer, state.lang), { signal, rows: 10, controls });
  element.id = "recommendations";
  function change(part) {
    Object.assign(state, part);
    const lang = state.lang === language() ? "" : state.lang;
    replace(url(`#/customer/${id(name)}`, { ...state, lang, mode: state.mode === "all" ? "" : state.mode }));
    element.load(address());
  }
  return element;
}

function categories(chosen, signal, change) {
  const element = select(t("category.only"), [["", t("category.all")]], "", change);
  get("/v1/categories", signal).then(({ categories: all }) => {
    for (const c of nested(all)) {
      const indent = "\u2003".repeat(c.level);
      element.append(h("option", { value: c.category_id }, `${indent}${c.name}`));
    }
    element.value = chosen;
    element.hidden = !all.length;
  }).catch(() => { element.hidden = true; });
  return element;
}

// Two levels, each category under its parent: more is too long a list to choose from.
export function nested(all) {
  const under = new Map();
  for (const c of all) under.set(c.parent_id, [...(under.get(c.parent_id) || []), c]);
  return all.filter((c) => c.level === 0).flatMap((root) => [root, ...(under.get(root.category_id) || [])]);
}

function drawList(answer, lang) {
  const intro = answer.fallback ? h("p", { class: "note", lang }, answer.fallback) : null;
  say(t("recommended.shown", { n: answer.items.length }));
  if (!answer.items.length) return [intro, empty(t("recommended.none"))];
  const entry = (item) => h("li", {},
    h("span", { class: "rank", "aria-hidden": "true" }, item.rank),
    productText(item.product, item.reasons.map((r) => reason(r, lang)), moved(item)),
    h("span", { class: "price" }, price(item.product)));
  return [intro, folded(answer.items, 8, (some) => h("ol", { class: "items" }, some.map(entry))),
    h("p", { class: "muted small inset" }, t("recommended.by", { method: named("method", answer.method), build: answer.build }))];
}

const reason = (r, lang) => h("div", { class: "reason", title: JSON.stringify(r.evidence) },
  h("span", { class: "kind" }, named("reason", r.kind)), " ", h("span", { lang }, r.text));

// What merchandising did to the place of a product.
const moved = (item) => (item.merchandising || []).map((one) =>
  h("div", { class: "reason" }, h("span", { class: "badge warn" }, named("effect", one.effect)), " ", one.name || one.rule));

function drawStanding(one) {
  const { stage, rfm, value, churn } = one;
  const parts = [facts([
    [t("customer.stage"), stage ? h("span", {}, h("span", { class: "dot", style: { background: stageTint(stage.name) } }), ` ${stageName(stage.name)}`) : t("customer.never")],
    [t("customer.rfm"), rfm ? `${rfm.scores} · ${named("rfm", rfm.cell)}` : null],
    [t("customer.interval"), one.usual_interval_days === null ? null : t("n.days", { n: Number(one.usual_interval_days.toFixed(1)) })],
    [t("segment.since"), one.days_since_last === null ? null : t("n.days", { n: Number(one.days_since_last.toFixed(1)) })],
    [value ? t("customer.expected-orders", { n: value.horizon_days }) : "", value ? number(value.expected_orders) : null],
    [value ? t("customer.expected-value", { n: value.horizon_days }) : "", value?.expected_value === null || !value ? null : money(value.expected_value)],
    [t("customer.alive"), value ? percent(value.probability_alive) : null],
    [churn ? t("customer.churn", { n: churn.days }) : "", churn ? percent(churn.risk) : null],
  ])];
  if (stage) parts.push(h("p", { class: "inset small muted" }, stage.why));
  if (churn?.drivers.length) parts.push(h("h3", {}, t("customer.drivers")), drivers(churn.drivers));
  return parts;
}

// Each driver's effect to the left or right of none; the text says which.
function drivers(list) {
  const most = Math.max(...list.map((d) => Math.abs(d.effect)), 1e-9);
  return h("ul", { class: "drivers" }, list.map((d) => {
    const width = `${(Math.abs(d.effect) / most) * 50}%`;
    const style = d.effect >= 0 ? { left: "50%", width, background: "var(--c6)" } : { right: "50%", left: "auto", width, background: "var(--c1)" };
    return h("li", {}, h("span", {}, d.text), h("span", { class: "track", "aria-hidden": "true" }, h("span", { class: "fill", style }), h("span", { class: "tick", style: { left: "50%" } })));
  }));
}

function drawProfile(user) {
  const known = Object.entries(user.attributes).filter(([, v]) => v !== null && v !== "");
  return [
    facts([
      [t("count.orders"), count(user.orders)], [t("col.spend"), money(user.spend)], [t("count.products"), count(user.products)],
      [t("customer.first"), date(user.first_purchase)], [t("col.last"), date(user.last_purchase)],
      user.anonymous ? [t("segment.title"), t("customer.anonymous")] : ["", null],
      ...known.map(([name, value]) => [name.replaceAll("_", " "), String(value)]),
    ]),
    user.top_categories.length ? [h("h3", {}, t("customer.most")), shares(user.top_categories.map((c) => ({
      ...c, tip: `${t("n.purchases", { n: c.purchases })}, ${money(c.spend)}`,
    })))] : null,
  ];
}

function drawHistory(user) {
  if (!user.history.length) return empty(t("customer.no-purchases"));
  const row = (line) => [productText(line.product), count(line.times), date(line.last), money(line.spend)];
  const rest = user.products - user.history.length;
  return [
    folded(user.history, 10, (some) => table([[t("product.title")], [t("count.orders"), "num"], [t("col.last"), "num"], [t("col.spend"), "num"]], some.map(row), t("customer.history"))),
    rest > 0 ? h("p", { class: "muted small inset" }, t("customer.earlier", { n: rest })) : null,
  ];
}

const EVENT_TINTS = { purchase: "var(--c1)", view_item: "var(--c10)", add_to_cart: "var(--c2)", add_to_wishlist: "var(--c5)", rate: "var(--c4)" };

function drawTimeline({ days, more }) {
  if (!days.length) return empty(t("timeline.none"));
  const item = (day, i) => {
    const shown = day.day.slice(0, 4) === days[i - 1]?.day.slice(0, 4) ? dayOfYear(day.day) : date(day.day);
    return h("li", { style: { "--tint": EVENT_TINTS[day.event] } }, h("time", { datetime: day.day }, shown),
      h("span", {}, h("b", {}, named("event", day.event)), ` · ${t("n.lines", { n: day.lines })}`, h("div", { class: "muted small" }, day.titles.join(", "))),
      h("span", { class: "value" }, day.value === null ? "" : money(day.value)));
  };
  return [folded(days, 10, (some) => h("ol", { class: "timeline" }, some.map(item))), more ? h("p", { class: "muted small inset" }, t("timeline.more", { n: more })) : null];
}

