// Groups of customers who buy alike: all of them as cards, one with its members.

import { call, get, id, url } from "../api.js";
import { count, date, fill, h, money, number, percent, plural, say } from "../dom.js";
import { callLink, customerLink, empty, facts, failure, heading, panel, table, traits } from "../parts.js";

const PAGE = 25;

export function list({ signal }) {
  const intro = "Customers who buy alike, found in the graph. Bars show what share "
    + "of members' spend it takes, ticks the whole shop's, figures how many times more.";
  const cards = panel("All segments", "/v1/segments", drawCards, { signal, rows: 8, wide: true });
  cards.classList.add("bare");
  return [heading("Segments", intro), cards];
}

function drawCards(answer) {
  if (!answer.segments.length) return empty("No segments: too few customers to group.");
  const note = [
    plural(answer.segments.length, "segment"),
    answer.unassigned ? `${plural(answer.unassigned, "customer")} in none` : null,
    answer.modularity === null ? null : `modularity ${number(answer.modularity)}`,
    answer.resampled === null ? null : `agreement with resampled events ${number(answer.resampled)}`,
  ].filter(Boolean).join(" · ");
  const parts = (s) => answer.parts.filter((part) => part.parent_id === s.segment_id);
  const cards = answer.segments.map((segment) => card(segment, parts(segment)));
  return [h("p", { class: "muted small" }, note), h("div", { class: "cards" }, cards)];
}

const TRUST = {
  stable: "stable: found again in resampled events",
  fair: "fair: mostly found again in resampled events",
  doubtful: "doubtful: not found again in resampled events; build nothing on it",
};

function card(segment, parts) {
  const figures = [
    plural(segment.size, "customer"),
    segment.share_of_spend === null ? null : `${percent(segment.share_of_spend)} of spend`,
    segment.trust,
  ].filter(Boolean).join(" · ");
  return h("article", { class: "card" },
    h("h3", {}, h("a", { href: `#/segment/${id(segment.segment_id)}`, class: "cover" }, segment.name)),
    h("p", { class: "muted small", title: TRUST[segment.trust] ?? "" }, figures),
    parts.length ? h("p", { class: "small" }, `Parts: ${parts.map((p) => `${p.name} (${count(p.size)})`).join(", ")}`) : null,
    traits(segment.traits, 4));
}

export function detail({ signal, name }) {
  const address = `/v1/segments/${id(name)}`;
  const title = heading(`Segment ${name}`);
  const profile = panel("What sets it apart", address, (segment) => {
    fill(title.querySelector("h1"), segment.name);
    document.title = `${segment.name} – Coterie`;
    return [figures(segment), traits(segment.traits, 20)];
  }, { signal, rows: 10 });
  return [title, h("div", { class: "split even" }, profile, members(address, signal))];
}

const figures = (s) => facts([
  ["Customers", `${count(s.size)} (${percent(s.share_of_customers)})`],
  ["Spend", s.spend === null ? null : `${money(s.spend)} (${percent(s.share_of_spend)})`],
  ["Each spent", s.spend_per_customer === null ? null : money(s.spend_per_customer)],
  ["Orders each", s.orders_per_customer === null ? null : number(s.orders_per_customer)],
  ["Can it be trusted", s.trust === null ? null : `${TRUST[s.trust]} (${number(s.stability)})`],
  ["Since last purchase", s.days_since_purchase === null ? null : `${number(s.days_since_purchase)} days`],
]);

function members(address, signal) {
  const rows = [];
  const body = h("div", { class: "body" });
  const link = h("span", {});
  const button = h("button", { type: "button", onclick: () => download(`${address}/users`, button) }, "Download CSV");
  const head = h("div", { class: "head" }, h("h2", {}, "Members"), h("div", { class: "controls" }, button), link);
  const load = async (cursor) => {
    const where = url(`${address}/users`, { limit: PAGE, cursor });
    try {
      const page = await get(where, signal);
      fill(link, callLink(where));
      rows.push(...page.users.map(row));
      const more = () => load(page.next_cursor);
      fill(body, shown(rows, page.total), page.next_cursor ? h("button", { type: "button", class: "more", onclick: more }, "Show more") : null);
    } catch (error) {
      if (error.name !== "AbortError") fill(body, failure(error, () => { rows.length = 0; load(); }));
    }
  };
  load();
  return h("section", { class: "panel" }, head, body);
}

const row = (m) => [
  customerLink(m.user_id), percent(m.strength), count(m.orders), money(m.spend), date(m.last_purchase),
];

function shown(rows, total) {
  if (!rows.length) return empty("Nobody is in this segment.");
  say(`${count(rows.length)} of ${plural(total, "member")} shown`);
  const columns = [["Customer"], ["Belongs", "num"], ["Orders", "num"], ["Spent", "num"], ["Last purchase", "num"]];
  return [table(columns, rows, "Members"),
    h("p", { class: "muted small inset" }, `${count(rows.length)} of ${plural(total, "member")}`)];
}

// A link cannot ask for CSV, which goes by the Accept header; so the file is fetched and handed over.
async function download(address, button) {
  button.disabled = true;
  try {
    const file = await (await call(address, { headers: { Accept: "text/csv" } })).blob();
    const link = h("a", { href: URL.createObjectURL(file), download: "segment.csv" });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    say("Downloaded");
  } catch (error) {
    button.after(failure(error));
  }
  button.disabled = false;
}
