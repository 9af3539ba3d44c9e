// Experiments: two ways to make lists, side by side; and campaigns with customers set aside.

import { id } from "../core/api.js";
import { h } from "../core/dom.js";
import { count, date, percent } from "../core/format.js";
import { named, t } from "../core/words.js";
import { icon } from "../ui/icons.js";
import { panel } from "../ui/panel.js";
import { table } from "../ui/pieces.js";
import { empty, heading } from "../ui/states.js";
import { planner } from "./planner.js";

export function view({ signal, state }) {
  const may = ["marketer", "admin"].some((scope) => state.scopes.has(scope));
  return [
    h("div", { class: "headline" }, heading(t("experiments.title"), t("experiments.lead")),
      may ? h("a", { class: "button primary", href: "#/experiment-new" }, icon("plus"), t("experiments.new")) : null),
    panel(t("experiments.all"), "/v1/experiments", drawList, { signal, wide: true, rows: 4 }),
    panel(t("campaigns.title"), "/v1/campaigns", drawCampaigns, { signal, wide: true, rows: 3 }),
    planner(signal),
  ];
}

export const stateBadge = (one) => h("span", { class: `badge ${{ running: "", draft: "plain", stopped: "plain" }[one.state]}` }, named("trial", one.state));

function drawList({ experiments }) {
  if (!experiments.length) return empty(t("experiments.none"));
  const columns = [[t("experiments.name")], [t("experiments.state")], [t("experiments.variants")], [t("experiments.metric")], [t("experiments.units"), "num"], [t("experiments.started"), "num"]];
  return table(columns, experiments.map((one) => [
    h("div", {}, h("a", { href: `#/experiment/${id(one.id)}`, class: "strong" }, one.name || one.id), one.problem ? h("div", { class: "bad small" }, one.problem) : null),
    stateBadge(one), one.variants.join(", "), named("outcome", one.metric), count(one.units), date(one.started),
  ]), t("experiments.all"));
}

export const audienceLinks = (campaign) => h("span", {}, campaign.audiences.map((name, i) => [i ? ", " : "", h("a", { href: `#/audience/${id(name)}` }, name)]));

function drawCampaigns({ campaigns }) {
  if (!campaigns.length) return empty(t("campaigns.none"));
  const columns = [[t("campaigns.name")], [t("audience.title")], [t("campaigns.holdout"), "num"], [t("count.customers"), "num"], [t("campaigns.last"), "num"]];
  return table(columns, campaigns.map((one) => [
    h("a", { href: `#/campaign/${id(one.name)}`, class: "strong" }, one.name), audienceLinks(one), percent(one.share), count(one.customers), date(one.last),
  ]), t("campaigns.title"));
}

