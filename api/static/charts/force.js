// Nodes that push each other away, links that pull (Fruchterman and Reingold, 1991), cooling to rest.

import { fitted, h, s, still } from "../core/dom.js";
import { hideTip, showTip } from "./tip.js";

const ROUNDS = 260;
// Holds what is not linked together within a disc of about radius 1, against what pushes apart.
const GRAVITY = 0.8;
const LETTER = 6.8;

// Nodes are {id, label, kind, tint, size}; links are {source, target, type} of ids; `told` makes a tip.
export function forceGraph(nodes, links, { title, height = 460, told, chosen }) {
  const element = h("div", { class: "forcegraph", style: { height: `${height}px` } });
  const by = new Map(nodes.map((node, i) => [node.id, { ...node, ...spiral(i, nodes.length), vx: 0, vy: 0 }]));
  const bodies = [...by.values()];
  const springs = links.map((link) => ({ ...link, a: by.get(link.source), b: by.get(link.target) })).filter((l) => l.a && l.b && l.a !== l.b);
  let alive = false;
  fitted(element, (width) => {
    const drawing = draw(bodies, springs, { width, height, title, told, chosen });
    element.replaceChildren(drawing.svg);
    if (alive) return drawing.place(true);
    alive = true;
    run(element, bodies, springs, drawing.place);
  });
  return element;
}

const spiral = (i, n) => {
  const [angle, far] = [i * 2.399963, Math.sqrt((i + 0.5) / n)];
  return { x: Math.cos(angle) * far, y: Math.sin(angle) * far };
};

function run(element, bodies, springs, place) {
  let round = 0;
  const step = () => {
    relax(bodies, springs, 0.12 * (1 - round / ROUNDS));
    round += 1;
  };
  if (still() || bodies.length > 400) {
    while (round < ROUNDS) step();
    place(true);
    return;
  }
  const frame = () => {
    for (let i = 0; i < 8 && round < ROUNDS; i += 1) step();
    place(round >= ROUNDS);
    if (round < ROUNDS && element.isConnected) requestAnimationFrame(frame);
  };
  frame();
}

// One round; distances are of a disc of radius 1, `heat` the farthest a node moves.
function relax(bodies, springs, heat) {
  const ideal = 0.9 / Math.sqrt(bodies.length || 1);
  for (const one of bodies) [one.vx, one.vy] = [-one.x * GRAVITY, -one.y * GRAVITY];
  for (let i = 0; i < bodies.length; i += 1) {
    for (let j = i + 1; j < bodies.length; j += 1) {
      const [a, b] = [bodies[i], bodies[j]];
      const [dx, dy] = [a.x - b.x || 1e-4, a.y - b.y || 1e-4];
      const push = (ideal * ideal) / (dx * dx + dy * dy);
      a.vx += dx * push; a.vy += dy * push;
      b.vx -= dx * push; b.vy -= dy * push;
    }
  }
  for (const { a, b } of springs) {
    const [dx, dy] = [b.x - a.x, b.y - a.y];
    const pull = Math.hypot(dx, dy) / ideal / 2;
    a.vx += dx * pull; a.vy += dy * pull;
    b.vx -= dx * pull; b.vy -= dy * pull;
  }
  for (const one of bodies) {
    if (one.held) continue;
    const speed = Math.hypot(one.vx, one.vy) || 1;
    one.x += (one.vx / speed) * Math.min(speed, heat);
    one.y += (one.vy / speed) * Math.min(speed, heat);
  }
}

function draw(bodies, springs, { width, height, title, told, chosen }) {
  const lines = springs.map((link) => s("line", { class: "edge" }, s("title", {}, link.type)));
  const shapes = bodies.map((body) => {
    const group = s("g", { class: "node", tabindex: "0", role: "button", "aria-label": `${body.kind}: ${body.label}` },
      s("circle", { r: body.size || 9, fill: body.tint }),
      s("text", { visibility: "hidden", y: (body.size || 9) + 13, "text-anchor": "middle" }, clipped(body.label)));
    const open = () => chosen?.(body);
    group.addEventListener("click", open);
    group.addEventListener("keydown", (event) => event.key === "Enter" && open());
    group.addEventListener("pointerenter", (event) => showTip(event.clientX, event.clientY, told(body)));
    group.addEventListener("pointerleave", hideTip);
    return group;
  });
  const svg = s("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": title }, lines, shapes);
  const place = (rests) => {
    const far = Math.max(0.2, ...bodies.map((b) => Math.max(Math.abs(b.x), Math.abs(b.y))));
    const at = (body) => [width / 2 + (body.x / far) * (width / 2 - 60), height / 2 + (body.y / far) * (height / 2 - 34)];
    springs.forEach(({ a, b }, i) => {
      const [[x1, y1], [x2, y2]] = [at(a), at(b)];
      for (const [name, value] of Object.entries({ x1, y1, x2, y2 })) lines[i].setAttribute(name, value.toFixed(1));
    });
    bodies.forEach((body, i) => shapes[i].setAttribute("transform", `translate(${at(body).map((n) => n.toFixed(1))})`));
    if (rests) name(bodies, springs, shapes, at);
  };
  return { svg, place };
}

// Names those with the most links first, as far as no name covers another or a node; a tip names each.
function name(bodies, springs, shapes, at) {
  const degree = new Map(bodies.map((body) => [body, 0]));
  for (const { a, b } of springs) [a, b].forEach((body) => degree.set(body, degree.get(body) + 1));
  const taken = bodies.map((body) => around(at(body), body.size || 9, body.size || 9, 0));
  for (const body of bodies.toSorted((a, b) => degree.get(b) - degree.get(a))) {
    const room = around(at(body), (clipped(body.label).length * LETTER) / 2, 6, (body.size || 9) + 9);
    const free = taken.every((other) => room.x2 < other.x1 || room.x1 > other.x2 || room.y2 < other.y1 || room.y1 > other.y2);
    shapes[bodies.indexOf(body)].querySelector("text").setAttribute("visibility", free ? "visible" : "hidden");
    if (free) taken.push(room);
  }
}

const around = ([x, y], w, h2, down) => ({ x1: x - w, x2: x + w, y1: y + down - h2, y2: y + down + h2 });
const clipped = (text) => (text.length > 18 ? `${text.slice(0, 17)}…` : text);
