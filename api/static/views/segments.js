// Groups of customers who buy alike: as areas, as a map of customers, as a table.

import { pointMap } from "../charts/map.js";
import { treemap } from "../charts/treemap.js";
import { id, shared } from "../core/api.js";
import { fill, h, hue } from "../core/dom.js";
import { count, money, number, percent } from "../core/format.js";
import { go } from "../core/router.js";
import { named, t } from "../core/words.js";
import { panel } from "../ui/panel.js";
import { segmentLink, select, table } from "../ui/pieces.js";
import { empty, heading } from "../ui/states.js";
import { segmentTiles } from "./overview.js";

export function view({ signal }) {
  const ask = shared();
  const areas = panel(t("segments.areas"), "/v1/segments", (found) => (
    found.segments.length ? treemap(segmentTiles(found.segments), { title: t("segments.areas"), height: 420 }) : empty(t("segments.none"))
  ), { signal, ask, rows: 9 });
  const tree = panel(t("segments.list"), "/v1/segments", drawTree, { signal, ask, rows: 9, wide: true, kind: "after" });
  const changes = panel(t("changes.title"), "/v1/segments/changes", drawChanges, { signal, rows: 3, wide: true });
  return [heading(t("segments.title"), t("segments.lead")),
    h("div", { class: "split even" }, areas, mapPanel(signal, ask)), tree, changes];
}

// The map with the names of segments, one of which can be brought forward.
export function mapPanel(signal, ask, only = null) {
  const controls = h("div", { class: "controls" });
  return panel(t("map.title"), "/v1/customer-map?limit=4000", (found) => {
    if (!found.points.length) return empty(t("map.none"));
    const body = h("div", {});
    ask("/v1/segments", signal).then(({ segments }) => {
      const names = found.segments.map((one) => segments.find((s) => s.segment_id === one)?.name ?? one);
      fill(body, drawMap(found, names, controls, only));
    }).catch(() => fill(body, drawMap(found, found.segments, controls, only)));
    return body;
  }, { signal, controls, rows: 9 });
}

function drawMap(found, names, controls, only) {
  const focus = only === null ? -1 : found.segments.indexOf(only);
  const points = found.points.map((p) => ({ ...p, group: p.segment }));
  const label = t("map.label", { n: points.length });
  const map = pointMap(points, {
    title: label, focus, height: 376, groups: Math.max(found.segments.length, 1),
    told: (p) => [h("b", {}, p.user_id), h("div", {}, names[p.group] ?? t("segments.no-segment"))],
    chosen: (p) => go(`#/customer/${id(p.user_id)}`),
  });
  const options = [["-1", t("map.all")], ...names.map((name, i) => [String(i), name])];
  fill(controls, select(t("map.focus"), options, String(focus), (place) => map.focusOn(Number(place))));
  const note = found.total > points.length ? t("map.sample", { n: points.length, all: found.total }) : "";
  return [map, h("p", { class: "inset small muted" }, t(`map.${found.projection}`), " ", note)];
}

export const trusted = (trust) => {
  if (!trust) return null;
  return h("span", { class: `badge ${{ stable: "", fair: "plain", doubtful: "warn" }[trust]}`, title: t(`trust.${trust}.text`) }, t(`trust.${trust}`));
};

function drawTree(found) {
  if (!found.segments.length) return empty(t("segments.none"));
  const columns = [[t("segment.title")], [t("count.customers"), "num"], [t("col.spend"), "num"], [t("segments.trust")], [t("segments.apart")]];
  const rows = found.segments.flatMap((one, i) => [
    row(one, hue(i)),
    ...found.parts.filter((part) => part.parent_id === one.segment_id).map((part) => row(part, null)),
  ]);
  const told = [
    found.unassigned ? t("segments.unassigned", { n: found.unassigned }) : null,
    found.modularity === null ? null : t("segments.modularity", { value: number(found.modularity) }),
    found.resampled === null ? null : t("segments.resampled", { value: number(found.resampled) }),
  ].filter(Boolean).join(" · ");
  return [table(columns, rows, t("segments.list")), told ? h("p", { class: "muted small inset" }, told) : null];
}

function row(one, tint) {
  const name = tint
    ? h("span", {}, h("span", { class: "dot", style: { background: tint } }), " ", segmentLink(one))
    : h("span", { class: "part" }, "└ ", segmentLink(one));
  const apart = [...new Set(one.traits.map((trait) => trait.label))].slice(0, 2).join(", ");
  return [name, h("span", {}, count(one.size), h("div", { class: "muted small" }, percent(one.share_of_customers))),
    one.spend === null ? "–" : h("span", {}, money(one.spend), h("div", { class: "muted small" }, percent(one.share_of_spend))),
    trusted(one.trust) || "–", apart];
}

function drawChanges({ previous, levels }) {
  const top = levels.find((one) => one.level === 0);
  if (!previous || !top) return empty(t("changes.first"));
  const shown = top.segments.filter((one) => one.kind !== "kept");
  const lead = h("p", { class: "inset" }, t("changes.kept", { share: percent(top.kept_share), n: top.customers, arrived: top.arrived, left: top.left }));
  if (!shown.length) return [lead, h("p", { class: "inset muted small" }, t("changes.none"))];
  const rows = shown.map((one) => [
    h("span", { class: "badge plain" }, named("change", one.kind)), one.name, one.other_name ?? "–", count(one.before), count(one.after),
  ]);
  return [lead, table([[t("changes.what")], [t("segment.title")], [t("changes.other")], [t("changes.before"), "num"], [t("changes.after"), "num"]], rows, t("changes.title"))];
}

