// A question to the graph, read-only, and its table.

import { post } from "../api.js";
import { count, fill, h, plural, say } from "../dom.js";
import { callLink, empty, failure, heading, skeleton, table } from "../parts.js";

const EXAMPLES = [
  ["Segments by size", "MATCH (u:User)-[:MEMBER_OF]->(c:Community {level: 0})\nRETURN c.name AS segment, count(u) AS customers\nORDER BY customers DESC LIMIT 20"],
  ["Best sellers", "MATCH (u:User)-[p:PURCHASED]->(x:Product)\nRETURN x.title AS product, count(p) AS purchases\nORDER BY purchases DESC LIMIT 20"],
  ["Strongest pairs", "MATCH (a:Product)-[r:BOUGHT_WITH]->(b:Product)\nRETURN a.title AS product, b.title AS brings, r.lift AS lift\nORDER BY lift DESC LIMIT 20"],
];

export function view({ signal }) {
  const text = h("textarea", { id: "query", rows: "6", spellcheck: "false", autocapitalize: "off" });
  text.value = EXAMPLES[0][1];
  const run = h("button", { type: "submit", class: "primary" }, "Run");
  const result = h("div", { class: "body", id: "result" }, empty("The table comes here."));
  const examples = EXAMPLES.map(([name, query]) =>
    h("button", { type: "button", class: "chip", onclick: () => { text.value = query; text.focus(); } }, name));
  const form = h("form", { class: "inset", onsubmit: (event) => { event.preventDefault(); ask(); } },
    h("label", { for: "query", class: "sr" }, "Cypher query"), text,
    h("div", { class: "controls" }, run, h("span", { class: "muted small keys" }, "Ctrl + Enter"), examples));
  text.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) ask();
  });
  async function ask() {
    run.disabled = true;
    fill(result, skeleton(5));
    const began = performance.now();
    try {
      fill(result, draw(await post("/v1/cypher", { query: text.value, rows: 1000 }, signal), began));
    } catch (error) {
      if (error.name !== "AbortError") fill(result, failure(error));
    }
    run.disabled = false;
  }
  const head = h("div", { class: "head" }, h("h2", {}, "Query"), callLink("/v1/cypher", "POST"));
  return [heading("Cypher", "Ask the graph. Reading only: whatever writes or touches files is refused."),
    h("section", { class: "panel wide" }, head, form, result)];
}

function draw({ columns, rows }, began) {
  const seconds = ((performance.now() - began) / 1000).toFixed(2);
  say(`${plural(rows.length, "row")}`);
  const note = h("p", { class: "muted small inset" }, `${plural(rows.length, "row")} in ${seconds} s`);
  if (!rows.length) return [empty("No rows."), note];
  const kinds = columns.map((name, i) => [name, typeof rows[0][i] === "number" ? "num" : ""]);
  return [table(kinds, rows.map((row) => row.map(cell)), "Result"), note];
}

function cell(value) {
  if (value === null) return h("span", { class: "muted" }, "null");
  if (typeof value === "number") return Number.isInteger(value) ? count(value) : String(+value.toPrecision(6));
  return typeof value === "object" ? h("code", {}, JSON.stringify(value)) : String(value);
}
