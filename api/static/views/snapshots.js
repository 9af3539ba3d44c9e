// Builds of the shop: which answers, how two differ, and going back to one.

import { get, id, post } from "../core/api.js";
import { fill, h, say } from "../core/dom.js";
import { count, date, figure, moment, number } from "../core/format.js";
import { named, t } from "../core/words.js";
import { callLink } from "../ui/calls.js";
import { confirmed } from "../ui/dialog.js";
import { icon } from "../ui/icons.js";
import { box, panel } from "../ui/panel.js";
import { select, table } from "../ui/pieces.js";
import { empty, failure, heading, skeleton } from "../ui/states.js";
import { progressPanel } from "./live.js";

export function view({ signal, query, replace }) {
  const trouble = h("div", {});
  const compared = h("div", {});
  const list = panel(t("snapshots.all"), "/v1/quality", (found) => {
    fill(compared, comparison(found.builds, { signal, query, replace }));
    return drawList(found.builds, (build) => publish(build, list, trouble));
  }, { signal, rows: 6, wide: true });
  return [heading(t("snapshots.title"), t("snapshots.lead")), trouble, list, compared, progressPanel(signal)];
}

function drawList(builds, publishing) {
  if (!builds.length) return empty(t("snapshots.none"));
  const columns = [[t("snapshots.build")], [t("snapshots.created"), "num"], [t("snapshots.until"), "num"], [t("count.customers"), "num"], [t("count.purchases"), "num"], [t("quality.title"), "num"], [t("snapshots.act")]];
  return table(columns, builds.toReversed().map((build) => {
    const best = build.metrics.find((m) => m.mode === "all" && m.name === "ndcg");
    return [h("code", { class: "nowrap" }, build.build), moment(build.created), date(build.last_event), count(build.counts.users), count(build.counts.purchases),
      best ? figure(best.value) : "–",
      build.published ? h("span", { class: "badge" }, t("snapshots.published"))
        : h("button", { type: "button", onclick: () => publishing(build) }, icon("back"), t("snapshots.publish"))];
  }), t("snapshots.all"));
}

async function publish(build, list, trouble) {
  const sure = await confirmed(t("snapshots.publish"), t("snapshots.sure", { build: build.build, day: date(build.last_event) }), t("snapshots.publish"));
  if (!sure) return;
  fill(trouble);
  try {
    const { published } = await post("/v1/snapshots/rollback", { build: build.build });
    say(t("snapshots.done", { build: published }));
    await changedOver(published);
    await list.load();
  } catch (error) {
    fill(trouble, failure(error));
  }
}

// The server changes over within a second; the page waits until it has.
async function changedOver(build) {
  for (let i = 0; i < 20; i += 1) {
    if ((await get("/v1/build")).build === build) return;
    await new Promise((resolve) => { setTimeout(resolve, 200); });
  }
}

function comparison(builds, { signal, query, replace }) {
  if (builds.length < 2) return null;
  const names = builds.map((build) => build.build).toReversed();
  const state = { a: query.get("a") || names[1], b: query.get("b") || names[0] };
  const body = h("div", {}, skeleton(6));
  const links = h("span", { class: "controls" });
  const load = async () => {
    const addresses = [state.a, state.b].map((name) => `/v1/snapshots/${id(name)}`);
    fill(links, addresses.map((address) => callLink(address)));
    try {
      fill(body, drawComparison(...await Promise.all(addresses.map((address) => get(address, signal)))));
    } catch (error) {
      if (error.name !== "AbortError") fill(body, failure(error, load));
    }
  };
  const change = (part) => {
    Object.assign(state, part);
    replace(`#/snapshots?a=${id(state.a)}&b=${id(state.b)}`);
    load();
  };
  load();
  const options = names.map((name) => [name, name]);
  const controls = h("div", { class: "controls" }, select(t("snapshots.first"), options, state.a, (a) => change({ a })), "→", select(t("snapshots.second"), options, state.b, (b) => change({ b })));
  return box(t("snapshots.compare"), { controls, link: links, wide: true }, body);
}

function drawComparison(a, b) {
  const change = (x, y) => (typeof x === "number" && typeof y === "number" ? signed(y - x) : "");
  const counts = keys(a.counts, b.counts).map((name) => [name.replaceAll("_", " "), count(a.counts[name]), count(b.counts[name]), change(a.counts[name], b.counts[name])]);
  const metric = (build, one) => build.metrics.find((m) => m.mode === one.mode && m.name === one.name && m.k === one.k);
  const figures = b.metrics.map((one) => {
    const before = metric(a, one);
    const told = (m) => (m ? h("span", { title: `${figure(m.low)} – ${figure(m.high)}` }, figure(m.value), h("div", { class: "muted small" }, named("method", m.method))) : "–");
    return [`${named("metric", one.name)}@${one.k} · ${t(`mode.${one.mode}`)}`, told(before), told(one), before ? signed(one.value - before.value) : ""];
  });
  const columns = [[t("snapshots.what")], [a.build, "num"], [b.build, "num"], [t("snapshots.change"), "num"]];
  const different = settings(a.settings, b.settings);
  const seconds = (build) => number(Object.values(build.seconds).reduce((sum, n) => sum + n, 0));
  return [
    table(columns, [...figures, ...counts, [t("snapshots.seconds"), seconds(a), seconds(b), ""]], t("snapshots.compare")),
    h("p", { class: "inset small muted" }, a.data_hash === b.data_hash ? t("snapshots.same-data") : t("snapshots.other-data")),
    different.length ? [h("h3", {}, t("snapshots.settings")), table([[t("snapshots.setting")], [a.build, "num"], [b.build, "num"]], different, t("snapshots.settings"))] : h("p", { class: "inset small muted" }, t("snapshots.same-settings")),
  ];
}

const keys = (a, b) => [...new Set([...Object.keys(a), ...Object.keys(b)])];
const signed = (n) => (n === 0 ? "=" : `${n > 0 ? "+" : "−"}${Number.isInteger(n) ? count(Math.abs(n)) : figure(Math.abs(n))}`);

// Settings that differ, by their full names.
function settings(a, b, lead = "") {
  return keys(a, b).flatMap((name) => {
    const [x, y] = [a[name], b[name]];
    const both = [x, y].every((one) => one !== null && typeof one === "object" && !Array.isArray(one));
    if (both) return settings(x, y, `${lead}${name}.`);
    return JSON.stringify(x) === JSON.stringify(y) ? [] : [[h("code", {}, lead + name), JSON.stringify(x) ?? "–", JSON.stringify(y) ?? "–"]];
  });
}
