// One experiment, or one campaign: what came of it, with intervals that hold however often one looks.

import { intervals } from "../charts/intervals.js";
import { id, send } from "../core/api.js";
import { fill, h, say } from "../core/dom.js";
import { count, date, money, number, percent } from "../core/format.js";
import { go } from "../core/router.js";
import { named, t } from "../core/words.js";
import { callLink } from "../ui/calls.js";
import { confirmed } from "../ui/dialog.js";
import { box, panel } from "../ui/panel.js";
import { facts, table } from "../ui/pieces.js";
import { empty, failure, heading, note } from "../ui/states.js";
import { experimentForm } from "./experiment-form.js";
import { audienceLinks, stateBadge } from "./experiments.js";

const FORMATS = { clicks: percent, conversion: percent, revenue: money };
const RATES = { clicks: "click_rate", conversion: "conversion_rate", revenue: "revenue_per_visitor" };

export function view({ signal, name, state }) {
  const address = `/v1/experiments/${id(name)}`;
  const title = heading(name);
  const actions = h("div", { class: "controls" });
  const below = h("div", {});
  const may = ["marketer", "admin"].some((scope) => state.scopes.has(scope));
  const results = panel(t("results.title"), address, (one) => {
    fill(title.querySelector("h1"), one.name || one.id, " ", stateBadge(one));
    document.title = `${one.name || one.id} – Coterie`;
    if (may) fill(actions, buttons(one, address, () => results.load(), below));
    fill(below, definitionBox(one, address, may, () => results.load()));
    return [one.problem ? note(one.problem) : null, one.definition.hypothesis ? h("p", { class: "inset muted" }, one.definition.hypothesis) : null,
      one.results ? drawResults(one.results) : empty(t("results.none"))];
  }, { signal, wide: true, rows: 9 });
  return [h("div", { class: "headline" }, title, actions), results, below];
}

export function campaign({ signal, name }) {
  return [heading(name, t("campaign.lead")),
    panel(t("results.title"), `/v1/campaigns/${id(name)}`, (one) => [
      facts([
        [t("audience.title"), audienceLinks(one)], [t("campaigns.holdout"), percent(one.share)],
        [t("count.customers"), count(one.customers)], [t("campaigns.first"), date(one.first)],
        [t("campaign.revenue"), one.incremental_revenue ? ranged(one.incremental_revenue, money) : null],
      ]),
      one.results ? drawResults(one.results) : empty(t("results.none")),
    ], { signal, wide: true, rows: 8 })];
}

const ranged = (one, format) => `${format(one.value)} (${format(one.low)} – ${format(one.high)})`;

function buttons(one, address, again, below) {
  const act = (what, text, sure, kind = "") => h("button", {
    type: "button", class: kind, onclick: async () => {
      if (sure && !await confirmed(text, sure, text)) return;
      try {
        await (what === "delete" ? send("DELETE", address) : send("POST", `${address}/${what}`));
        say(text);
        if (what === "delete") go("#/experiments");
        else again();
      } catch (error) {
        below.prepend(failure(error));
      }
    },
  }, text);
  return [
    one.state === "draft" ? act("start", t("experiment.start"), t("experiment.start-sure"), "primary") : null,
    one.state === "running" ? act("stop", t("experiment.stop"), t("experiment.stop-sure")) : null,
    one.state === "running" ? null : act("delete", t("experiment.delete"), t("experiment.delete-sure"), "danger"),
  ];
}

function drawResults(found) {
  const of = (metric) => found.variants.filter((one) => one[RATES[metric]]);
  const metrics = ["clicks", "conversion", "revenue"].filter((metric) => of(metric).length);
  const ratio = found.sample_ratio;
  return [
    h("p", { class: "inset" }, h("b", {}, found.verdict)),
    ratio.ok ? null : note(t("results.ratio", { p: number(ratio.p_value) })),
    table([[t("results.variant")], [t("results.units"), "num"], [t("results.expected"), "num"], [t("results.clicked"), "num"], [t("results.converted"), "num"], [t("trend.orders"), "num"], [t("results.revenue"), "num"]],
      found.variants.map((one) => [h("b", {}, one.variant), count(one.units), count(one.expected), count(one.clicked), count(one.converted), count(one.orders), money(one.revenue)]), t("results.variants")),
    metrics.map((metric) => drawMetric(found, metric, of(metric))),
    h("p", { class: "inset small muted" }, t("results.always", { percent: percent(1 - found.alpha) }), " ", found.open ? t("results.open", { n: found.open }) : "", " ", ratio.ok && ratio.p_value !== null ? t("results.ratio-ok", { p: number(ratio.p_value) }) : ""),
  ];
}

function drawMetric(found, metric, variants) {
  const compared = found.comparisons.filter((one) => one.metric === metric && one.difference);
  const format = FORMATS[metric];
  const signed = (n) => (n > 0 ? `+${format(n)}` : format(n));
  return [
    h("h3", {}, named("outcome", metric), metric === found.metric ? [" ", h("span", { class: "badge" }, t("results.primary"))] : null),
    intervals(variants.map((one, i) => ({ name: one.variant, ...one[RATES[metric]], strong: i > 0 })), { title: named("outcome", metric), format }),
    compared.length ? [
      h("p", { class: "inset small muted" }, t("results.difference")),
      intervals(compared.map((one) => ({ name: one.variant, ...one.difference, strong: one.significant, tip: `p ${number(one.p_value)}` })), { title: t("results.difference"), format: signed, zero: true }),
      h("ul", { class: "inset small" }, compared.map((one) => h("li", {}, t("results.lift", {
        name: one.variant, lift: one.lift ? ranged(one.lift, percent) : "–", p: one.p_value === null ? "–" : number(one.p_value), sure: one.significant ? t("results.sure") : t("results.unsure"),
      })))),
    ] : null,
  ];
}

function definitionBox(one, address, may, again) {
  if (may && one.state === "draft") return experimentForm({ definition: one.definition, again });
  const { definition } = one;
  return box(t("experiment.definition"), { link: callLink(address), wide: true }, facts([
    [t("experiments.metric"), named("outcome", definition.metric)], [t("form.share"), percent(definition.share)],
    [t("experiments.started"), date(one.started)], [t("form.starts"), definition.starts ? date(definition.starts) : null], [t("form.ends"), definition.ends ? date(definition.ends) : null],
    ...definition.variants.map((v) => [v.id, Object.entries(v.override ?? {}).filter(([, value]) => value !== null).map(([key, value]) => `${key}: ${value}`).join(", ") || t("form.as-ever")]),
  ]));
}

