// A question to the graph, read-only: an editor, a table, the graph of what was found, files.

import { forceGraph } from "../charts/force.js";
import { download, get, handOver, id, post } from "../core/api.js";
import { fill, h, say } from "../core/dom.js";
import { count, number } from "../core/format.js";
import { go, replace } from "../core/router.js";
import { language, t } from "../core/words.js";
import { callLink } from "../ui/calls.js";
import { editor } from "../ui/editor.js";
import { icon } from "../ui/icons.js";
import { table, toggle } from "../ui/pieces.js";
import { empty, failure, heading, skeleton } from "../ui/states.js";
import { graphOf } from "./graph.js";

const ROWS = 1000;
const SAVED = "coterie-queries";
const VIEWS = { User: "customer", Product: "product", Community: "segment" };
const FIRST = "MATCH (u:User)-[:MEMBER_OF]->(c:Community {level: 0})\nRETURN c.name AS segment, count(u) AS customers\nORDER BY customers DESC LIMIT 20";

export function view({ signal, query }) {
  const known = { labels: [], types: [], properties: [] };
  const result = h("div", { class: "body", id: "result" }, empty(t("cypher.here")));
  const run = h("button", { type: "submit", class: "primary" }, icon("play"), t("cypher.run"));
  const link = h("span", { class: "links" }, callLink("/v1/cypher", "POST"));
  const values = h("div", { class: "row" });
  const text = editor({ label: t("cypher.label"), value: query.get("query") || FIRST, run: () => ask(), schema: () => known });
  text.addEventListener("input", () => drawValues());
  const asked = () => ({ query: text.text(), parameters: valuesOf(values) });
  const choose = (wanted) => {
    text.set(wanted);
    drawValues();
    text.querySelector("textarea").focus();
  };
  async function ask() {
    run.disabled = true;
    fill(result, skeleton(5));
    const began = performance.now();
    replace(`#/cypher?query=${id(text.text())}`);
    fill(link, callLink("/v1/cypher", "POST", asked()));
    try {
      const answer = await post("/v1/cypher", { ...asked(), rows: ROWS }, signal);
      fill(result, drawResult(answer, performance.now() - began, asked));
    } catch (error) {
      if (error.name !== "AbortError") fill(result, failure(error));
    }
    run.disabled = false;
  }
  function drawValues() {
    const names = [...new Set([...text.text().matchAll(/\$(\w+)/g)].map((found) => found[1]))];
    const before = valuesOf(values);
    fill(values, names.map((name) => h("label", { class: "field" }, `$${name}`, h("input", { name, value: before[name] ?? "" }))));
  }
  drawValues();
  const schema = h("div", {}, skeleton(5));
  get("/v1/schema", signal).then((found) => {
    known.labels = found.labels.map((one) => one.label);
    known.types = found.relationships.map((one) => one.type);
    known.properties = [...new Set([...found.labels, ...found.relationships].flatMap((one) => one.properties.map((p) => p.name)))];
    fill(schema, drawSchema(found, choose));
  }).catch((error) => error.name !== "AbortError" && fill(schema, failure(error)));
  const form = h("form", { class: "inset form", onsubmit: (event) => { event.preventDefault(); ask(); } },
    text, values, h("div", { class: "controls" }, run, h("span", { class: "muted small keys" }, t("cypher.keys"))));
  return [heading(t("cypher.title"), t("cypher.lead")),
    h("div", { class: "split cypher" },
      h("div", { class: "stack" },
        h("section", { class: "panel open", "aria-label": t("cypher.query") }, h("div", { class: "head" }, h("h2", {}, t("cypher.query")), link), form),
        h("section", { class: "panel", "aria-label": t("cypher.result"), "aria-live": "polite" }, h("div", { class: "head" }, h("h2", {}, t("cypher.result"))), result)),
      h("div", { class: "stack" }, savedPanel(signal, text, choose),
        h("section", { class: "panel", "aria-label": t("schema.title") }, h("div", { class: "head" }, h("h2", {}, t("schema.title")), h("span", { class: "links" }, callLink("/v1/schema"))), schema)))];
}

// What was typed for each parameter; digits stay text, as ids are.
const valuesOf = (element) => Object.fromEntries([...element.querySelectorAll("input")].map((input) => [input.name, input.value]));

function drawResult(answer, milliseconds, asked) {
  const { columns, rows } = answer;
  const told = t("cypher.rows", { n: rows.length, seconds: number(milliseconds / 1000) });
  say(told);
  if (!rows.length) return [empty(t("cypher.none")), h("p", { class: "muted small inset" }, told)];
  const graph = graphOf(answer);
  const body = h("div", {});
  const shown = { table: () => drawTable(columns, rows), graph: () => drawGraph(graph) };
  const kinds = [["table", t("cypher.table")], ["graph", t("cypher.graph")]];
  const first = graph.links.length ? "graph" : "table";
  const draw = (kind) => fill(body, shown[kind]());
  draw(first);
  return [
    h("div", { class: "inset controls" }, toggle(t("cypher.as"), kinds, first, draw), h("span", { class: "muted small" }, told),
      h("span", { class: "controls" }, exports(asked), h("button", { type: "button", class: "quiet", onclick: () => handOver(new Blob([JSON.stringify(answer, null, 1)], { type: "application/json" }), "rows.json") }, "JSON"))),
    body,
  ];
}

