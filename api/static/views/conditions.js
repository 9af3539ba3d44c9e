// Kinds of conditions: what each asks for, and how a definition becomes a form and back.

export const KINDS = ["segment", "stage", "bought", "not_bought", "value", "churn", "rhythm", "attribute", "likes", "share", "sequence", "rfm", "similar", "audience"];

const WHAT = [["category", "categories"], ["brand", "brands"], ["product", "products"]];
const RANGE = [["min", "number"], ["max", "number"]];

// Fields of a kind as [name, what it takes, more]; names are those of docs/audiences.md.
export const FIELDS = {
  segment: [["any_of", "segments"], ["min_strength", "number"]],
  stage: [["any_of", "stages"]],
  rfm: [["any_of", "words"]],
  value: [["of", "measure", ["spend", "orders", "expected_value", "expected_orders"]], ...RANGE],
  churn: [["of", "measure", ["churn_risk", "probability_alive"]], ...RANGE],
  rhythm: [["of", "measure", ["days_since_last", "usual_interval_days"]], ...RANGE],
  attribute: [["name", "attribute"]],
  bought: [["event", "event"], ...WHAT, ["days", "number"], ["until_days", "number"], ["times", "number"], ["value", "number"]],
  not_bought: [["event", "event"], ...WHAT, ["days", "number"], ["until_days", "number"]],
  sequence: [["first", "act"], ["then", "act"], ["within_days", "number"], ["same_product", "yes"], ["days", "number"]],
  share: [...WHAT, ["min", "number"], ["max", "number"], ["days", "number"]],
  likes: [...WHAT, ["top", "number"]],
  similar: [["users", "words"], ["audience", "audience"], ["top", "number"], ["themselves", "yes"]],
  audience: [["name", "audience"]],
};

// What a new condition begins with, so that it says something at once.
export const BEGINNINGS = {
  segment: () => ({ any_of: [] }),
  stage: () => ({ any_of: [] }),
  rfm: () => ({ any_of: ["5??"] }),
  value: () => ({ of: "spend", min: 100 }),
  churn: () => ({ of: "churn_risk", min: 0.5 }),
  rhythm: () => ({ of: "days_since_last", max: 30 }),
  attribute: () => ({}),
  bought: () => ({ days: 90 }),
  not_bought: () => ({ days: 30 }),
  sequence: () => ({ first: { event: "add_to_cart" }, then_not: { event: "purchase" }, within_days: 3 }),
  share: () => ({ category: [], min: 0.3 }),
  likes: () => ({ category: [], top: 10 }),
  similar: () => ({ users: [], top: 1000 }),
  audience: () => ({ name: "" }),
};

export const group = (kind = "all", of = []) => ({ kind, of, not: false });
export const condition = (kind, values) => ({ kind, not: false, values: values ?? BEGINNINGS[kind]() });
const isGroup = (node) => Array.isArray(node.of);
export { isGroup };

// A condition of a definition as a node of the form: `not` becomes a mark on what it negates.
export function toNode(where) {
  if (where.kind === "not") {
    const inner = toNode(where.of);
    return { ...inner, not: !inner.not };
  }
  if (where.kind === "all" || where.kind === "any") return { kind: where.kind, not: false, of: where.of.map(toNode) };
  const { kind, ...values } = where;
  return { kind, not: false, values: listed(values) };
}

const LISTS = new Set(["any_of", "category", "brand", "product", "users"]);
const listed = (values) => Object.fromEntries(Object.entries(values).map(([name, value]) =>
  [name, LISTS.has(name) && !Array.isArray(value) ? [value] : value]));

// The form as a condition; what says nothing is left out, an empty group is nothing.
export function toWhere(node) {
  const inner = isGroup(node) ? joined(node) : { kind: node.kind, ...said(node.values) };
  if (!inner) return null;
  return node.not ? { kind: "not", of: inner } : inner;
}

function joined(node) {
  const of = node.of.map(toWhere).filter(Boolean);
  if (!of.length) return null;
  return of.length === 1 ? of[0] : { kind: node.kind, of };
}

function said(values) {
  const kept = Object.entries(values).map(([name, value]) => [name, value !== null && typeof value === "object" && !Array.isArray(value) ? said(value) : value]);
  return Object.fromEntries(kept.filter(([, value]) =>
    value !== null && value !== undefined && value !== "" && value !== false && !(Array.isArray(value) && !value.length)));
}

// Whether a condition says enough to be asked about; the others wait until they do.
export function whole(node) {
  if (isGroup(node)) return node.of.every(whole);
  const v = node.values;
  const some = (...names) => names.some((name) => v[name]?.length);
  const ranged = [v.min, v.max].some((n) => n !== null && n !== undefined && n !== "");
  const checks = {
    segment: () => some("any_of"), stage: () => some("any_of"), rfm: () => some("any_of"),
    value: () => ranged, churn: () => ranged, rhythm: () => ranged,
    attribute: () => v.name && (some("any_of") || ranged || v.missing),
    share: () => some("category", "brand", "product"), likes: () => some("category", "brand", "product"),
    similar: () => some("users") || v.audience, audience: () => v.name,
    sequence: () => v.within_days,
  };
  return checks[node.kind] ? Boolean(checks[node.kind]()) : true;
}
