// The demo's shop: search, a product's page, a basket. It is a shop like any other to the widget.
import { get, id as escaped, url, useKey } from "../core/api.js";
import { fill, h } from "../core/dom.js";

const main = document.querySelector("#main");
const PRODUCT = "#/product/{id}";
const given = new URLSearchParams(location.search).get("key");
if (given) useKey(given);
const key = sessionStorage.getItem("coterie-key");

const shop = await get("/v1/build").catch(() => ({ shop: "Storefront", currency: "USD" }));
document.title = shop.shop;
document.querySelector("#shop").textContent = shop.shop;
const format = new Intl.NumberFormat(document.documentElement.lang, { style: "currency", currency: shop.currency });
const money = (amount) => (amount == null ? "" : format.format(amount));

const KEPT = "storefront-basket";
const basket = new Map(JSON.parse(sessionStorage.getItem(KEPT) || "[]"));
function keepBasket() {
  sessionStorage.setItem(KEPT, JSON.stringify([...basket]));
  document.querySelector("#count").textContent = [...basket.values()].reduce((sum, line) => sum + line.quantity, 0);
}

const list = (mode, more = {}) => h("coterie-recommendations", { mode, key, currency: shop.currency, "product-url": PRODUCT, ...more });
const lines = (products, more = () => null) =>
  h("ul", { class: "lines" }, products.map((p) => h("li", {}, h("a", { href: PRODUCT.replace("{id}", escaped(p.product_id)) }, p.title), more(p), h("span", {}, money(p.price)))));

function add(product) {
  const line = basket.get(product.product_id) || { ...product, quantity: 0 };
  line.quantity += 1;
  basket.set(product.product_id, line);
  keepBasket();
  coterie.track("add_to_cart", { product_id: product.product_id, value: product.price });
}

function home() {
  const customer = document.querySelector("#who").value;
  const lists = customer ? [list("all", { reasons: "" }), list("repeat"), list("discover", { reasons: "" })] : [list("all", { k: 12 })];
  fill(main, h("h1", {}, "Welcome"), h("p", { class: "muted" }, "Look around: what you see here follows what you do."), lists);
}

async function found(words) {
  const { products } = await get(url("/v1/products", { search: words, limit: 20 }));
  fill(main, h("h1", {}, `“${words}”`), h("p", { class: "muted" }, products.length ? "What the shop has of it" : "The shop has nothing of it."), products.length ? lines(products) : list("all"));
}

async function product(id) {
  const { product: shown, customers } = await get(`/v1/products/${escaped(id)}`);
  coterie.track("view_item", id);
  const button = h("button", { onclick: () => add(shown) }, "Add to basket");
  fill(main,
    h("section", { class: "product" }, h("p", { class: "muted" }, [shown.category, shown.brand].filter(Boolean).join(" · ")), h("h1", {}, shown.title),
      h("p", { class: "price" }, money(shown.price)), h("p", { class: "muted" }, `Bought by ${customers} customers`), button),
    list("bought-together", { product: id }), list("similar", { product: id }));
}

function basketPage() {
  const held = [...basket.values()];
  if (!held.length) return fill(main, h("h1", {}, "Your basket is empty"), list("all"));
  const total = held.reduce((sum, line) => sum + (line.price || 0) * line.quantity, 0);
  const remove = (p) => h("button", { class: "plain", "aria-label": `Remove ${p.title}`, onclick: () => { basket.delete(p.product_id); keepBasket(); basketPage(); } }, "Remove");
  return fill(main, h("h1", {}, "Your basket"), lines(held, (p) => [h("span", {}, `${p.quantity} ×`), remove(p)]),
    h("p", { class: "price" }, money(total)), h("button", { onclick: buy }, "Buy"), list("basket", { basket: JSON.stringify([...basket.keys()]) }));
}

function buy() {
  const items = [...basket.values()].map(({ product_id, quantity, price }) => ({ product_id, quantity, value: price == null ? null : price * quantity }));
  coterie.track("purchase", { order_id: crypto.randomUUID(), items });
  basket.clear();
  keepBasket();
  fill(main, h("h1", {}, "Thank you"), h("p", { class: "muted" }, "The next lists know of it."), list("discover"));
}

async function show() {
  const [, view, id] = location.hash.split("/");
  try {
    if (view === "product") await product(decodeURIComponent(id));
    else if (view === "search") await found(decodeURIComponent(id));
    else if (view === "basket") basketPage();
    else home();
  } catch (error) {
    fill(main, h("h1", {}, error.title || "Something went wrong"), h("p", { class: "muted" }, error.message));
  }
  scrollTo(0, 0);
}

document.querySelector("#search").onsubmit = (event) => {
  event.preventDefault();
  location.hash = `#/search/${escaped(document.querySelector("#words").value.trim())}`;
};
document.querySelector("#visitor").onsubmit = (event) => {
  event.preventDefault();
  coterie.identify(document.querySelector("#who").value.trim() || null);
  location.hash = "#/";
  show();
};
// What was just done is on disk; lists feel it a moment later.
document.addEventListener("coterie-sent", () => setTimeout(coterie.refresh, 300));
addEventListener("hashchange", () => { show(); main.focus({ preventScroll: true }); });
keepBasket();
await show();
