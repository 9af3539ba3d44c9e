// The form of an audience: groups of conditions of which all or any hold, each of which may be turned round.

import { get, url } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { named, t } from "../core/words.js";
import { icon } from "../ui/icons.js";
import { select, toggle } from "../ui/pieces.js";
import { stageName } from "../ui/stages.js";
import { picker, tokens } from "../ui/tokens.js";
import { condition, FIELDS, group, isGroup, KINDS } from "./conditions.js";

// `choices` is what the shop knows, `changed` is told of every change.
export function builder(root, choices, changed) {
  const element = h("div", { class: "builder" });
  const context = { choices, changed, redraw: () => { draw(); changed(); } };
  const draw = () => fill(element, drawGroup(root, null, context));
  draw();
  element.redraw = draw;
  return element;
}

function drawGroup(node, parent, context) {
  const kinds = [["all", t("group.all")], ["any", t("group.any")]];
  const head = h("div", { class: "grouphead" },
    toggle(t("group.how"), kinds, node.kind, (kind) => { node.kind = kind; context.changed(); }),
    parent ? turned(node, context) : null, parent ? removal(node, parent, context, t("group.remove")) : null);
  const items = node.of.map((inner) => h("li", {}, isGroup(inner) ? drawGroup(inner, node, context) : drawCondition(inner, node, context)));
  const usable = KINDS.filter((kind) => available(kind, context.choices));
  const adding = select(t("condition.add"), [["", t("condition.add")], ...usable.map((kind) => [kind, t(`kind.${kind}`)])], "", (kind) => {
    node.of.push(condition(kind));
    context.redraw();
  });
  const nested = h("button", { type: "button", class: "quiet", onclick: () => { node.of.push(group(node.kind === "all" ? "any" : "all")); context.redraw(); } }, icon("plus"), t("group.add"));
  return h("div", { class: "group", role: "group", "aria-label": t("group.label") }, head,
    items.length ? h("ul", {}, items) : h("p", { class: "muted small" }, t("group.empty")), h("div", { class: "controls" }, adding, nested));
}

const available = (kind, choices) => ({
  stage: choices.stages.length, rfm: choices.rfm.length, churn: choices.measures.includes("churn_risk"),
  attribute: choices.attributes.length, segment: choices.segments.length, audience: choices.audiences.length,
}[kind] ?? true);

const turned = (node, context) => h("label", { class: "check small" },
  h("input", { type: "checkbox", checked: node.not, onchange: (event) => { node.not = event.target.checked; context.changed(); } }), t("condition.not"));

const removal = (node, parent, context, label) => h("button", {
  type: "button", class: "tool", "aria-label": label, title: label,
  onclick: () => { parent.of.splice(parent.of.indexOf(node), 1); context.redraw(); },
}, icon("cross"));

function drawCondition(node, parent, context) {
  const name = t(`kind.${node.kind}`);
  const fields = node.kind === "attribute" ? attribute(node.values, context) : node.kind === "sequence" ? sequence(node.values, context) : FIELDS[node.kind].map((field) => drawField(field, node.values, context));
  return h("div", { class: "condition", role: "group", "aria-label": name },
    h("div", { class: "grouphead" }, h("b", {}, name), turned(node, context), removal(node, parent, context, t("condition.remove", { name }))),
    h("div", { class: "row" }, fields));
}

const labelled = (label, input) => h("label", { class: "field" }, label, input);
const grouped = (label, input) => h("div", { class: "field" }, h("span", { class: "small muted" }, label), input);

