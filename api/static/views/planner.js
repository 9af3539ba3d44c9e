// How many are needed before an experiment begins.

import { post } from "../core/api.js";
import { debounced, fill, h } from "../core/dom.js";
import { count, number } from "../core/format.js";
import { named, t } from "../core/words.js";
import { callLink } from "../ui/calls.js";
import { box } from "../ui/panel.js";
import { facts, select } from "../ui/pieces.js";
import { empty, failure } from "../ui/states.js";

export function planner(signal) {
  const asked = { metric: "conversion", baseline: 0.05, effect: 0.1, deviation: null, power: 0.8, alpha: 0.05, variants: 2, units_per_day: null };
  const told = h("div", { "aria-live": "polite" });
  const link = h("span", {});
  const field = (name, step) => {
    const input = h("input", { type: "number", step, min: "0", value: asked[name] ?? null });
    input.addEventListener("input", () => {
      asked[name] = input.value === "" ? null : Number(input.value);
      ask();
    });
    return h("label", { class: "field" }, t(`plan.${name}`), input);
  };
  const deviation = field("deviation", "any");
  const ask = debounced(250, async () => {
    fill(link, callLink("/v1/experiments/plan", "POST", asked));
    try {
      fill(told, draw(await post("/v1/experiments/plan", asked, signal)));
    } catch (error) {
      if (error.name === "AbortError") return;
      fill(told, error.status === 422 ? empty(error.message) : failure(error, ask));
    }
  });
  const metric = select(t("experiments.metric"), ["clicks", "conversion", "revenue"].map((one) => [one, named("outcome", one)]), asked.metric, (chosen) => {
    asked.metric = chosen;
    deviation.hidden = chosen !== "revenue";
    ask();
  });
  deviation.hidden = true;
  ask();
  return box(t("plan.title"), { link },
    h("div", { class: "inset row" }, h("label", { class: "field" }, t("experiments.metric"), metric),
      field("baseline", "any"), field("effect", "any"), deviation, field("power", "0.05"), field("units_per_day", "1")), told);
}

const draw = (found) => facts([
  [t("plan.each"), count(found.units_per_variant)], [t("plan.all"), count(found.units)],
  [t("plan.fixed"), count(found.fixed_units_per_variant)], [t("plan.days"), found.days === null ? null : number(found.days)],
]);
