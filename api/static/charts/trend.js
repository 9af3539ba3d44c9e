// A figure over time: an area with a line, round steps, and the value under the pointer or the arrow keys.

import { fill, fitted, h, s, say } from "../core/dom.js";
import { date, dayOfYear, month, short } from "../core/format.js";
import { t } from "../core/words.js";
import { linear, ticks } from "./scale.js";
import { hideTip, showTip } from "./tip.js";

const HEIGHT = 210;
const EDGE = { top: 12, right: 14, bottom: 26, left: 48 };

// Points are {start, value, complete}, oldest first.
export function trend(points, { title, unit, value: told = short, axis = short, tint = "var(--accent)" }) {
  const element = h("div", { class: "chart", role: "group", "aria-label": title });
  const label = unit === "month" ? month : dayOfYear;
  return fitted(element, (width) => fill(element, draw(points, width, { title, label, told, axis, tint, unit })));
}

function draw(points, width, { title, label, told, axis, tint, unit }) {
  const high = Math.max(...points.map((p) => p.value), 1e-9);
  const steps = ticks(0, high);
  const x = linear([0, Math.max(points.length - 1, 1)], [EDGE.left, width - EDGE.right]);
  const y = linear([0, Math.max(high, steps.at(-1))], [HEIGHT - EDGE.bottom, EDGE.top]);
  const at = points.map((p, i) => [x(i), y(p.value)]);
  // Periods that events begin or end in are dashed: they are lower than they will be, or were.
  const from = points[0]?.complete === false ? 1 : 0;
  const whole = at.slice(from, points.length > 1 && points.at(-1).complete === false ? -1 : at.length);
  const cursor = s("g", { class: "cursor", visibility: "hidden" }, s("line", { y1: EDGE.top, y2: HEIGHT - EDGE.bottom }), s("circle", { r: 4, fill: tint }));
  const svg = s("svg", { width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", tabindex: "0", "aria-label": spoken(points, title, label, told) },
    steps.map((step) => s("g", { class: "grid" },
      s("line", { x1: EDGE.left, x2: width - EDGE.right, y1: y(step), y2: y(step) }),
      s("text", { x: EDGE.left - 8, y: y(step) + 4, "text-anchor": "end" }, axis(step)))),
    marks(points, width, label, x),
    whole.length > 1 ? s("path", { d: area(whole, y(0)), fill: tint, "fill-opacity": 0.13 }) : null,
    whole.length > 1 ? s("path", { d: line(whole), fill: "none", stroke: tint, "stroke-width": 2, "stroke-linejoin": "round" }) : null,
    whole.length < at.length && at.length > 1 ? [from ? at.slice(0, 2) : [], at.slice(-2)].filter((part) => part.length).map((part) =>
      s("path", { d: line(part), fill: "none", stroke: tint, "stroke-width": 2, "stroke-dasharray": "3 4" })) : null,
    at.length === 1 ? s("circle", { cx: at[0][0], cy: at[0][1], r: 4, fill: tint }) : null,
    cursor);
  follow(svg, cursor, points, at, { label, told, unit });
  return svg;
}

const line = (at) => at.map(([a, b], i) => `${i ? "L" : "M"}${a.toFixed(1)} ${b.toFixed(1)}`).join("");
const area = (at, floor) => `${line(at)}L${at.at(-1)[0]} ${floor}L${at[0][0]} ${floor}Z`;

// As many days below the axis as there is room for, none written twice.
function marks(points, width, label, x) {
  const most = Math.max(2, Math.floor((width - EDGE.left) / 104));
  const every = Math.max(1, Math.ceil(points.length / most));
  const shown = points.map((p, i) => [i ? label(p.start) : date(p.start), i]).filter(([, i]) => i % every === 0);
  return shown.map(([text, i]) => s("text", {
    class: "mark", x: x(i), y: HEIGHT - 7,
    "text-anchor": i === 0 ? "start" : x(i) > width - 50 ? "end" : "middle",
  }, text));
}

function spoken(points, title, label, told) {
  if (!points.length) return title;
  const [first, last] = [points[0], points.at(-1)];
  return `${title}. ${label(first.start)}: ${told(first.value)}; ${label(last.start)}: ${told(last.value)}`;
}

function follow(svg, cursor, points, at, { label, told, unit }) {
  let chosen = -1;
  const show = (i, quiet) => {
    chosen = Math.min(Math.max(i, 0), points.length - 1);
    const [a, b] = at[chosen];
    const [rule, dot] = cursor.children;
    rule.setAttribute("x1", a);
    rule.setAttribute("x2", a);
    dot.setAttribute("cx", a);
    dot.setAttribute("cy", b);
    cursor.setAttribute("visibility", "visible");
    const box = svg.getBoundingClientRect();
    const point = points[chosen];
    const when = unit === "week" ? t("chart.week", { day: label(point.start) }) : label(point.start);
    const partly = point.complete === false ? ` (${t("chart.partly")})` : "";
    showTip(box.left + a, box.top + b, h("b", {}, told(point.value)), h("div", {}, when + partly));
    if (!quiet) say(`${when}: ${told(point.value)}${partly}`);
  };
  const hide = () => {
    cursor.setAttribute("visibility", "hidden");
    hideTip();
  };
  svg.addEventListener("pointermove", (event) => {
    const here = event.clientX - svg.getBoundingClientRect().left;
    show(at.reduce((best, [a], i) => (Math.abs(a - here) < Math.abs(at[best][0] - here) ? i : best), 0), true);
  });
  svg.addEventListener("pointerleave", hide);
  svg.addEventListener("blur", hide);
  svg.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    show(chosen < 0 ? points.length - 1 : chosen + step);
  });
}
