// What a saved audience offers: files, why or why not, its versions and how it grew, its Cypher.

import { trend } from "../charts/trend.js";
import { download, get, id, url } from "../core/api.js";
import { fill, h, say } from "../core/dom.js";
import { count, date, moment } from "../core/format.js";
import { go } from "../core/router.js";
import { t } from "../core/words.js";
import { callLink } from "../ui/calls.js";
import { icon } from "../ui/icons.js";
import { box } from "../ui/panel.js";
import { select, table } from "../ui/pieces.js";
import { empty, failure, skeleton } from "../ui/states.js";
import { picker } from "../ui/tokens.js";

const FORMS = { csv: "text/csv", parquet: "application/vnd.apache.parquet", ndjson: "application/x-ndjson" };

export function savedPanels({ one, known, signal, restore, state }) {
  return h("div", { class: "split even" },
    h("div", { class: "stack" }, filesPanel(one, known, state), whyPanel(one, signal)),
    h("div", { class: "stack" }, historyPanel(one), versionsPanel(one, restore)));
}

function filesPanel(one, known, state) {
  const address = `/v1/audiences/${id(one.name)}/members`;
  let columns = ["user_id"];
  let form = "csv";
  const trouble = h("div", {});
  const campaign = h("input", { maxlength: "63", pattern: "[a-z0-9][a-z0-9_\\-]*", placeholder: t("files.optional") });
  const holdout = h("input", { type: "number", min: "1", max: "50", value: "10" });
  const where = () => url(address, {
    column: columns, campaign: campaign.value, holdout: campaign.value ? Number(holdout.value) / 100 : null,
  });
  const save = h("button", { type: "submit", class: "primary" }, icon("down"), t("files.save"));
  const submit = async (event) => {
    event.preventDefault();
    save.disabled = true;
    fill(trouble);
    try {
      await download(where(), { accept: FORMS[form], name: `${one.name}.${form}` });
      say(t("downloaded"));
    } catch (error) {
      fill(trouble, failure(error));
    }
    save.disabled = false;
  };
  const cypher = h("button", { type: "button", onclick: async () => {
    try {
      go(url("#/cypher", { query: (await get(`/v1/audiences/${id(one.name)}/cypher`)).cypher }));
    } catch (error) {
      fill(trouble, failure(error));
    }
  } }, icon("graph"), "Cypher");
  return box(t("files.title"), { link: callLink(address), kind: "open" },
    h("form", { class: "inset form", onsubmit: submit },
      h("div", { class: "row" },
        h("div", { class: "field" }, h("span", { class: "small muted" }, t("files.columns")),
          picker({ label: t("files.columns"), options: known.columns.map((name) => [name, name.replaceAll("_", " ")]), values: columns, change: (chosen) => { columns = chosen; } })),
        h("label", { class: "field" }, t("files.form"), select(t("files.form"), [["csv", "CSV"], ["parquet", "Parquet"], ["ndjson", "NDJSON"]], form, (chosen) => { form = chosen; }))),
      h("div", { class: "row" }, h("label", { class: "field" }, t("files.campaign"), campaign), h("label", { class: "field" }, t("files.holdout"), holdout)),
      h("div", { class: "controls" }, save, state.scopes.has("analyst") ? cypher : null), trouble));
}

function whyPanel(one, signal) {
  const input = h("input", { required: true, maxlength: "200", "aria-label": t("why.customer"), placeholder: t("why.customer") });
  const told = h("div", {});
  const link = h("span", {});
  const submit = async (event) => {
    event.preventDefault();
    const where = url(`/v1/audiences/${id(one.name)}/explain`, { user_id: input.value.trim() });
    fill(link, callLink(where));
    fill(told, skeleton(3));
    try {
      const found = await get(where, signal);
      fill(told,
        h("p", { class: "inset" }, h("span", { class: `badge ${found.member ? "" : "plain"}` }, found.member ? t("why.in") : t("why.out")), " ",
          h("a", { href: `#/customer/${id(found.user_id)}` }, found.user_id), found.barred ? ` · ${found.barred}` : ""),
        h("ul", { class: "why" }, reason(found.tree)));
      say(found.member ? t("why.in") : t("why.out"));
    } catch (error) {
      if (error.name !== "AbortError") fill(told, failure(error));
    }
  };
  return box(t("why.title"), { link },
    h("form", { class: "inset row", onsubmit: submit }, h("span", { class: "field" }, input), h("button", { type: "submit" }, t("why.ask"))), told);
}

function reason(node) {
  const found = Object.entries(node.found).filter(([, v]) => v !== null).map(([name, v]) => `${name.replaceAll("_", " ")} ${Array.isArray(v) ? v.join(", ") : v}`).join("; ");
  return h("li", {}, h("span", { class: node.met ? "good" : "bad" }, node.met ? "✓" : "✗", h("span", { class: "sr" }, node.met ? t("why.met") : t("why.unmet"))), " ", node.text,
    found ? h("div", { class: "muted small" }, found) : null,
    node.inner.length ? h("ul", {}, node.inner.map(reason)) : null);
}

function historyPanel(one) {
  const known = one.history.filter((line) => line.size !== null);
  const chart = known.length > 1 ? trend(known.map((line) => ({ start: line.at, value: line.size })), { title: t("history.size"), unit: "day", value: count }) : null;
  const rows = one.history.toReversed().slice(0, 12).map((line) => [moment(line.at), line.problem ? h("span", { class: "bad small" }, line.problem) : count(line.size), count(line.added), count(line.removed)]);
  return box(t("history.title"), { link: callLink(`/v1/audiences/${id(one.name)}`) }, chart,
    rows.length ? table([[t("audiences.at")], [t("audiences.size"), "num"], [t("audiences.added"), "num"], [t("audiences.removed"), "num"]], rows, t("history.title")) : empty(t("history.none")));
}

// Kinds of the conditions within one, in their order, each once.
function kinds(where) {
  const inner = Array.isArray(where.of) ? where.of : typeof where.of === "object" ? [where.of] : null;
  return inner ? [...new Set(inner.flatMap(kinds))] : [t(`kind.${where.kind}`)];
}

function versionsPanel(one, restore) {
  const rows = one.versions.toReversed().map((version) => [String(version.version), date(version.created),
    h("span", { title: JSON.stringify(version.definition.where) }, kinds(version.definition.where).join(", ")),
    h("button", { type: "button", class: "quiet", onclick: () => restore(version) }, t("versions.take"))]);
  return box(t("versions.title"), { link: callLink(`/v1/audiences/${id(one.name)}`) },
    table([[t("versions.version")], [t("versions.saved")], [t("audience.who")], [t("versions.form")]], rows, t("versions.title")));
}
