// Elements from plain calls, and numbers as people read them. Text is never parsed as HTML.

export function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") Object.assign(element.style, value);
    else if (name in element && typeof value === "boolean") element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children.flat(2).filter((c) => c !== null && c !== undefined && c !== false));
  return element;
}

export function fill(element, ...children) {
  element.replaceChildren(...children.flat(2).filter(Boolean));
  return element;
}

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const fine = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });
const tiny = new Intl.NumberFormat("en", { maximumSignificantDigits: 2 });
const day = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeZone: "UTC" });
let currency = null;

export const count = (n) => (n === null || n === undefined ? "–" : whole.format(n));
export const number = (n) => (n === null || n === undefined ? "–" : fine.format(n));
export const date = (text) => (text ? day.format(new Date(text)) : "–");
export const times = (n) => `${n >= 10 ? whole.format(n) : n.toFixed(1)}×`;

export function percent(share) {
  if (share === null || share === undefined) return "–";
  const value = share * 100;
  if (value >= 10 || value === 0) return `${whole.format(value)}%`;
  return value >= 1 ? `${value.toFixed(1)}%` : `${tiny.format(value)}%`;
}

export function setCurrency(code) {
  currency = code;
}

export function money(amount) {
  if (amount === null || amount === undefined) return "–";
  const digits = Math.abs(amount) >= 1000 ? 0 : 2;
  const digitsOnly = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  try {
    return new Intl.NumberFormat("en", { style: "currency", currency, ...digitsOnly }).format(amount);
  } catch {
    // A currency that is no ISO code is still a currency.
    return `${new Intl.NumberFormat("en", digitsOnly).format(amount)} ${currency || ""}`.trim();
  }
}

export function plural(n, one, many = `${one}s`) {
  return `${count(n)} ${n === 1 ? one : many}`;
}

export function say(text) {
  document.getElementById("status").textContent = text;
}
