// Find a product.

import { url } from "../core/api.js";
import { h, say } from "../core/dom.js";
import { money } from "../core/format.js";
import { t } from "../core/words.js";
import { productLink, search, table } from "../ui/pieces.js";
import { empty, heading } from "../ui/states.js";

export function view({ signal }) {
  const draw = ({ products }, text) => {
    say(text ? t("products.found", { n: products.length }) : "");
    if (!products.length) return empty(t("products.none", { text }));
    const rows = products.map((p) => [
      productLink(p), p.category || "–", p.brand || "–", money(p.price), h("code", {}, p.product_id),
    ]);
    const columns = [[t("product.title")], [t("col.category")], [t("col.brand")], [t("col.price"), "num"], [t("col.id"), "num"]];
    return [text ? null : h("p", { class: "muted small inset" }, t("products.most")), table(columns, rows, t("products.title"))];
  };
  return [
    heading(t("products.title"), t("products.lead")),
    search({
      label: t("products.search"), placeholder: t("products.placeholder"), signal, draw,
      address: (text) => url("/v1/products", { search: text, limit: 20 }),
    }),
  ];
}
