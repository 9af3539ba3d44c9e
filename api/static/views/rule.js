// One merchandising rule: its form, what it would change for a customer, and its versions.

import { get, id, post, send, shared, url } from "../core/api.js";
import { debounced, fill, h, say } from "../core/dom.js";
import { moment } from "../core/format.js";
import { go } from "../core/router.js";
import { named, t } from "../core/words.js";
import { callLink } from "../ui/calls.js";
import { confirmed } from "../ui/dialog.js";
import { box, panel } from "../ui/panel.js";
import { productLink, select, table } from "../ui/pieces.js";
import { empty, failure, heading, note, skeleton } from "../ui/states.js";
import { picker, tokens } from "../ui/tokens.js";
import { effectOf } from "./merchandising.js";

const FIGURES = { pin: "position", boost: "factor", bury: "factor", at_most: "count", at_least: "count" };
const BEGINNINGS = { position: 1, factor: { boost: 1.5, bury: 0.5 }, count: 2 };
const MODES = ["all", "repeat", "discover"];
const NEW = { id: "", name: "", note: "", effect: "boost", target: {}, factor: 1.5, modes: [], segments: [], starts: null, ends: null, enabled: true };

export function view({ signal, name }) {
  const body = h("div", {}, skeleton(8));
  const load = async () => {
    try {
      const ask = shared();
      const [one, categories, segments, users] = await Promise.all([
        name ? get(`/v1/merchandising/${id(name)}`, signal) : null,
        ask("/v1/categories", signal).then((found) => found.categories, () => []),
        ask("/v1/segments", signal).then((found) => found.segments, () => []),
        ask(url("/v1/users", { limit: 1 }), signal).then((found) => found.users, () => []),
      ]);
      const known = { categories: new Map(categories.map((c) => [c.category_id, c.name])), segments, user: users[0]?.user_id ?? "" };
      fill(body, desk({ rule: one ? one.rule : structuredClone(NEW), fresh: !one, known, signal, problem: one?.problem }), name ? history(name, signal) : null);
    } catch (error) {
      if (error.name !== "AbortError") fill(body, failure(error, load));
    }
  };
  load();
  return [heading(name ? t("rule.heading", { name }) : t("rules.new"), t("rules.lead")), body];
}

function desk({ rule, fresh, known, signal, problem }) {
  const told = h("div", {});
  const link = h("span", {});
  const trouble = h("div", { role: "alert" });
  const tried = { user_id: known.user, mode: "all", k: 12 };
  const preview = debounced(300, async () => {
    if (!tried.user_id) return fill(told, empty(t("rule.nobody")));
    if (!names(rule.target)) return fill(told, empty(t("rule.on-what")));
    const asked = { ...tried, rule: complete(rule) };
    fill(link, callLink("/v1/merchandising/preview", "POST", asked));
    try {
      fill(told, drawPreview(await post("/v1/merchandising/preview", asked, signal)));
    } catch (error) {
      if (error.name !== "AbortError") fill(told, error.status === 422 ? empty(error.message) : failure(error, preview));
    }
    return null;
  });
  const submit = async (event) => {
    event.preventDefault();
    try {
      await (fresh ? post("/v1/merchandising", complete(rule), signal) : send("PUT", `/v1/merchandising/${id(rule.id)}`, complete(rule), signal));
      say(t("rule.saved"));
      go("#/merchandising");
    } catch (error) {
      if (error.name !== "AbortError") fill(trouble, error.errors?.length ? h("div", { class: "failure" }, h("ul", {}, error.errors.map((one) => h("li", {}, h("code", {}, one.field), " ", one.message)))) : failure(error));
    }
  };
  const user = input("text", tried.user_id, (value) => { tried.user_id = value; preview(); });
  const mode = select(t("mode.what"), MODES.map((one) => [one, t(`mode.${one}`)]), tried.mode, (value) => { tried.mode = value; preview(); });
  preview();
  return h("div", { class: "split" },
    box(t("rule.form"), { kind: "open" }, problem ? note(problem) : null, h("form", { class: "inset form", onsubmit: submit }, form(rule, fresh, known, preview), trouble,
      h("div", { class: "controls" }, h("button", { type: "submit", class: "primary" }, t("rule.save")), fresh ? null : removal(rule, trouble)))),
    box(t("rule.preview"), { link }, h("div", { class: "inset row" }, labelled(t("customer.title"), user), labelled(t("mode.what"), mode)), told));
}

const names = (target) => ["products", "category", "brand"].some((name) => target[name]?.length)
  || [target.min_price, target.max_price].some((price) => price !== null && price !== undefined);

// What the server takes: only the figure that the effect needs.
function complete(rule) {
  const figure = FIGURES[rule.effect];
  const { position, factor, count, ...rest } = rule;
  return { ...rest, id: rule.id || "draft", name: rule.name || t("rules.new"), ...(figure ? { [figure]: { position, factor, count }[figure] } : {}) };
}