const exports = (asked) => [["CSV", "text/csv", "csv"], ["NDJSON", "application/x-ndjson", "ndjson"]].map(([name, accept, form]) =>
  h("button", {
    type: "button", class: "quiet",
    onclick: (event) => download("/v1/cypher", {
      accept, name: `rows.${form}`, method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(asked()),
    }).then(() => say(t("downloaded")), (error) => event.target.after(failure(error))),
  }, icon("down"), name));

function drawTable(columns, rows) {
  const kinds = columns.map((name, i) => [name, typeof rows[0][i] === "number" ? "num" : ""]);
  return table(kinds, rows.map((row) => row.map(cell)), t("cypher.result"));
}

function cell(value) {
  if (value === null) return h("span", { class: "muted" }, "null");
  if (typeof value === "number") return Number.isInteger(value) ? count(value) : String(+value.toPrecision(6));
  return typeof value === "object" ? h("code", {}, JSON.stringify(value)) : String(value);
}

function drawGraph({ nodes, links, labels }) {
  if (!nodes.length) return empty(t("cypher.no-graph"));
  const legend = h("ul", { class: "legend inset" }, labels.map((label) => {
    const tint = nodes.find((node) => node.kind === label).tint;
    return h("li", {}, h("span", { class: "dot", style: { background: tint } }), label);
  }));
  const drawn = forceGraph(nodes, links, {
    title: t("cypher.graph-label", { nodes: nodes.length, links: links.length }),
    told: (node) => [h("b", {}, node.label), node.told.map(([name, value]) => h("div", {}, `${name}: ${value}`))],
    chosen: (node) => VIEWS[node.kind] && go(`#/${VIEWS[node.kind]}/${id(node.key)}`),
  });
  return [drawn, legend, h("p", { class: "muted small inset" }, t("cypher.graph-label", { nodes: nodes.length, links: links.length }))];
}

function drawSchema({ labels, relationships }, choose) {
  const nodes = labels.filter((one) => one.count).map((one) => h("li", {},
    h("button", { type: "button", class: "quiet", onclick: () => choose(`MATCH (n:${one.label})\nRETURN n LIMIT 25`) }, h("b", {}, one.label)),
    h("span", { class: "muted small" }, `${count(one.count)} · ${one.properties.map((p) => p.name).join(", ")}`)));
  const edges = relationships.filter((one) => one.count).map((one) => h("li", {},
    h("button", { type: "button", class: "quiet", onclick: () => choose(`MATCH (a:${one.source})-[r:${one.type}]->(b:${one.target})\nRETURN a, r, b LIMIT 40`) }, h("b", {}, one.type)),
    h("span", { class: "muted small" }, `${one.source} → ${one.target} · ${count(one.count)}`)));
  return h("div", { class: "tall" }, h("ul", { class: "schema" }, nodes, edges));
}

const mine = () => JSON.parse(localStorage.getItem(SAVED) || "[]");

function savedPanel(signal, text, choose) {
  const list = h("ul", { class: "schema" });
  const draw = (cookbook) => fill(list,
    mine().map((one, i) => h("li", {},
      h("button", { type: "button", class: "quiet", onclick: () => choose(one.query) }, h("b", {}, one.name)),
      h("button", { type: "button", class: "tool", "aria-label": t("saved.delete", { name: one.name }), onclick: () => { store(mine().toSpliced(i, 1)); draw(cookbook); } }, icon("cross")))),
    cookbook.map((one) => h("li", {}, h("button", { type: "button", class: "quiet", onclick: () => choose(one.query) }, one.name[language() === "zh" ? 1 : 0]))));
  const store = (queries) => localStorage.setItem(SAVED, JSON.stringify(queries));
  let cookbook = [];
  fetch("/static/cookbook.json", { signal }).then((found) => found.json()).then((found) => {
    cookbook = found;
    draw(cookbook);
  }).catch(() => draw(cookbook));
  const name = h("input", { "aria-label": t("saved.name"), placeholder: t("saved.name"), maxlength: "60", required: true });
  const save = h("form", {
    class: "inset row", onsubmit: (event) => {
      event.preventDefault();
      store([...mine(), { name: name.value, query: text.text() }]);
      name.value = "";
      draw(cookbook);
    },
  }, h("span", { class: "field" }, name), h("button", { type: "submit" }, t("saved.save")));
  return h("section", { class: "panel", "aria-label": t("saved.title") },
    h("div", { class: "head" }, h("h2", {}, t("saved.title"))), save, h("div", { class: "tall" }, list));
}
