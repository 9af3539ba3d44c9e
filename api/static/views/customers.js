// Find a customer.

import { url } from "../core/api.js";
import { h, say } from "../core/dom.js";
import { count, date, money } from "../core/format.js";
import { t } from "../core/words.js";
import { customerLink, search, segmentLink, table } from "../ui/pieces.js";
import { empty, heading } from "../ui/states.js";

export function view({ signal }) {
  const draw = ({ users }, text) => {
    say(text ? t("customers.found", { n: users.length }) : "");
    if (!users.length) return empty(t("customers.none", { text }));
    const rows = users.map((u) => [
      customerLink(u.user_id), u.segment ? segmentLink(u.segment) : h("span", { class: "muted" }, "–"),
      count(u.orders), money(u.spend), date(u.last_purchase),
    ]);
    const columns = [[t("customer.title")], [t("segment.title")], [t("count.orders"), "num"], [t("col.spend"), "num"], [t("col.last"), "num"]];
    return [text ? null : h("p", { class: "muted small inset" }, t("customers.some")), table(columns, rows, t("customers.title"))];
  };
  return [
    heading(t("customers.title"), t("customers.lead")),
    search({
      label: t("customers.search"), placeholder: t("customers.placeholder"), signal, draw,
      address: (text) => url("/v1/users", { search: text, limit: 15 }),
    }),
  ];
}
