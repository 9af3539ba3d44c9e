// One stage of a customer's life: how many are in it, what to do, and an audience of them.

import { stack } from "../charts/stack.js";
import { id } from "../core/api.js";
import { h } from "../core/dom.js";
import { count, money, percent } from "../core/format.js";
import { t } from "../core/words.js";
import { icon } from "../ui/icons.js";
import { panel } from "../ui/panel.js";
import { facts, segmentLink, table } from "../ui/pieces.js";
import { stageName, stageTint } from "../ui/stages.js";
import { empty, heading } from "../ui/states.js";
import { actionsPanel } from "./claims.js";

export function view({ signal, name }) {
  return [
    h("div", { class: "headline" }, heading(t("stage.heading", { name: stageName(name) }), t("stage.lead")),
      h("a", { class: "button", href: `#/audience?stage=${id(name)}` }, icon("audience"), t("segment.audience"))),
    h("div", { class: "split" }, actionsPanel("stages", name, signal), panel(t("stage.who"), "/v1/lifecycle", (found) => drawWho(found, name), { signal, rows: 6 })),
  ];
}

function drawWho(found, name) {
  const of = (group) => group.stages.find((one) => one.stage === name);
  const all = of(found.shop);
  if (!all) return empty(t("stage.none"));
  const rows = found.segments.filter(of).map((group) => [segmentLink(group), count(of(group).customers), percent(of(group).customers / group.customers)]);
  return [
    stack([{ name: stageName(name), value: all.customers, tint: stageTint(name) }, { name: t("stage.others"), value: found.shop.customers - all.customers, tint: "var(--sunk)" }], { title: t("stage.who") }),
    facts([[t("count.customers"), count(all.customers)], [t("col.spend"), all.spend === null ? null : money(all.spend)],
      [t("stages.expected", { n: found.horizon_days }), all.expected_value === null ? null : money(all.expected_value)]]),
    rows.length ? table([[t("segment.title")], [t("count.customers"), "num"], [t("stage.share"), "num"]], rows, t("stage.who")) : null,
  ];
}