const labelled = (label, element) => h("label", { class: "field" }, label, element);
const grouped = (label, element) => h("div", { class: "field" }, h("span", { class: "small muted" }, label), element);

function input(type, value, set, more = {}) {
  const element = h("input", { type, value: value ?? null, ...more });
  element.addEventListener("input", () => set(type === "number" ? (element.value === "" ? null : Number(element.value)) : element.value));
  return element;
}

function form(rule, fresh, known, changed) {
  const set = (target, name) => (value) => { target[name] = value; changed(); };
  rule.target ??= {};
  const figure = h("div", { class: "field" });
  const draw = () => {
    const name = FIGURES[rule.effect];
    if (!name) return fill(figure);
    rule[name] ??= BEGINNINGS[name][rule.effect] ?? BEGINNINGS[name];
    return fill(figure, labelled(t(`rule.${name}`), input("number", rule[name], set(rule, name), { step: "any", min: "0", required: true })));
  };
  draw();
  const effects = ["pin", "boost", "bury", "exclude", "at_most", "at_least"].map((one) => [one, named("effect", one)]);
  const offer = { category: async (text) => [...known.categories].filter(([, name]) => name.toLowerCase().includes(text.toLowerCase())), brand: async () => [],
    products: async (text) => (text ? (await get(url("/v1/products", { search: text, limit: 12 }))).products.map((one) => [one.product_id, one.title]) : []) };
  const list = (name, label) => grouped(label, tokens({ label, values: rule.target[name] ?? [], offer: offer[name], nameOf: (value) => known.categories.get(value) ?? value, change: set(rule.target, name) }));
  const day = (name) => labelled(t(`form.${name}`), input("date", rule[name]?.slice(0, 10), (value) => set(rule, name)(value ? `${value}T00:00:00Z` : null)));
  return [
    h("div", { class: "row" }, labelled(t("form.name"), input("text", rule.name, set(rule, "name"), { required: true, maxlength: "200" })),
      labelled(t("form.id"), input("text", rule.id, set(rule, "id"), { required: true, pattern: "[a-z0-9][a-z0-9\\-]*", disabled: !fresh }))),
    h("div", { class: "row" }, labelled(t("rules.effect"), select(t("rules.effect"), effects, rule.effect, (value) => {
      // Each effect has a figure of its own, or none.
      for (const name of Object.values(FIGURES)) delete rule[name];
      rule.effect = value;
      draw();
      changed();
    })), figure),
    h("div", { class: "row" }, list("products", t("products.title")), list("category", t("col.category")), list("brand", t("col.brand"))),
    h("div", { class: "row" }, labelled(t("rule.min_price"), input("number", rule.target.min_price, set(rule.target, "min_price"), { step: "any" })), labelled(t("rule.max_price"), input("number", rule.target.max_price, set(rule.target, "max_price"), { step: "any" }))),
    h("div", { class: "row" }, day("starts"), day("ends"),
      grouped(t("form.segments"), picker({ label: t("form.segments"), options: known.segments.map((one) => [one.segment_id, one.name]), values: rule.segments ?? [], change: set(rule, "segments") })),
      grouped(t("rule.modes"), picker({ label: t("rule.modes"), options: MODES.map((one) => [one, t(`mode.${one}`)]), values: rule.modes ?? [], change: set(rule, "modes") }))),
    labelled(t("rule.note"), input("text", rule.note, set(rule, "note"), { maxlength: "1000" })),
    h("label", { class: "check" }, h("input", { type: "checkbox", checked: rule.enabled !== false, onchange: (event) => set(rule, "enabled")(event.target.checked) }), t("rule.enabled")),
  ];
}

function removal(rule, trouble) {
  return h("button", { type: "button", class: "danger", onclick: async () => {
    if (!await confirmed(t("rule.delete"), t("rule.delete-sure", { name: rule.name || rule.id }), t("rule.delete"))) return;
    try {
      await send("DELETE", `/v1/merchandising/${id(rule.id)}`);
      go("#/merchandising");
    } catch (error) {
      fill(trouble, failure(error));
    }
  } }, t("rule.delete"));
}

function drawPreview({ moved, problem, after }) {
  const place = (one) => (one === null ? "–" : String(one));
  if (problem) return note(problem);
  if (!moved.length) return empty(t("rule.same", { n: after.length }));
  return table([[t("product.title")], [t("changes.before"), "num"], [t("changes.after"), "num"]],
    moved.map((one) => [productLink(one.product), place(one.before), h("b", { class: (one.after ?? 999) < (one.before ?? 999) ? "good" : "bad" }, place(one.after))]), t("rule.preview"));
}

const history = (name, signal) => panel(t("versions.title"), `/v1/merchandising/${id(name)}/history`, ({ versions }) =>
  table([[t("versions.version")], [t("versions.saved")], [t("rules.effect")], [t("rule.by")]],
    versions.map((one) => [String(one.version), moment(one.at), effectOf(one.rule), one.by ?? "–"]), t("versions.title")), { signal, wide: true, rows: 3 });