function drawField([name, takes, more], values, context) {
  const label = named("field", name);
  const set = (value) => { values[name] = value; context.changed(); };
  const { choices } = context;
  switch (takes) {
    case "number": return labelled(label, numberInput(values[name], set));
    case "yes": return h("label", { class: "check" }, h("input", { type: "checkbox", checked: Boolean(values[name]), onchange: (event) => set(event.target.checked) }), label);
    case "measure": return labelled(label, select(label, more.filter((one) => choices.measures.includes(one)).map((one) => [one, named("measure", one)]), values[name] ?? more[0], set));
    case "event": return choices.events.length < 2 ? null : labelled(label, select(label, choices.events.map((one) => [one, named("event", one)]), values[name] ?? "purchase", set));
    case "audience": return labelled(label, select(label, [["", "–"], ...choices.audiences.map((one) => [one, one])], values[name] ?? "", set));
    case "segments": return grouped(label, picker({ label, options: choices.segments.map((one) => [one.segment_id, one.name]), values: values[name] ?? [], change: set }));
    case "stages": return grouped(label, picker({ label, options: choices.stages.map((one) => [one, stageName(one)]), values: values[name] ?? [], change: set }));
    default: return grouped(label, tokens({ label, values: values[name] ?? [], change: set, offer: offers(takes, choices), nameOf: namer(takes, choices) }));
  }
}

function numberInput(value, set) {
  const input = h("input", { type: "number", step: "any", value: value ?? null });
  input.addEventListener("input", () => set(input.value === "" ? null : Number(input.value)));
  return input;
}

const namer = (takes, choices) => (value) => (takes === "categories" ? choices.categories.get(value) ?? value : value);

// What a box of tokens offers: categories by name, products by search, else nothing but what is typed.
const offers = (takes, choices) => async (text) => {
  if (takes === "categories") {
    const wanted = text.toLowerCase();
    return [...choices.categories].filter(([, name]) => name.toLowerCase().includes(wanted));
  }
  if (takes === "products" && text) {
    return (await get(url("/v1/products", { search: text, limit: 12 }))).products.map((one) => [one.product_id, one.title]);
  }
  return takes === "words" ? choices.rfm.filter((one) => one.startsWith(text)).map((one) => [one, one]) : [];
};

// An attribute, and then what is wanted of it.
function attribute(values, context) {
  const known = context.choices.attributes.find((one) => one.name === values.name);
  const names = [["", "–"], ...context.choices.attributes.map((one) => [one.name, one.name.replaceAll("_", " ")])];
  const name = labelled(t("field.name"), select(t("field.name"), names, values.name ?? "", (chosen) => {
    for (const key of Object.keys(values)) delete values[key];
    values.name = chosen;
    context.redraw();
  }));
  if (!known) return [name];
  const set = (key) => (value) => { values[key] = value; context.changed(); };
  const missing = h("label", { class: "check" }, h("input", { type: "checkbox", checked: Boolean(values.missing), onchange: (event) => set("missing")(event.target.checked) }), t("field.missing"));
  if (known.low !== null) return [name, labelled(t("field.min"), numberInput(values.min, set("min"))), labelled(t("field.max"), numberInput(values.max, set("max"))), missing];
  return [name, grouped(t("field.any_of"), picker({ label: t("field.any_of"), options: known.values.map((one) => [one, one]), values: (values.any_of ?? []).map(String), change: set("any_of") })), missing];
}

// First one thing, then another, or not.
function sequence(values, context) {
  const follows = values.then ? "then" : "then_not";
  const how = toggle(t("field.follows"), [["then", t("field.then")], ["then_not", t("field.then_not")]], follows, (kind) => {
    const act = values[follows];
    delete values[follows];
    values[kind] = act ?? { event: "purchase" };
    context.redraw();
  });
  const act = (title, target) => h("fieldset", { class: "act" }, h("legend", {}, title),
    h("div", { class: "row" }, [["event", "event"], ["category", "categories"], ["product", "products"]].map((field) => drawField(field, target, context))));
  const rest = FIELDS.sequence.filter(([name]) => !["first", "then"].includes(name));
  return [act(t("field.first"), values.first), grouped(t("field.follows"), how), act(t(`field.${follows}`), values[follows]), rest.map((field) => drawField(field, values, context))];
}
