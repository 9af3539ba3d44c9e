// Stages of a customer's life, each in its own colour.

import { id } from "../core/api.js";
import { named } from "../core/words.js";

const TINTS = {
  new: "var(--c3)", growing: "var(--c8)", mature: "var(--c1)", "at risk": "var(--c4)", lost: "var(--c6)", "won back": "var(--c5)",
};

export const stageName = (stage) => named("stage", stage);
export const stageTint = (stage) => TINTS[stage] || "var(--c10)";

// Counts of stages as parts of a bar; `link` leads to each stage, or to an audience of it within a segment.
export const stageParts = (stages, { link, text } = {}) => stages.map((one) => ({
  name: stageName(one.stage), value: one.customers, tint: stageTint(one.stage), text: text?.(one),
  href: link === true ? `#/stage/${id(one.stage)}` : link ? `#/audience?stage=${id(one.stage)}&segment=${id(link)}` : null,
}));
