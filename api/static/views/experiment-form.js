// The form of an experiment: what its variants change, who takes part, what decides.

import { get, id, send } from "../core/api.js";
import { fill, h, say } from "../core/dom.js";
import { go } from "../core/router.js";
import { named, t } from "../core/words.js";
import { icon } from "../ui/icons.js";
import { box } from "../ui/panel.js";
import { select } from "../ui/pieces.js";
import { failure, heading, skeleton } from "../ui/states.js";
import { picker } from "../ui/tokens.js";

const MODES = ["all", "repeat", "discover"];
const NEW = {
  id: "", name: "", hypothesis: "", share: 1, metric: "conversion", segments: [], audience: null,
  variants: [{ id: "control", weight: 1, override: {} }, { id: "discover", weight: 1, override: { mode: "discover" } }],
};

export function view() {
  return [heading(t("experiments.new"), t("experiments.lead")), experimentForm({ definition: structuredClone(NEW) })];
}

export function experimentForm({ definition, again }) {
  const body = h("div", {}, skeleton(6));
  get("/v1/experiments/options").then((options) => fill(body, form(definition, options, again)), (error) => fill(body, failure(error)));
  return box(t("experiment.definition"), { wide: true, kind: "open" }, body);
}

function form(definition, options, again) {
  const fresh = !again;
  const trouble = h("div", { role: "alert" });
  const text = (name, more = {}) => {
    const input = h("input", { value: definition[name] ?? "", ...more });
    input.addEventListener("input", () => { definition[name] = input.value; });
    return h("label", { class: "field" }, t(`form.${name}`), input);
  };
  const share = h("input", { type: "number", min: "1", max: "100", value: String(definition.share * 100) });
  share.addEventListener("input", () => { definition.share = Number(share.value) / 100; });
  const variants = h("div", { class: "form" });
  const draw = () => fill(variants, definition.variants.map((one, i) => variant(one, i, definition, options, draw)),
    h("div", { class: "controls" }, h("button", { type: "button", onclick: () => { definition.variants.push({ id: `variant-${definition.variants.length}`, weight: 1, override: {} }); draw(); } }, icon("plus"), t("form.variant"))));
  draw();
  const submit = async (event) => {
    event.preventDefault();
    try {
      const saved = await (fresh ? send("POST", "/v1/experiments", definition) : send("PUT", `/v1/experiments/${id(definition.id)}`, definition));
      say(t("form.saved"));
      if (fresh) go(`#/experiment/${id(saved.id)}`);
      else again();
    } catch (error) {
      fill(trouble, error.errors?.length ? h("div", { class: "failure" }, h("ul", {}, error.errors.map((one) => h("li", {}, h("code", {}, one.field), " ", one.message)))) : failure(error));
    }
  };
  return h("form", { class: "inset form", onsubmit: submit },
    h("div", { class: "row" }, text("name", { required: true, maxlength: "200" }), text("id", { required: true, pattern: "[a-z0-9][a-z0-9\\-]*", disabled: !fresh })),
    text("hypothesis", { maxlength: "1000" }), variants,
    h("div", { class: "row" },
      h("label", { class: "field" }, t("form.share-percent"), share),
      h("label", { class: "field" }, t("experiments.metric"), select(t("experiments.metric"), ["clicks", "conversion", "revenue"].map((one) => [one, named("outcome", one)]), definition.metric, (chosen) => { definition.metric = chosen; })),
      h("div", { class: "field" }, h("span", { class: "small muted" }, t("form.segments")),
        picker({ label: t("form.segments"), options: options.segments.map((one) => [one.segment_id, one.name]), values: definition.segments ?? [], change: (chosen) => { definition.segments = chosen; } })),
      h("label", { class: "field" }, t("audience.title"), select(t("audience.title"), [["", t("form.everybody")], ...options.audiences.map((one) => [one, one])], definition.audience ?? "", (chosen) => { definition.audience = chosen || null; }))),
    trouble, h("div", { class: "controls" }, h("button", { type: "submit", class: "primary" }, t("form.save"))));
}

function variant(one, i, definition, options, redraw) {
  const name = h("input", { value: one.id, required: true, pattern: "[a-z0-9][a-z0-9\\-]*" });
  name.addEventListener("input", () => { one.id = name.value; });
  const weight = h("input", { type: "number", min: "0.01", step: "any", value: String(one.weight ?? 1) });
  weight.addEventListener("input", () => { one.weight = Number(weight.value); });
  one.override ??= {};
  const set = (key) => (chosen) => { one.override[key] = chosen || null; };
  const choice = (key, values, told = (value) => value) => h("label", { class: "field" }, t(`form.${key}`),
    select(t(`form.${key}`), [["", t("form.as-ever")], ...values.map((value) => [value, told(value)])], one.override[key] ?? "", set(key)));
  const remove = definition.variants.length > 2 && i > 0
    ? h("button", { type: "button", class: "tool", "aria-label": t("form.remove", { name: one.id }), onclick: () => { definition.variants.splice(i, 1); redraw(); } }, icon("cross")) : null;
  return h("div", { class: "condition", role: "group", "aria-label": one.id },
    h("div", { class: "grouphead" }, h("b", {}, i ? t("form.variant-n", { n: i }) : t("form.control")), remove),
    h("div", { class: "row" }, h("label", { class: "field" }, t("form.id"), name), h("label", { class: "field" }, t("form.weight"), weight),
      choice("mode", MODES, (mode) => t(`mode.${mode}`)), choice("method", options.methods, (method) => named("method", method)), choice("build", options.builds)));
}
