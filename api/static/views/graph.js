// What a query found, as nodes and links: nodes, relationships and paths of either store.

import { hue } from "../core/dom.js";

const HIDDEN = new Set(["_LABEL", "_id", "_labels", "_type", "_NODES", "_RELS", "_nodes", "_relationships", "build"]);
const RELATION = /^[A-Z][A-Z_]+$/;
const MOST = 300;

const isMap = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
const labelOf = (value) => value._labels?.[0] ?? value._LABEL;
const isNode = (value) => isMap(value) && (value._labels || (value._LABEL && !RELATION.test(value._LABEL)));
const isLink = (value) => isMap(value) && (value._type || (value._LABEL && RELATION.test(value._LABEL)));

export function graphOf({ rows }) {
  const found = { nodes: new Map(), links: new Map(), labels: [] };
  for (const row of rows) {
    walk(row, found);
    if (found.nodes.size >= MOST) break;
  }
  const nodes = [...found.nodes.values()].map((node) => ({ ...node, tint: hue(found.labels.indexOf(node.kind)) }));
  return { nodes, links: [...found.links.values()], labels: found.labels };
}

// Values side by side: a relationship leads from the node before it to the one after.
function walk(values, found) {
  let before = null;
  let link = null;
  for (const value of values.map(parsed)) {
    if (isNode(value)) {
      const node = added(value, found);
      if (link && before) join(before, node, link, found);
      [before, link] = [node, null];
    } else if (isLink(value)) link = value;
    else if (isMap(value) && (value._NODES || value._nodes)) path(value._NODES || value._nodes, value._RELS || value._relationships || [], found);
    else if (Array.isArray(value)) walk(value, found);
  }
}

// A server's nodes may come as text.
function parsed(value) {
  if (typeof value !== "string" || !/^\[?\{"_/.test(value)) return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

function path(nodes, links, found) {
  walk(nodes.flatMap((node, i) => (links[i] ? [node, links[i]] : [node])), found);
}

function added(value, found) {
  const kind = labelOf(value);
  if (!found.labels.includes(kind)) found.labels.push(kind);
  const key = `${kind}/${value.id ?? value._id ?? JSON.stringify(value)}`;
  if (!found.nodes.has(key)) {
    found.nodes.set(key, { id: key, kind, label: String(value.title ?? value.name ?? value.id ?? kind), key: value.id, told: properties(value) });
  }
  return key;
}

function join(a, b, link, found) {
  const type = link._type ?? link._LABEL;
  found.links.set(`${a} ${type} ${b}`, { source: a, target: b, type });
}

export const properties = (value) =>
  Object.entries(value).filter(([name, v]) => !HIDDEN.has(name) && v !== null && typeof v !== "object").slice(0, 6);
