// Calls of the API. An id goes into a path whole, its slashes escaped.

export const id = encodeURIComponent;

export class Problem extends Error {
  constructor(body, status) {
    super(body.detail || `The server answered ${status}.`);
    this.title = body.title || "Something went wrong";
    this.status = status;
    this.retryable = Boolean(body.retryable);
  }
}

export function url(path, parameters = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== null && value !== undefined && value !== "") query.append(name, value);
  }
  const text = query.toString();
  return text ? `${path}?${text}` : path;
}

// The key a person typed in, for as long as the tab is open.
const KEY = "coterie-key";
export const knownKey = () => sessionStorage.getItem(KEY) || "";
export const useKey = (key) => sessionStorage.setItem(KEY, key.trim());

export async function call(address, options = {}) {
  let response;
  const headers = { ...options.headers };
  if (knownKey()) headers.Authorization = `Bearer ${knownKey()}`;
  try {
    response = await fetch(address, { ...options, headers });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem({ title: "No connection", detail: "The server does not answer.", retryable: true }, 0);
  }
  if (response.ok) return response;
  throw new Problem(await response.json().catch(() => ({})), response.status);
}

export async function get(address, signal) {
  return (await call(address, { signal })).json();
}

export async function post(address, body, signal) {
  const headers = { "Content-Type": "application/json" };
  return (await call(address, { method: "POST", headers, body: JSON.stringify(body), signal })).json();
}
