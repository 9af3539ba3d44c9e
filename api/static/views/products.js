// One product: how it sells, what is like it, what goes with it.

import { id, url } from "../api.js";
import { count, fill, h, money, number, percent, plural, say, times } from "../dom.js";
import { empty, facts, heading, panel, productLink, productText, search, table } from "../parts.js";

export function list({ signal }) {
  const draw = ({ products }, text) => {
    say(text ? `${plural(products.length, "product")} found` : "");
    if (!products.length) return empty(`No product's title or id holds “${text}”.`);
    const rows = products.map((p) => [
      productLink(p), p.category || "–", p.brand || "–", money(p.price), h("code", {}, p.product_id),
    ]);
    const note = h("p", { class: "muted small inset" }, "Bought most:");
    const columns = [["Product"], ["Category"], ["Brand"], ["Price", "num"], ["Id", "num"]];
    return [text ? null : note, table(columns, rows, "Products")];
  };
  return [
    heading("Products", "Find one by title or id, see what is like it and what goes with it."),
    search({
      label: "Search products by title or id", placeholder: "Search by title or id", signal, draw,
      address: (text) => url("/v1/products", { search: text, limit: 20 }),
    }),
  ];
}

export function detail({ signal, name }) {
  const address = `/v1/products/${id(name)}`;
  const title = heading(name);
  const about = panel("About", address, (answer) => {
    fill(title.querySelector("h1"), answer.product.title);
    document.title = `${answer.product.title} – Coterie`;
    return drawAbout(answer);
  }, { signal, rows: 3, wide: true });
  const together = panel("Bought together", url(`${address}/bought-together`, { k: 15 }), drawTogether, { signal, rows: 8 });
  const like = panel("Similar", url(`${address}/similar`, { k: 15 }), drawSimilar, { signal, rows: 8 });
  return [title, about, h("div", { class: "split even" }, together, like)];
}

function drawAbout({ product, attributes, customers, purchases, spend }) {
  const known = Object.entries(attributes).filter(([, v]) => v !== null && v !== "");
  return facts([
    ["Price", product.price === null ? null : money(product.price)],
    ["Category", product.category], ["Brand", product.brand],
    ["Bought by", plural(customers, "customer")], ["Purchases", count(purchases)],
    ["Taken", spend === null ? null : money(spend)], ["Id", h("code", {}, product.product_id)],
    ...known.map(([name, value]) => [name.replaceAll("_", " "), String(value)]),
  ]);
}

function drawTogether({ items }) {
  if (!items.length) return empty("No rule: too few orders hold it with anything else.");
  const rows = items.map((c) => [
    productText(c.product), percent(c.confidence), times(c.lift), c.orders === null ? percent(c.support) : count(c.orders),
  ]);
  const third = items[0].orders === null ? "Of all orders" : "Orders";
  const columns = [["In the same order"], ["How often", "num"], ["× chance", "num"], [third, "num"]];
  return table(columns, rows, "Bought together");
}

function drawSimilar({ items }) {
  if (!items.length) return empty("Too few customers bought it to compare.");
  const rows = items.map((s) => [productText(s.product), money(s.product.price), number(s.score)]);
  return table([["Bought by the same kind of customer"], ["Price", "num"], ["Alike", "num"]], rows, "Similar products");
}
