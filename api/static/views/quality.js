// How good the lists are: every method in each mode with its interval, and the headlines of all builds.

import { intervals } from "../charts/intervals.js";
import { trend } from "../charts/trend.js";
import { fill, h } from "../core/dom.js";
import { count, date, figure } from "../core/format.js";
import { named, t } from "../core/words.js";
import { panel } from "../ui/panel.js";
import { facts, select, table, toggle } from "../ui/pieces.js";
import { empty, heading, note } from "../ui/states.js";

const MODES = ["all", "repeat", "discover"];

export function view({ signal, query, replace }) {
  const chosen = { mode: query.get("mode") || "all", metric: query.get("metric") || "ndcg", k: Number(query.get("k")) || 20 };
  const controls = h("div", { class: "controls" });
  const methods = panel(t("quality.methods"), "/v1/quality", (found) => drawMethods(found, chosen, controls, replace), { signal, controls, rows: 9, wide: true });
  const builds = panel(t("quality.builds"), "/v1/quality", drawBuilds, { signal, rows: 5, wide: true });
  return [heading(t("quality.title"), t("quality.lead")), methods, builds];
}

function drawMethods(found, chosen, controls, replace) {
  if (!found.rows.length) return note(found.not_measured || t("overview.not-measured"));
  const body = h("div", {});
  const metrics = [...new Set(found.rows.map((row) => row.name))];
  const lengths = [...new Set(found.rows.map((row) => row.k))].sort((a, b) => a - b);
  if (!metrics.includes(chosen.metric)) chosen.metric = metrics[0];
  if (!lengths.includes(chosen.k)) chosen.k = lengths.at(-1);
  const change = (part) => {
    Object.assign(chosen, part);
    replace(`#/quality?mode=${chosen.mode}&metric=${chosen.metric}&k=${chosen.k}`);
    draw();
  };
  const draw = () => fill(body, drawMode(found, chosen));
  fill(controls,
    toggle(t("mode.what"), MODES.map((mode) => [mode, t(`mode.${mode}`)]), chosen.mode, (mode) => change({ mode })),
    select(t("quality.metric"), metrics.map((name) => [name, named("metric", name)]), chosen.metric, (metric) => change({ metric })),
    select(t("quality.length"), lengths.map((k) => [String(k), t("quality.first", { n: k })]), String(chosen.k), (k) => change({ k: Number(k) })));
  draw();
  return body;
}

function drawMode(found, { mode, metric, k }) {
  const rows = found.rows.filter((row) => row.mode === mode && row.name === metric && row.k === k);
  if (!rows.length) return empty(t("quality.none"));
  const served = found.builds.find((one) => one.build === found.build)?.methods[mode];
  const sorted = rows.toSorted((a, b) => b.value - a.value);
  const apart = metric === "coverage";
  const chart = intervals(sorted.map((row) => ({
    name: named("method", row.method), value: row.value, low: apart ? null : row.low, high: apart ? null : row.high, strong: row.method === served,
  })), { title: `${named("metric", metric)}@${k}, ${t(`mode.${mode}`)}`, format: figure });
  const ahead = found.differences.filter((one) => one.mode === mode && one.name === metric && one.k === k);
  return [
    facts([
      [t("quality.served"), named("method", served ?? "–")], [t("quality.customers"), count(sorted[0].users)],
      [t("quality.cut"), date(found.cut)], [t("quality.window"), found.window_days === null ? null : t("n.days", { n: Math.round(found.window_days) })],
    ]),
    h("p", { class: "inset small muted" }, t(`metric.${metric}.text`, { n: k })),
    chart, ahead.length ? drawAhead(ahead) : null,
  ];
}

function drawAhead(list) {
  return [
    h("h3", {}, t("quality.ahead", { baseline: named("method", list[0].baseline) })),
    intervals(list.toSorted((a, b) => b.value - a.value).map((one) => ({
      name: named("method", one.method), value: one.value, low: one.low, high: one.high, strong: one.significant && one.value > 0,
      tip: one.significant ? t("quality.significant") : t("quality.chance"),
    })), { title: t("quality.differences"), format: (n) => (n > 0 ? `+${figure(n)}` : figure(n)), zero: true }),
  ];
}

function drawBuilds({ builds }) {
  const of = (build, mode) => build.metrics.find((m) => m.mode === mode && m.name === "ndcg");
  const told = (m) => (m ? h("span", { title: `${figure(m.low)} – ${figure(m.high)}` }, figure(m.value)) : "–");
  const rows = builds.toReversed().map((build) => [
    h("span", {}, build.build, build.published ? [" ", h("span", { class: "badge" }, t("snapshots.published"))] : null),
    date(build.last_event), ...MODES.map((mode) => told(of(build, mode))), named("method", build.methods.all),
  ]);
  const columns = [[t("snapshots.build")], [t("snapshots.until"), "num"], ...MODES.map((mode) => [t(`mode.${mode}`), "num"]), [t("quality.served")]];
  const points = builds.map((build) => ({ start: build.created, value: of(build, "all")?.value })).filter((p) => p.value !== undefined);
  return [
    points.length > 2 ? trend(points, { title: t("quality.builds"), unit: "day", value: figure, axis: figure }) : null,
    h("p", { class: "inset small muted" }, t("quality.builds-text")), table(columns, rows, t("quality.builds")),
  ];
}
