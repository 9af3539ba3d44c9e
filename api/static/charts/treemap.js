// Areas by size, as square as can be (Bruls, Huizing and van Wijk, "Squarified treemaps", 2000).

import { fill, fitted, h } from "../core/dom.js";

// Items are {name, under, value, tint, href}, largest first.
export function treemap(items, { title, height = 300, chosen = null }) {
  const element = h("div", { class: "treemap", role: "list", "aria-label": title, style: { height: `${height}px` } });
  return fitted(element, (width) => fill(element, layout(items, width, height).map((box) => tile(box, chosen))));
}

function tile({ item, x, y, w, h: tall }, chosen) {
  const style = { left: `${x}px`, top: `${y}px`, width: `${Math.max(w - 3, 1)}px`, height: `${Math.max(tall - 3, 1)}px`, "--tint": item.tint };
  const small = w < 76 || tall < 46 || (tall < 76 && item.name.length * 8 > w - 24);
  return h("div", { role: "listitem", class: "tile", style },
    h("a", { href: item.href, title: `${item.name}: ${item.under}`, class: small ? "tiny" : "", "aria-current": item.href === chosen ? "true" : null },
      h("b", {}, item.name), h("span", {}, item.under)));
}

export function layout(items, width, height) {
  const total = items.reduce((sum, item) => sum + item.value, 0) || 1;
  let rest = items.filter((item) => item.value > 0).map((item) => ({ item, area: (item.value / total) * width * height }));
  let room = { x: 0, y: 0, w: width, h: height };
  const done = [];
  while (rest.length) {
    const side = Math.min(room.w, room.h);
    let row = 1;
    while (row < rest.length && worst(rest.slice(0, row + 1), side) <= worst(rest.slice(0, row), side)) row += 1;
    room = place(rest.slice(0, row), room, done);
    rest = rest.slice(row);
  }
  return done;
}

function worst(row, side) {
  const sum = row.reduce((total, one) => total + one.area, 0);
  const thick = sum / side;
  return Math.max(...row.map(({ area }) => Math.max(thick / (area / thick), area / thick / thick)));
}

function place(row, { x, y, w, h: tall }, done) {
  const sum = row.reduce((total, one) => total + one.area, 0);
  const upright = w >= tall;
  const thick = sum / (upright ? tall : w) || 0;
  let at = 0;
  for (const { item, area } of row) {
    const long = area / thick;
    done.push(upright ? { item, x, y: y + at, w: thick, h: long } : { item, x: x + at, y, w: long, h: thick });
    at += long;
  }
  return upright ? { x: x + thick, y, w: w - thick, h: tall } : { x, y: y + thick, w, h: tall - thick };
}
