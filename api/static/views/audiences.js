// Saved audiences: how large each was at the last refresh, and who came and went.

import { id, post } from "../core/api.js";
import { fill, h, say } from "../core/dom.js";
import { count, date } from "../core/format.js";
import { t } from "../core/words.js";
import { icon } from "../ui/icons.js";
import { panel } from "../ui/panel.js";
import { table } from "../ui/pieces.js";
import { empty, failure, heading } from "../ui/states.js";

export function view({ signal }) {
  const refresh = h("button", { type: "button" }, t("audiences.refresh"));
  const list = panel(t("audiences.saved"), "/v1/audiences", drawList, { signal, wide: true, rows: 5, controls: h("div", { class: "controls" }, refresh) });
  refresh.addEventListener("click", async () => {
    refresh.disabled = true;
    try {
      await post("/v1/audiences/refresh", { names: [] }, signal);
      say(t("audiences.refreshed"));
      await list.load();
    } catch (error) {
      if (error.name !== "AbortError") fill(list.querySelector(".body"), failure(error, () => list.load()));
    }
    refresh.disabled = false;
  });
  return [
    h("div", { class: "headline" }, heading(t("audiences.title"), t("audiences.lead")),
      h("a", { class: "button primary", href: "#/audience" }, icon("plus"), t("audiences.new"))),
    list,
    panel(t("audiences.ideas"), "/v1/audience-choices", drawIdeas, { signal, wide: true, rows: 2 }),
  ];
}

function drawList({ audiences }) {
  if (!audiences.length) return empty(t("audiences.none"));
  const columns = [[t("audience.title")], [t("audiences.size"), "num"], [t("audiences.added"), "num"], [t("audiences.removed"), "num"], [t("audiences.at"), "num"], [t("audiences.used-by")]];
  const rows = audiences.map((one) => [
    h("div", {}, h("a", { href: `#/audience/${id(one.name)}`, class: "strong" }, one.title || one.name), h("div", { class: "muted small" }, one.name)),
    one.last?.problem ? h("span", { class: "badge warn", title: one.last.problem }, t("audiences.problem")) : count(one.last?.size),
    count(one.last?.added), count(one.last?.removed), one.last ? date(one.last.at) : "–", one.used_by.join(", ") || "–",
  ]);
  return table(columns, rows, t("audiences.saved"));
}

// Beginnings that most shops want, as far as this one can tell.
function drawIdeas(choices) {
  const ideas = [
    choices.stages.includes("at risk") ? ["idea.leaving", "#/audience?idea=leaving"] : null,
    choices.stages.includes("new") ? ["idea.second", "#/audience?idea=second"] : null,
    ["idea.lapsed", "#/audience?idea=lapsed"],
    choices.measures.includes("expected_value") ? ["idea.best", "#/audience?idea=best"] : null,
    choices.events.includes("add_to_cart") ? ["idea.cart", "#/audience?idea=cart"] : null,
  ].filter(Boolean);
  return h("div", { class: "inset controls" }, ideas.map(([key, href]) => h("a", { class: "button chip", href }, t(key))));
}

