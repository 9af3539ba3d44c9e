// Calls of the API. An id goes into a path whole, its slashes escaped.

import { language, t } from "./words.js";

export const id = encodeURIComponent;

export class Problem extends Error {
  constructor(body, status) {
    super(body.detail || t("problem.status", { status: String(status) }));
    this.title = body.title || t("problem.title");
    this.status = status;
    this.errors = body.errors || [];
    this.retryable = Boolean(body.retryable);
  }
}

// An address with those parameters that say something; a list repeats its name.
export function url(path, parameters = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== null && one !== undefined && one !== "") query.append(name, one);
    }
  }
  const text = query.toString();
  return text ? `${path}?${text}` : path;
}

// The key a person typed in, for as long as the tab is open.
const KEY = "coterie-key";
export const knownKey = () => sessionStorage.getItem(KEY) || "";
export const useKey = (key) => sessionStorage.setItem(KEY, key.trim());
export const forgetKey = () => sessionStorage.removeItem(KEY);

export async function call(address, options = {}) {
  let response;
  const headers = { "Accept-Language": language(), ...options.headers };
  if (knownKey()) headers.Authorization = `Bearer ${knownKey()}`;
  try {
    response = await fetch(address, { ...options, headers });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem({ title: t("problem.offline"), detail: t("problem.no-answer"), retryable: true }, 0);
  }
  if (response.ok) return response;
  throw new Problem(await response.json().catch(() => ({})), response.status);
}

export async function get(address, signal) {
  return (await call(address, { signal })).json();
}

export async function send(method, address, body, signal) {
  const headers = body === undefined ? {} : { "Content-Type": "application/json" };
  return (await call(address, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), signal })).json();
}

export const post = (address, body, signal) => send("POST", address, body, signal);

// One answer for all who ask within a view; asked for again only after it failed.
export function shared() {
  const kept = new Map();
  return (address, signal) => {
    if (!kept.has(address)) {
      const asked = get(address, signal);
      asked.catch(() => kept.delete(address));
      kept.set(address, asked);
    }
    return kept.get(address);
  };
}

// A link cannot carry a key, nor ask for CSV: so the file is fetched and handed over.
export async function download(address, { accept, name, ...options }) {
  const headers = { ...options.headers, Accept: accept };
  const file = await (await call(address, { ...options, headers })).blob();
  handOver(file, name);
}

export function handOver(file, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
