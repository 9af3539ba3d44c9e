// Thousands of points on a canvas: wheel, pinch or keys to come closer, drag to move, click to choose.

import { colour, fitted, h } from "../core/dom.js";
import { hideTip, showTip } from "./tip.js";

const NEAR = 12;

// Points are {x, y, group}, from -1 to 1; `told` gives what a tip says of one, `chosen` is told of a click.
export function pointMap(points, { title, height = 420, groups = 10, focus = -1, told, chosen }) {
  const canvas = h("canvas", { role: "img", "aria-label": title, tabindex: "0" });
  const element = h("div", { class: "pointmap", style: { height: `${height}px` } }, canvas);
  const view = { k: 1, x: 0, y: 0, width: 0, height, focus, hot: -1 };
  let tints = [];
  const recolour = () => {
    tints = Array.from({ length: groups }, (_, i) => colour(`--c${(i % 10) + 1}`));
    tints.push(colour("--muted"), colour("--line"), colour("--text"));
  };
  const place = (p) => {
    const size = (Math.min(view.width, height) / 2 - 16) * view.k;
    const wide = Math.max(1, Math.min(1.7, view.width / height));
    return [view.width / 2 + (p.x + view.x) * size * wide, height / 2 - (p.y + view.y) * size];
  };
  const draw = () => {
    const pixels = devicePixelRatio || 1;
    canvas.width = view.width * pixels;
    canvas.height = height * pixels;
    canvas.style.width = `${view.width}px`;
    canvas.style.height = `${height}px`;
    const brush = canvas.getContext("2d");
    brush.scale(pixels, pixels);
    const radius = Math.min(5, (points.length > 1500 ? 2.1 : 3.2) * Math.sqrt(view.k));
    const layers = view.focus < 0 ? [points] : [points.filter((p) => p.group !== view.focus), points.filter((p) => p.group === view.focus)];
    layers.forEach((layer, i) => {
      const faint = view.focus >= 0 && i === 0;
      brush.globalAlpha = faint ? 0.55 : 0.78;
      for (const p of layer) dot(brush, place(p), radius, faint ? tints[groups + 1] : tints[p.group < 0 ? groups : p.group % groups]);
    });
    if (view.hot >= 0) ring(brush, place(points[view.hot]), radius + 3, tints[groups + 2]);
  };
  fitted(element, (width) => {
    view.width = width;
    if (!tints.length) recolour();
    draw();
  });
  const onTheme = () => {
    if (!canvas.isConnected) return removeEventListener("themechange", onTheme);
    recolour();
    draw();
  };
  addEventListener("themechange", onTheme);
  move(canvas, view, draw);
  point(canvas, { view, points, place, draw, told, chosen });
  element.focusOn = (group) => {
    view.focus = group;
    draw();
  };
  return element;
}

function dot(brush, [x, y], radius, tint) {
  brush.fillStyle = tint;
  brush.beginPath();
  brush.arc(x, y, radius, 0, Math.PI * 2);
  brush.fill();
}

function ring(brush, [x, y], radius, tint) {
  brush.globalAlpha = 1;
  brush.strokeStyle = tint;
  brush.lineWidth = 2;
  brush.beginPath();
  brush.arc(x, y, radius, 0, Math.PI * 2);
  brush.stroke();
}

// The nearest point under the pointer.
function point(canvas, { view, points, place, draw, told, chosen }) {
  const nearest = (event) => {
    const box = canvas.getBoundingClientRect();
    let [best, distance] = [-1, NEAR];
    points.forEach((p, i) => {
      const [x, y] = place(p);
      const far = Math.hypot(x - event.clientX + box.left, y - event.clientY + box.top);
      if (far < distance) [best, distance] = [i, far];
    });
    return best;
  };
  canvas.addEventListener("pointermove", (event) => {
    if (event.buttons) return;
    const hot = nearest(event);
    if (hot !== view.hot) {
      view.hot = hot;
      draw();
    }
    canvas.style.cursor = hot >= 0 ? "pointer" : "grab";
    if (hot >= 0) showTip(event.clientX, event.clientY, told(points[hot]));
    else hideTip();
  });
  canvas.addEventListener("pointerleave", () => {
    view.hot = -1;
    hideTip();
    draw();
  });
  canvas.addEventListener("click", (event) => {
    const hot = nearest(event);
    if (hot >= 0 && !view.dragged) chosen(points[hot]);
  });
}

function move(canvas, view, draw) {
  const held = new Map();
  const scaled = (factor) => {
    view.k = Math.min(24, Math.max(1, view.k * factor));
    if (view.k === 1) [view.x, view.y] = [0, 0];
    draw();
  };
  const shifted = (dx, dy) => {
    const size = (Math.min(view.width, view.height) / 2) * view.k;
    view.x += dx / size / 1.3;
    view.y -= dy / size;
    draw();
  };
  canvas.addEventListener("wheel", (event) => {
    // The page scrolls as ever; with Ctrl, which a pinch on a touchpad is too, the map comes closer.
    if (!event.ctrlKey) return;
    event.preventDefault();
    scaled(Math.exp(-event.deltaY / 150));
  }, { passive: false });
  canvas.addEventListener("dblclick", () => scaled(2));
  canvas.addEventListener("pointerdown", (event) => {
    held.set(event.pointerId, event);
    view.dragged = false;
  });
  addEventListener("pointerup", (event) => held.delete(event.pointerId));
  canvas.addEventListener("pointermove", (event) => {
    const before = held.get(event.pointerId);
    if (!before || view.k === 1) return;
    const [dx, dy] = [event.clientX - before.clientX, event.clientY - before.clientY];
    if (Math.hypot(dx, dy) > 2) view.dragged = true;
    held.set(event.pointerId, event);
    shifted(dx, dy);
  });
  canvas.addEventListener("keydown", (event) => {
    const act = {
      "+": () => scaled(1.5), "=": () => scaled(1.5), "-": () => scaled(1 / 1.5),
      ArrowLeft: () => shifted(40, 0), ArrowRight: () => shifted(-40, 0), ArrowUp: () => shifted(0, 40), ArrowDown: () => shifted(0, -40),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
}
