// Figures with their 95 % intervals, one a line, on one scale.

import { fill, fitted, h, s } from "../core/dom.js";
import { linear, ticks } from "./scale.js";

const LINE = 30;
const LABEL = { wide: 210, narrow: 128 };

// Rows are {name, value, low, high, strong, tip}; `zero` draws the line of no difference.
export function intervals(rows, { title, format, zero = false }) {
  const element = h("div", { class: "chart intervals", role: "group", "aria-label": title });
  return fitted(element, (width) => fill(element, draw(rows, width, { title, format, zero })));
}

function draw(rows, width, { title, format, zero }) {
  const label = width < 520 ? LABEL.narrow : LABEL.wide;
  const values = rows.flatMap((r) => [r.low ?? r.value, r.high ?? r.value, ...(zero ? [0] : [])]);
  const [low, high] = padded(Math.min(...values), Math.max(...values), zero);
  const x = linear([low, high], [label + 12, width - 62]);
  const height = rows.length * LINE + 28;
  const told = rows.map((r) => `${r.name} ${format(r.value)}`).join("; ");
  return s("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `${title}: ${told}` },
    ticks(low, high, width < 520 ? 3 : 5).map((step) => s("g", { class: "grid" },
      s("line", { x1: x(step), x2: x(step), y1: 4, y2: height - 24 }),
      s("text", { x: x(step), y: height - 8, "text-anchor": "middle" }, format(step)))),
    zero ? s("line", { class: "zero", x1: x(0), x2: x(0), y1: 4, y2: height - 24 }) : null,
    rows.map((row, i) => one(row, i * LINE + LINE / 2 + 4, { x, label, width, format })));
}

function padded(low, high, zero) {
  const room = (high - low || Math.abs(high) || 1) * 0.06;
  return [!zero && low >= 0 ? Math.max(0, low - room) : low - room, high + room];
}

function one(row, y, { x, label, width, format }) {
  const most = Math.floor(label / 7);
  const name = row.name.length > most ? `${row.name.slice(0, most - 1)}…` : row.name;
  const tip = row.low === null || row.low === undefined ? "" : ` (${format(row.low)} – ${format(row.high)})`;
  return s("g", { class: row.strong ? "interval strong" : "interval" },
    s("title", {}, `${row.name}: ${format(row.value)}${tip}${row.tip ? `. ${row.tip}` : ""}`),
    s("rect", { x: 0, y: y - LINE / 2, width, height: LINE, fill: "transparent" }),
    s("text", { x: label, y: y + 4, "text-anchor": "end" }, name),
    row.low === null || row.low === undefined ? null : s("line", { class: "whisker", x1: x(row.low), x2: x(row.high), y1: y, y2: y }),
    s("circle", { cx: x(row.value), cy: y, r: row.strong ? 5.5 : 4.5 }),
    s("text", { class: "value", x: width - 4, y: y + 4, "text-anchor": "end" }, format(row.value)));
}
