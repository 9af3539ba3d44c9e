// Elements from plain calls. Text is never parsed as HTML.

const SVG = "http://www.w3.org/2000/svg";

export function h(tag, attributes, ...children) {
  return dressed(document.createElement(tag), attributes, children);
}

export function s(tag, attributes, ...children) {
  return dressed(document.createElementNS(SVG, tag), attributes, children);
}

function dressed(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") styled(element, value);
    else if (name in element && typeof value === "boolean") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...kept(children));
  return element;
}

function styled(element, values) {
  for (const [name, value] of Object.entries(values)) element.style.setProperty(name, value);
}

const kept = (children) =>
  children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false && c !== "");

export function fill(element, ...children) {
  element.replaceChildren(...kept(children));
  return element;
}

export function say(text) {
  document.getElementById("status").textContent = text;
}

// Calls again only when nothing was asked for a while.
export function debounced(wait, work) {
  let timer;
  return (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => work(...values), wait);
  };
}

let names = 0;
export const unique = (prefix) => `${prefix}-${++names}`;

export const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

// Draws once there is room, and anew when the room changes.
export function fitted(element, draw) {
  let width = 0;
  new ResizeObserver(([entry]) => {
    const now = Math.floor(entry.contentRect.width);
    if (now === width || now === 0) return;
    width = now;
    draw(now);
  }).observe(element);
  return element;
}

// The colour a variable of the style stands for now; canvases cannot read variables.
export function colour(name) {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

export const hue = (place) => (place < 0 ? "var(--muted)" : `var(--c${(place % 10) + 1})`);
