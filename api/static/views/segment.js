// One segment: what sets it apart, how it does over time, where its customers stand, who they are.

import { stack } from "../charts/stack.js";
import { download, get, id, shared, url } from "../core/api.js";
import { fill, h, say } from "../core/dom.js";
import { count, date, money, number, percent } from "../core/format.js";
import { t } from "../core/words.js";
import { callLink } from "../ui/calls.js";
import { icon } from "../ui/icons.js";
import { panel } from "../ui/panel.js";
import { customerLink, facts, segmentLink, table, toggle, traits } from "../ui/pieces.js";
import { stageParts } from "../ui/stages.js";
import { empty, failure, heading, skeleton } from "../ui/states.js";
import { actionsPanel, claimsPanel } from "./claims.js";
import { salesChart } from "./overview.js";
import { mapPanel, trusted } from "./segments.js";

const PAGE = 25;

export function view({ signal, name, state }) {
  const address = `/v1/segments/${id(name)}`;
  const ask = shared();
  const title = heading(name);
  const actions = h("div", { class: "controls" },
    h("a", { class: "button", href: `#/audience?segment=${id(name)}` }, icon("audience"), t("segment.audience")),
    state.scopes.has("analyst") ? h("a", { class: "button", href: cypherOf(name) }, icon("graph"), t("segment.cypher")) : null);
  const profile = panel(t("segment.apart"), address, (segment) => {
    fill(title.querySelector("h1"), segment.name);
    document.title = `${segment.name} – Coterie`;
    return [figures(segment), traits(segment.traits, 12)];
  }, { signal, rows: 10, ask });
  return [
    h("div", { class: "headline" }, title, actions),
    h("div", { class: "split" },
      h("div", { class: "stack" }, profile, claimsPanel(name, signal), trendPanel(name, signal), members(address, signal)),
      h("div", { class: "stack" }, actionsPanel("segments", name, signal), stagesPanel(name, signal), mapPanel(signal, ask, name), partsPanel(name, signal, ask))),
  ];
}

const cypherOf = (name) => url("#/cypher", {
  query: `MATCH (u:User)-[m:MEMBER_OF]->(c:Community {id: '${name.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'})\nRETURN u.id AS customer, m.strength AS strength, c.name AS segment\nORDER BY strength DESC LIMIT 100`,
});

const figures = (one) => facts([
  [t("count.customers"), `${count(one.size)} (${percent(one.share_of_customers)})`],
  [t("col.spend"), one.spend === null ? null : `${money(one.spend)} (${percent(one.share_of_spend)})`],
  [t("segment.each"), one.spend_per_customer === null ? null : money(one.spend_per_customer)],
  [t("segment.orders-each"), one.orders_per_customer === null ? null : number(one.orders_per_customer)],
  [t("segment.since"), one.days_since_purchase === null ? null : t("n.days", { n: Number(one.days_since_purchase.toFixed(1)) })],
  [t("segments.trust"), one.trust === null ? null : h("span", {}, trusted(one.trust), ` ${number(one.stability)}`)],
]);

function trendPanel(name, signal) {
  const controls = h("div", { class: "controls" });
  return panel(t("trend.title"), url("/v1/trend", { segment: name }), (found) => {
    if (!found.periods.length) return empty(t("trend.none"));
    const chart = h("div", {});
    const kinds = ["spend", "orders", "customers"].filter((kind) => found.periods.some((p) => p[kind] !== null));
    const draw = (kind) => fill(chart, salesChart(found, kind));
    fill(controls, toggle(t("trend.what"), kinds.map((kind) => [kind, t(`trend.${kind}`)]), kinds[0], draw));
    draw(kinds[0]);
    return chart;
  }, { signal, controls, rows: 6 });
}

const stagesPanel = (name, signal) => panel(t("stages.title"), "/v1/lifecycle", (found) => {
  const group = found.segments.find((one) => one.segment_id === name);
  if (!group?.customers) return empty(t("stages.none"));
  const text = (one) => `${count(one.customers)} · ${percent(one.customers / group.customers)}`;
  return [
    stack(stageParts(group.stages, { text, link: name }), { title: t("stages.title") }),
    stack(stageParts(found.shop.stages), { title: t("stages.shop"), legend: false }),
    h("p", { class: "small muted inset" }, t("stages.compare")),
    facts([
      [t("stages.expected", { n: found.horizon_days }), group.expected_value === null ? null : money(group.expected_value)],
      [t("stages.risk", { n: found.churn_days }), group.churn_risk === null ? null : `${percent(group.churn_risk)} (${t("stages.shop-has", { share: percent(found.shop.churn_risk) })})`],
    ]),
  ];
}, { signal, rows: 5 });

const partsPanel = (name, signal, ask) => panel(t("segment.parts"), "/v1/segments", (found) => {
  const parts = found.parts.filter((part) => part.parent_id === name);
  if (!parts.length) return empty(t("segment.no-parts"));
  return table([[t("segment.part")], [t("count.customers"), "num"], [t("segments.trust")]],
    parts.map((part) => [segmentLink(part), count(part.size), trusted(part.trust) || "–"]), t("segment.parts"));
}, { signal, rows: 3, ask });

function members(address, signal) {
  const rows = [];
  const body = h("div", { class: "body" }, skeleton(6));
  const link = h("span", { class: "links" });
  const save = h("button", { type: "button", onclick: () => saved() }, icon("down"), "CSV");
  async function saved() {
    save.disabled = true;
    try {
      await download(`${address}/users`, { accept: "text/csv", name: "segment.csv" });
      say(t("downloaded"));
    } catch (error) {
      save.after(failure(error));
    }
    save.disabled = false;
  }
  const load = async (cursor) => {
    const where = url(`${address}/users`, { limit: PAGE, cursor });
    try {
      const page = await get(where, signal);
      fill(link, callLink(where));
      rows.push(...page.users.map(row));
      const more = page.next_cursor ? h("button", { type: "button", class: "more", onclick: () => load(page.next_cursor) }, t("more")) : null;
      fill(body, shown(rows, page.total), more);
    } catch (error) {
      if (error.name !== "AbortError") fill(body, failure(error, () => { rows.length = 0; load(); }));
    }
  };
  load();
  return h("section", { class: "panel", "aria-label": t("members.title") },
    h("div", { class: "head" }, h("h2", {}, t("members.title")), h("div", { class: "controls" }, save), link), body);
}

const row = (m) => [customerLink(m.user_id), percent(m.strength), count(m.orders), money(m.spend), date(m.last_purchase)];

function shown(rows, total) {
  if (!rows.length) return empty(t("members.none"));
  const text = t("members.shown", { shown: rows.length, n: total });
  say(text);
  const columns = [[t("customer.title")], [t("members.strength"), "num"], [t("count.orders"), "num"], [t("col.spend"), "num"], [t("col.last"), "num"]];
  return [table(columns, rows, t("members.title")), h("p", { class: "muted small inset" }, text)];
}
