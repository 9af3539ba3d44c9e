// Pick a customer; see what they bought, what to show them and why, and where they belong.

import { get, id, url } from "../api.js";
import { count, date, h, money, plural, say } from "../dom.js";
import {
  customerLink, empty, facts, heading, panel, productText, search, segmentLink, shares, table,
} from "../parts.js";

const LANGUAGES = [["en", "English"], ["zh", "中文"]];
const MODES = [["all", "All"], ["repeat", "Buy again"], ["discover", "Discover"]];

export function list({ signal }) {
  const draw = ({ users }, text) => {
    say(text ? `${plural(users.length, "customer")} found` : "");
    if (!users.length) return empty(`No customer's id holds “${text}”.`);
    const rows = users.map((u) => [
      customerLink(u.user_id), u.segment ? segmentLink(u.segment) : h("span", { class: "muted" }, "none"),
      count(u.orders), money(u.spend), date(u.last_purchase),
    ]);
    const columns = [["Customer"], ["Segment"], ["Orders", "num"], ["Spent", "num"], ["Last purchase", "num"]];
    const note = h("p", { class: "muted small inset" }, "Some customers to start with:");
    return [text ? null : note, table(columns, rows, "Customers")];
  };
  return [
    heading("Customers", "Find one by id, see what they bought, what to show them next, and why."),
    search({
      label: "Search customers by id", placeholder: "Search by customer id", signal, draw,
      address: (text) => url("/v1/users", { search: text, limit: 12 }),
    }),
  ];
}

export function detail({ signal, name, query, navigate }) {
  const profileUrl = url(`/v1/users/${id(name)}`, { history: 100 });
  const title = heading(`Customer ${name}`);
  const ask = shared((user) => user.segment && title.append(belongs(user)));
  const person = panel("Profile", profileUrl, drawProfile, { signal, ask, rows: 6 });
  const past = panel("Bought before", profileUrl, drawHistory, { signal, ask, rows: 8 });
  const lists = recommendations({ signal, name, query, navigate });
  return [title, h("div", { class: "split" }, lists, h("div", { class: "stack" }, person, past))];
}

// Two panels draw one answer: it is asked for once, and again only after it failed.
function shared(then) {
  let answer = null;
  return (address, signal) => {
    answer ||= get(address, signal).then((user) => (then(user), user));
    answer.catch(() => { answer = null; });
    return answer;
  };
}

const belongs = (user) =>
  h("p", { class: "muted" }, "Belongs to ", h("span", { id: "segment" }, segmentLink(user.segment)));

function recommendations({ signal, name, query, navigate }) {
  const state = {
    mode: query.get("mode") || "all", category: query.get("category") || "",
    lang: query.get("lang") || (/^zh/i.test(navigator.language) ? "zh" : "en"),
  };
  const address = () =>
    url(`/v1/users/${id(name)}/recommendations`, { k: 20, ...state });
  const controls = h("div", { class: "controls" }, modes(state.mode, (mode) => change({ mode })),
    categories(state.category, signal, (category) => change({ category })),
    languages(state.lang, (lang) => change({ lang })));
  const draw = (answer) => drawList(answer, state.lang);
  const element = panel("Recommended", address(), draw, { signal, rows: 10, controls });
  element.id = "recommendations";
  function change(part) {
    Object.assign(state, part);
    navigate(url(`#/customer/${id(name)}`, { ...state, mode: state.mode === "all" ? "" : state.mode }));
    element.load(address());
  }
  return element;
}

function modes(chosen, change) {
  const options = MODES.map(([value, text]) => h("label", {},
    h("input", { type: "radio", name: "mode", value, checked: value === chosen, onchange: () => change(value) }),
    h("span", {}, text)));
  return h("fieldset", { class: "switch" }, h("legend", { class: "sr" }, "What may be listed"), options);
}

// Reasons are the one thing here that shoppers read, so they alone come in another language.
function languages(chosen, change) {
  const select = h("select", { "aria-label": "Language of the reasons", onchange: () => change(select.value) },
    LANGUAGES.map(([value, text]) => h("option", { value, lang: value }, text)));
  select.value = chosen;
  return select;
}

function categories(chosen, signal, change) {
  const select = h("select", { "aria-label": "Only this category", onchange: () => change(select.value) },
    h("option", { value: "" }, "All categories"));
  get("/v1/categories", signal).then(({ categories: all }) => {
    for (const c of nested(all)) {
      const indent = "\u2003".repeat(c.level);
      select.append(h("option", { value: c.category_id }, `${indent}${c.name}`));
    }
    select.value = chosen;
    select.hidden = !all.length;
  }).catch(() => { select.hidden = true; });
  return select;
}

// Two levels, each category under its parent: more is too long a list to choose from.
function nested(all) {
  const under = Map.groupBy ? Map.groupBy(all, (c) => c.parent_id) : group(all);
  const roots = all.filter((c) => c.level === 0);
  return roots.flatMap((root) => [root, ...(under.get(root.category_id) || [])]);
}

function group(all) {
  const found = new Map();
  for (const c of all) found.set(c.parent_id, [...(found.get(c.parent_id) || []), c]);
  return found;
}

function drawList(answer, lang) {
  const intro = answer.fallback ? h("p", { class: "note", lang }, answer.fallback) : null;
  say(`${plural(answer.items.length, "recommendation")} shown`);
  if (!answer.items.length) return [intro, empty("Nothing qualifies. Try another mode or category.")];
  const items = answer.items.map((item) => h("li", {},
    h("span", { class: "rank", "aria-hidden": "true" }, item.rank),
    productText(item.product, item.reasons.map((r) => reason(r, lang))),
    h("span", { class: "price" }, money(item.product.price))));
  return [intro, h("ol", { class: "items" }, items),
    h("p", { class: "muted small inset" }, `By ${answer.method}, build ${answer.build}.`)];
}

const reason = (r, lang) =>
  h("div", { class: "reason", title: JSON.stringify(r.evidence) },
    h("span", { class: "kind" }, r.kind.replaceAll("-", " ").replaceAll("_", " ")),
    " ", h("span", { lang }, r.text));

function drawProfile(user) {
  const known = Object.entries(user.attributes).filter(([, v]) => v !== null && v !== "");
  return [
    facts([
      ["Orders", count(user.orders)], ["Spent", money(user.spend)], ["Products", count(user.products)],
      ["First purchase", date(user.first_purchase)], ["Last purchase", date(user.last_purchase)],
      ["Segment", user.segment ? segmentLink(user.segment) : user.anonymous ? "none: no account" : "none"],
      ...known.map(([name, value]) => [name.replaceAll("_", " "), String(value)]),
    ]),
    user.top_categories.length ? [h("h3", {}, "Buys most from"), shares(user.top_categories)] : null,
  ];
}

function drawHistory(user) {
  if (!user.history.length) return empty("No purchases yet.");
  const rows = user.history.map((line) => [
    productText(line.product), count(line.times), date(line.last), money(line.spend),
  ]);
  const rest = user.products - user.history.length;
  return [
    table([["Product"], ["Orders", "num"], ["Last", "num"], ["Spent", "num"]], rows, "Bought before"),
    rest > 0 ? h("p", { class: "muted small inset" }, `and ${plural(rest, "earlier product")}`) : null,
  ];
}
