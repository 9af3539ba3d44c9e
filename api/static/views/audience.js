// One audience: its form with size, value and overlap as one edits; saved, versions, files, why or why not.

import { get, id, post, send, shared } from "../core/api.js";
import { debounced, fill, h, say } from "../core/dom.js";
import { count, money, percent } from "../core/format.js";
import { go } from "../core/router.js";
import { t } from "../core/words.js";
import { callLink } from "../ui/calls.js";
import { confirmed } from "../ui/dialog.js";
import { box } from "../ui/panel.js";
import { facts, segmentLink, shares } from "../ui/pieces.js";
import { empty, failure, heading, skeleton } from "../ui/states.js";
import { savedPanels } from "./audience-saved.js";
import { builder } from "./builder.js";
import { condition, group, isGroup, toNode, toWhere, whole } from "./conditions.js";

const IDEAS = {
  leaving: () => [condition("stage", { any_of: ["at risk"] }), condition("value", { of: "spend", min: 100 })],
  second: () => [condition("stage", { any_of: ["new"] }), condition("value", { of: "orders", max: 1 })],
  lapsed: () => [condition("bought", { days: 365, times: 2 }), condition("not_bought", { days: 30 })],
  best: () => [condition("value", { of: "expected_value", min: 50 })],
  cart: () => [condition("sequence")],
};

export function view({ signal, name, query, state }) {
  const body = h("div", {}, skeleton(8));
  const load = async () => {
    try {
      const ask = shared();
      const [choices, saved, one] = await Promise.all([
        ask("/v1/audience-choices", signal), ask("/v1/audiences", signal), name ? get(`/v1/audiences/${id(name)}`, signal) : null,
      ]);
      const categories = await get("/v1/categories", signal).then((found) => found.categories, () => []);
      const known = {
        ...choices, audiences: saved.audiences.map((other) => other.name).filter((other) => other !== name),
        categories: new Map(categories.map((c) => [c.category_id, c.name])),
      };
      fill(body, desk({ signal, one, known, query, state }));
    } catch (error) {
      if (error.name !== "AbortError") fill(body, failure(error, load));
    }
  };
  load();
  return [heading(name ? t("audience.heading", { name }) : t("audience.new"), t("audience.lead")), body];
}

function beginning(query) {
  const of = [];
  if (query.get("segment")) of.push(condition("segment", { any_of: [query.get("segment")] }));
  if (query.get("stage")) of.push(condition("stage", { any_of: [query.get("stage")] }));
  return group("all", of.length ? of : IDEAS[query.get("idea")]?.() ?? []);
}

function rootOf(one, query) {
  if (!one) return beginning(query);
  const node = toNode(one.definition.where);
  return isGroup(node) && !node.not ? node : group("all", [node]);
}

