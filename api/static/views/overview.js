// The shop at a glance: what was learned, how good it is, who the customers are, what happens now.

import { stack } from "../charts/stack.js";
import { trend } from "../charts/trend.js";
import { treemap } from "../charts/treemap.js";
import { id } from "../core/api.js";
import { fill, h, hue } from "../core/dom.js";
import { ago, count, date, figure, money, percent, short, shortMoney } from "../core/format.js";
import { named, t } from "../core/words.js";
import { callLink } from "../ui/calls.js";
import { panel } from "../ui/panel.js";
import { toggle } from "../ui/pieces.js";
import { stageParts } from "../ui/stages.js";
import { empty, heading, note } from "../ui/states.js";
import { flowPanel, progressPanel } from "./live.js";

export function view({ signal, state }) {
  const { build, scopes } = state;
  const marketer = scopes.has("marketer");
  const insider = ["marketer", "analyst", "admin"].some((scope) => scopes.has(scope));
  if (!build) {
    return [heading(t("overview.title")), note(t("overview.nothing")), insider ? progressPanel(signal) : null];
  }
  const sales = marketer ? salesPanel(signal) : null;
  const people = marketer ? [segmentsPanel(signal), stagesPanel(signal)] : [];
  return [
    heading(build.shop, t("overview.lead", { day: date(build.last_event), when: ago(build.created) })),
    tiles(build),
    marketer ? h("div", { class: "split" }, sales, people[1]) : null,
    marketer ? h("div", { class: "split" }, people[0], h("div", { class: "stack" }, insider ? flowPanel(signal) : null, insider ? progressPanel(signal) : null)) : null,
    insider && !marketer ? h("div", { class: "split even" }, flowPanel(signal), progressPanel(signal)) : null,
  ];
}

function tiles(build) {
  const { counts } = build;
  const figures = [
    [t("count.customers"), short(counts.users), t("overview.in-segments", { n: counts.segments ?? 0 })],
    [t("count.products"), short(counts.products), counts.rules === undefined ? "" : t("overview.rules", { n: counts.rules })],
    counts.orders ? [t("count.orders"), short(counts.orders), t("overview.lines", { n: short(counts.purchases) })]
      : [t("count.purchases"), short(counts.purchases), ""],
    ...quality(build),
    [t("overview.fresh"), ago(build.created), t("overview.until", { day: date(build.last_event) })],
  ];
  return h("div", { class: "tiles" }, figures.map(([name, big, under]) =>
    h("div", { class: "tilebox" }, h("div", { class: "name" }, h("span", {}, name), callLink("/v1/build")),
      h("div", { class: String(big).length > 8 ? "big long" : "big" }, big), h("div", { class: "under" }, under))));
}

// How many of the twenty listed products are bought next: recall of what is served.
function quality({ metrics, methods }) {
  const best = metrics.find((m) => m.mode === "all" && m.name === "ndcg" && m.method === methods.all) || metrics[0];
  if (!best) return [[t("overview.quality"), "–", t("overview.not-measured")]];
  const range = best.low === null ? "" : `${figure(best.low)} – ${figure(best.high)}`;
  return [[`${best.name.toUpperCase()}@${best.k}`, figure(best.value), `${named("method", best.method)} · ${range}`]];
}

function salesPanel(signal) {
  let answer = null;
  let shown = null;
  const chart = h("div", {});
  const kinds = [["spend", t("trend.spend")], ["orders", t("trend.orders")], ["customers", t("trend.customers")]];
  const controls = h("div", { class: "controls" });
  const draw = () => fill(chart, salesChart(answer, shown));
  return panel(t("trend.title"), "/v1/trend", (found) => {
    answer = found;
    if (!found.periods.length) return empty(t("trend.none"));
    const known = found.periods.some((p) => p.spend !== null) ? kinds : kinds.slice(1);
    shown = known[0][0];
    fill(controls, toggle(t("trend.what"), known, shown, (kind) => {
      shown = kind;
      draw();
    }));
    draw();
    return chart;
  }, { signal, controls, rows: 6 });
}

export function salesChart({ unit, periods }, kind) {
  const points = periods.map((p) => ({ start: p.start, value: p[kind] ?? 0, complete: p.complete }));
  const told = kind === "spend" ? money : count;
  const title = t(`trend.by-${unit}`, { what: t(`trend.${kind}`) });
  return trend(points, { title, unit, value: told, axis: kind === "spend" ? shortMoney : short });
}

const stagesPanel = (signal) => panel(t("stages.title"), "/v1/lifecycle", (found) => {
  if (!found.shop.stages.length) return empty(t("stages.none"));
  const text = (one) => `${count(one.customers)} · ${percent(one.customers / found.shop.customers)}`;
  return [
    stack(stageParts(found.shop.stages, { text, link: true }), { title: t("stages.title") }),
    h("dl", { class: "stats" },
      found.shop.expected_value === null ? null : h("div", {}, h("dt", {}, t("stages.expected", { n: found.horizon_days })), h("dd", {}, money(found.shop.expected_value))),
      found.shop.churn_risk === null ? null : h("div", {}, h("dt", {}, t("stages.risk", { n: found.churn_days })), h("dd", {}, percent(found.shop.churn_risk)))),
  ];
}, { signal, rows: 5 });

const segmentsPanel = (signal) => panel(t("overview.segments"), "/v1/segments", (found) => {
  if (!found.segments.length) return empty(t("segments.none"));
  return treemap(segmentTiles(found.segments), { title: t("overview.segments"), height: 300 });
}, { signal, rows: 8 });

export const segmentTiles = (segments) => segments.map((one, i) => ({
  name: one.name, value: one.size, tint: hue(i), href: `#/segment/${id(one.segment_id)}`,
  under: [t("n.customers", { n: one.size }), one.share_of_spend === null ? "" : t("segments.of-spend", { share: percent(one.share_of_spend) })].filter(Boolean).join(" · "),
}));

