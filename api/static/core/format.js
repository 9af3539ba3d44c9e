// Numbers, money and days as people of the page's language read them.

import { language } from "./words.js";

const made = new Map();
let currency = null;

export function setCurrency(code) {
  currency = code;
}

function formatter(kind, options) {
  const key = `${language()}${JSON.stringify(options)}`;
  if (!made.has(key)) made.set(key, new Intl[kind](language(), options));
  return made.get(key);
}

const none = (value) => value === null || value === undefined || Number.isNaN(value);
const numbers = (options) => (n) => (none(n) ? "–" : formatter("NumberFormat", options).format(n));

export const count = numbers({ maximumFractionDigits: 0 });
export const number = numbers({ maximumSignificantDigits: 3 });
export const short = numbers({ notation: "compact", maximumSignificantDigits: 3 });
export const figure = numbers({ minimumFractionDigits: 3, maximumFractionDigits: 3 });

const day = { dateStyle: "medium", timeZone: "UTC" };
export const date = (text) => (text ? formatter("DateTimeFormat", day).format(new Date(text)) : "–");
const minute = { dateStyle: "medium", timeStyle: "short", timeZone: "UTC" };
export const moment = (text) => (text ? `${formatter("DateTimeFormat", minute).format(new Date(text))} UTC` : "–");
const monthDay = { month: "short", day: "numeric", timeZone: "UTC" };
export const dayOfYear = (text) => formatter("DateTimeFormat", monthDay).format(new Date(text));
const monthYear = { month: "short", year: "numeric", timeZone: "UTC" };
export const month = (text) => formatter("DateTimeFormat", monthYear).format(new Date(text));

const UNITS = [["day", 86_400], ["hour", 3_600], ["minute", 60], ["second", 1]];
export function ago(text) {
  const seconds = (Date.now() - new Date(text).getTime()) / 1000;
  const [unit, size] = UNITS.find(([, n]) => Math.abs(seconds) >= n) || UNITS[3];
  return formatter("RelativeTimeFormat", { numeric: "auto", style: "short" }).format(-Math.round(seconds / size), unit);
}

export function times(n) {
  if (none(n)) return "–";
  return `${n >= 10 ? count(n) : formatter("NumberFormat", { minimumFractionDigits: 1, maximumFractionDigits: 1 }).format(n)}×`;
}

export function percent(share) {
  if (none(share)) return "–";
  const size = Math.abs(share) * 100;
  const digits = size >= 10 || size === 0 ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 2 };
  return formatter("NumberFormat", { style: "percent", ...digits }).format(share);
}

export function money(amount) {
  if (none(amount)) return "–";
  const digits = Math.abs(amount) >= 1000 ? 0 : 2;
  return priced(amount, { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

export const shortMoney = (amount) =>
  (none(amount) ? "–" : priced(amount, { notation: "compact", maximumSignificantDigits: 3 }));

function priced(amount, options) {
  try {
    return formatter("NumberFormat", { style: "currency", currency, currencyDisplay: "narrowSymbol", ...options }).format(amount);
  } catch {
    // A currency that is no ISO code is still a currency.
    return `${formatter("NumberFormat", options).format(amount)} ${currency || ""}`.trim();
  }
}