function desk({ signal, one, known, query, state }) {
  let root = rootOf(one, query);
  const told = h("div", {}, empty(t("estimate.begin")));
  const link = h("span", {});
  const problems = h("div", { role: "alert" });
  const title = h("input", { maxlength: "200", value: one?.title ?? "", required: true });
  const short = h("input", { maxlength: "63", pattern: "[a-z0-9][a-z0-9_\\-]*", value: one?.name ?? "", disabled: Boolean(one), required: true });
  let typed = Boolean(one);
  short.addEventListener("input", () => { typed = true; });
  title.addEventListener("input", () => { if (!typed) short.value = slug(title.value); });
  const definition = () => ({ name: short.value || "draft", title: title.value, where: toWhere(root) });
  let asking = new AbortController();
  const estimate = debounced(250, async () => {
    asking.abort();
    asking = new AbortController();
    fill(problems);
    const asked = { definition: definition() };
    if (!asked.definition.where || !whole(root)) return fill(told, empty(t("estimate.begin")));
    told.setAttribute("aria-busy", "true");
    fill(link, callLink("/v1/audiences/estimate", "POST", asked));
    try {
      const found = await post("/v1/audiences/estimate", asked, asking.signal);
      const changes = one ? await post("/v1/audiences/diff", asked, asking.signal) : null;
      fill(told, drawEstimate(found, changes));
    } catch (error) {
      if (error.name === "AbortError" || signal.aborted) return null;
      if (error.errors.length) fill(problems, drawProblems(error));
      else fill(told, failure(error, estimate));
    }
    told.setAttribute("aria-busy", "false");
    return null;
  });
  const form = builder(root, known, estimate);
  const save = async (event) => {
    event.preventDefault();
    try {
      const found = await send("PUT", `/v1/audiences/${id(short.value)}`, { definition: definition() }, signal);
      say(t("audience.saved", { version: found.version }));
      if (one) location.reload();
      else go(`#/audience/${id(found.name)}`);
    } catch (error) {
      if (error.name !== "AbortError") fill(problems, drawProblems(error));
    }
  };
  const buttons = h("div", { class: "controls" }, h("button", { type: "submit", class: "primary" }, one ? t("audience.save-version") : t("audience.save")),
    one ? h("button", { type: "button", class: "danger", onclick: () => remove(one, problems) }, t("audience.delete")) : null);
  const restore = (version) => {
    root = rootOf(version, query);
    const fresh = builder(root, known, estimate);
    area.replaceChildren(fresh);
    estimate();
    fresh.scrollIntoView({ block: "center" });
  };
  const area = h("div", {}, form);
  estimate();
  return [
    h("form", { class: "split", onsubmit: save },
      box(t("audience.who"), { kind: "open" }, h("div", { class: "inset form" }, area, problems,
        h("div", { class: "row" }, h("label", { class: "field" }, t("audience.what"), title), h("label", { class: "field" }, t("audience.short"), short)), buttons)),
      h("div", { class: "stack sticky" }, h("section", { class: "panel", "aria-label": t("estimate.title"), "aria-live": "polite" },
        h("div", { class: "head" }, h("h2", {}, t("estimate.title")), h("span", { class: "links" }, link)), told))),
    one ? savedPanels({ one, known, signal, restore, state }) : null,
  ];
}

const slug = (text) => text.normalize("NFKD").toLowerCase().replaceAll(/[^a-z0-9]+/g, "-").replaceAll(/^-+|-+$/g, "").slice(0, 60);

const drawProblems = (error) => h("div", { class: "failure" }, h("ul", {}, error.errors?.length
  ? error.errors.map((one) => h("li", {}, h("code", {}, one.field), " ", one.message)) : h("li", {}, error.message)));

async function remove(one, problems) {
  if (!await confirmed(t("audience.delete"), t("audience.delete-sure", { name: one.name }), t("audience.delete"))) return;
  try {
    await send("DELETE", `/v1/audiences/${id(one.name)}`);
    go("#/audiences");
  } catch (error) {
    fill(problems, drawProblems(error));
  }
}

function drawEstimate(found, changes) {
  if (found.size === null) return [empty(t("estimate.few", { n: found.minimum }))];
  const overlap = (list, link) => shares(list.slice(0, 8).map((one) => ({ name: one.name, link: link?.(one), share: one.share ?? 0, value: one.size === null ? "–" : count(one.size) })));
  const changed = changes?.changes.filter((one) => one.added || one.removed || one.before !== one.after) ?? [];
  return [
    h("p", { class: "inset" }, h("span", { class: "sizefigure" }, found.coarse ? `≈ ${count(found.size)}` : count(found.size)), " ", t("estimate.customers", { n: found.size }), ` · ${percent(found.share)}`),
    facts([
      [t("estimate.spend"), found.spend === null ? null : money(found.spend)],
      [t("estimate.value"), found.expected_value === null ? null : money(found.expected_value)],
      [t("estimate.each"), found.spend === null ? null : money(found.spend / Math.max(1, found.size))],
    ]),
    found.coarse ? h("p", { class: "note" }, t("estimate.coarse", { n: found.minimum })) : null,
    changed.length ? [h("h3", {}, t("estimate.changes")), h("ul", { class: "inset small" }, changed.map((one) => h("li", {}, t("estimate.change", { name: one.name, before: one.before ?? "–", after: one.after ?? "–", added: one.added ?? "–", removed: one.removed ?? "–" }))))] : null,
    found.segments.length ? [h("h3", {}, t("estimate.segments")), overlap(found.segments, (one) => segmentLink({ segment_id: one.id, name: one.name }))] : null,
    found.audiences.length ? [h("h3", {}, t("estimate.audiences")), overlap(found.audiences, (one) => h("a", { href: `#/audience/${id(one.id)}` }, one.name))] : null,
  ];
}
