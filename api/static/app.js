// The router: an address after # is a view; a view that is left stops loading.

import { get } from "./api.js";
import { count, date, fill, h, number, plural, setCurrency } from "./dom.js";
import { callLink, empty, failure, heading, keyForm } from "./parts.js";
import * as customers from "./views/customers.js";
import * as cypher from "./views/cypher.js";
import * as products from "./views/products.js";
import * as segments from "./views/segments.js";

const VIEWS = {
  "": ["customers", "Customers", customers.list],
  customer: ["customers", "Customer", customers.detail],
  segments: ["segments", "Segments", segments.list],
  segment: ["segments", "Segment", segments.detail],
  products: ["products", "Products", products.list],
  product: ["products", "Product", products.detail],
  cypher: ["cypher", "Cypher", cypher.view],
};
const main = document.getElementById("main");
let leaving = new AbortController();
let first = true;

// Changes the address without drawing the view anew; it has done so itself.
function navigate(address) {
  history.replaceState(null, "", address);
}

function parse(hash) {
  const [path, query = ""] = hash.replace(/^#\/?/, "").split("?");
  const [view, ...rest] = path.split("/");
  let name = rest.join("/");
  try {
    name = decodeURIComponent(name);
  } catch {
    // A percent sign that escapes nothing is a percent sign.
  }
  return { view, name, query: new URLSearchParams(query) };
}

function show() {
  const { view, name, query } = parse(location.hash);
  if (location.hash === "#main") return;
  leaving.abort();
  leaving = new AbortController();
  const [section, title, draw] = VIEWS[view] || ["", "Nothing here", nothing];
  for (const link of document.querySelectorAll("nav a[data-view]")) {
    if (link.dataset.view === section) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = `${name || title} – Coterie`;
  fill(main, draw({ signal: leaving.signal, name, query, navigate }));
  scrollTo(0, 0);
  // A new view is announced by its heading, except on arrival, where the page itself is.
  if (!first) main.querySelector("h1")?.focus({ preventScroll: true });
  first = false;
}

const nothing = () => [heading("Nothing here"), empty("This address leads nowhere. Choose a view above.")];

async function showFacts() {
  const strip = document.getElementById("facts");
  try {
    const build = await get("/v1/build");
    setCurrency(build.currency);
    const figures = ["users", "products", "purchases", "orders", "segments"].map((name) =>
      [name === "users" ? "customers" : name, build.counts[name]]).filter(([, n]) => n !== undefined);
    fill(strip, h("div", { class: "line" },
      h("strong", {}, build.shop),
      figures.map(([name, n]) => h("span", {}, h("b", {}, count(n)), ` ${name}`)),
      quality(build),
      h("span", { class: "muted" }, `build ${build.build}, ${date(build.created)}`),
      callLink("/v1/build")));
  } catch (error) {
    if (error.status === 401) {
      fill(main, heading("Key needed"), keyForm(error));
      return;
    }
    fill(strip, h("div", { class: "line" }, failure(error)));
  }
  addEventListener("hashchange", show);
  show();
}

function quality({ metrics, methods }) {
  const best = metrics.find((m) => m.mode === "all" && m.method === methods.all) || metrics[0];
  if (!best) return null;
  const tip = `${best.method}, mode ${best.mode}` + (best.users ? `, ${plural(best.users, "customer")}` : "");
  return h("span", { title: tip }, h("b", {}, number(best.value)), ` ${best.name}@${best.k}`);
}

addEventListener("keydown", (event) => {
  const box = document.getElementById("search");
  if (event.key !== "/" || !box || /INPUT|TEXTAREA|SELECT/.test(event.target.tagName)) return;
  event.preventDefault();
  box.focus();
});
// Amounts need the currency, so the facts come first.
showFacts();
