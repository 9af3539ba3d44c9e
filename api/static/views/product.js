// One product: how it sells, who buys it, what is like it, what goes with it and how surely.

import { id, url } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { count, money, number, percent, times } from "../core/format.js";
import { t } from "../core/words.js";
import { dialog } from "../ui/dialog.js";
import { panel } from "../ui/panel.js";
import { facts, folded, productText, segmentLink, shares, table } from "../ui/pieces.js";
import { stageName, stageTint } from "../ui/stages.js";
import { empty, heading } from "../ui/states.js";

export function view({ signal, name, state }) {
  const address = `/v1/products/${id(name)}`;
  const title = heading(name);
  const about = panel(t("product.about"), address, (answer) => {
    fill(title.querySelector("h1"), answer.product.title);
    document.title = `${answer.product.title} – Coterie`;
    return drawAbout(answer);
  }, { signal, rows: 3, wide: true });
  const together = panel(t("together.title"), url(`${address}/bought-together`, { k: 15 }), drawTogether, { signal, rows: 8 });
  const like = panel(t("similar.title"), url(`${address}/similar`, { k: 15 }), drawSimilar, { signal, rows: 8 });
  const buyers = state.scopes.has("marketer")
    ? panel(t("buyers.title"), `${address}/buyers`, drawBuyers, { signal, rows: 8 }) : null;
  return [title, about, h("div", { class: "split even" }, h("div", { class: "stack" }, together), h("div", { class: "stack" }, buyers, like))];
}

function drawAbout({ product, attributes, customers, purchases, spend }) {
  const known = Object.entries(attributes).filter(([, v]) => v !== null && v !== "");
  return facts([
    [t("col.price"), product.price === null ? null : money(product.price)],
    [t("col.category"), product.category], [t("col.brand"), product.brand],
    [t("product.bought-by"), t("n.customers", { n: customers })], [t("count.purchases"), count(purchases)],
    [t("product.taken"), spend === null ? null : money(spend)], [t("col.id"), h("code", {}, product.product_id)],
    ...known.map(([name, value]) => [name.replaceAll("_", " "), String(value)]),
  ]);
}

function drawBuyers(found) {
  if (!found.buyers) return empty(t("buyers.none"));
  const segments = found.segments.filter((one) => one.buyers).map((one) => ({
    ...one, link: segmentLink({ segment_id: one.id, name: one.name }), value: times(one.lift),
    tip: t("buyers.tip", { n: one.buyers, share: percent(one.share) }),
  }));
  const stages = found.stages.filter((one) => one.buyers).map((one) => ({ ...one, name: stageName(one.id), tint: stageTint(one.id), tip: t("n.customers", { n: one.buyers }) }));
  return [
    facts([[t("buyers.buyers"), `${count(found.buyers)} (${percent(found.share)})`], [t("buyers.again"), percent(found.again)]]),
    segments.length ? [h("h3", {}, t("buyers.segments")), shares(segments)] : null,
    stages.length ? [h("h3", {}, t("buyers.stages")), shares(stages)] : null,
  ];
}

function drawTogether({ product, items }) {
  if (!items.length) return empty(t("together.none"));
  const row = (one) => [
    productText(one.product), percent(one.confidence), times(one.lift),
    h("button", { type: "button", class: "quiet", "aria-label": t("together.evidence-of", { name: one.product.title }), onclick: () => evidence(product, one) },
      one.orders === null ? percent(one.support) : count(one.orders)),
  ];
  const third = items[0].orders === null ? t("together.support") : t("count.orders");
  const columns = [[t("together.with")], [t("together.confidence"), "num"], [t("together.lift"), "num"], [third, "num"]];
  return folded(items, 9, (some) => table(columns, some.map(row), t("together.title")));
}

// Every measure of the rule, as docs/rules.md names them.
function evidence(product, one) {
  const known = Object.entries(one.evidence).filter(([, value]) => value !== null);
  dialog(t("together.evidence"),
    h("p", {}, t("together.rule", { a: product.title, b: one.product.title, share: percent(one.confidence), lift: times(one.lift) })),
    table([[t("together.measure")], [t("together.value"), "num"]], known.map(([name, value]) => [name.replaceAll("_", " "), number(value)]), t("together.evidence")));
}

function drawSimilar({ items }) {
  if (!items.length) return empty(t("similar.none"));
  const row = (one) => [productText(one.product), money(one.product.price), number(one.score)];
  const columns = [[t("similar.by")], [t("col.price"), "num"], [t("similar.alike"), "num"]];
  return folded(items, 8, (some) => table(columns, some.map(row), t("similar.title")));
}
