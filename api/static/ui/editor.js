// A text area for Cypher: coloured as one types, completed from what the graph holds.

import { fill, h, say, unique } from "../core/dom.js";
import { t } from "../core/words.js";

const KEYWORDS = "MATCH OPTIONAL WHERE RETURN WITH UNWIND ORDER BY DESC ASC LIMIT SKIP DISTINCT AS AND OR NOT XOR IN IS NULL TRUE FALSE EXISTS CASE WHEN THEN ELSE END STARTS ENDS CONTAINS UNION ALL CALL".split(" ");
const FUNCTIONS = "count sum avg min max collect round coalesce size date_part timestamp lower upper abs toString toInteger toFloat".split(" ");
const TOKEN = /(\/\/[^\n]*)|('(?:\\.|[^'\\])*'?|"(?:\\.|[^"\\])*"?)|(`[^`]*`?)|(\$\w+)|(:\s*\w+)|(\b\d+(?:\.\d+)?\b)|([A-Za-z_]\w*)|([\s\S])/g;
const KINDS = ["comment", "string", "name", "parameter", "label", "number", "word", ""];

export function highlighted(text) {
  return [...text.matchAll(TOKEN)].map((found) => {
    const kind = KINDS[found.slice(1).findIndex((part) => part !== undefined)];
    const shown = kind === "word" ? wordKind(found[0]) : kind;
    return shown ? h("span", { class: `t-${shown}` }, found[0]) : document.createTextNode(found[0]);
  });
}

function wordKind(word) {
  if (KEYWORDS.includes(word.toUpperCase())) return "keyword";
  return FUNCTIONS.includes(word) ? "function" : "";
}

// What may stand at the caret: after a colon labels and types, after a dot properties, else words.
export function completions(before, schema) {
  const part = before.match(/[\w]*$/)[0];
  const lead = before.slice(0, before.length - part.length);
  const names = (list) => list.filter((one) => one.toLowerCase().startsWith(part.toLowerCase()) && one !== part);
  if (/\[[^\]]*:\s*(?:\w+\|)*$/.test(lead)) return { part, list: names(schema.types) };
  if (/[:|]\s*$/.test(lead) && /\([^)]*$/.test(lead)) return { part, list: names(schema.labels) };
  if (/\w\.$/.test(lead)) return { part, list: names(schema.properties) };
  return part.length < 2 ? { part, list: [] } : { part, list: names([...KEYWORDS, ...FUNCTIONS]) };
}

export function editor({ label, value, run, schema }) {
  const list = unique("completions");
  const area = h("textarea", {
    id: "query", rows: "8", spellcheck: "false", autocapitalize: "off", autocomplete: "off", "aria-label": label,
    "aria-autocomplete": "list", "aria-controls": list,
  });
  const under = h("pre", { class: "painted", "aria-hidden": "true" });
  const popup = h("ul", { class: "completions", id: list, role: "listbox", "aria-label": t("cypher.completions"), hidden: true });
  const state = { list: [], at: 0, part: "" };
  const paint = () => {
    fill(under, highlighted(`${area.value}\n`));
    area.rows = Math.min(24, Math.max(6, area.value.split("\n").length + 1));
    [under.scrollTop, under.scrollLeft] = [area.scrollTop, area.scrollLeft];
  };
  const close = () => {
    popup.hidden = true;
    area.removeAttribute("aria-activedescendant");
  };
  const take = (word) => {
    area.setRangeText(word, area.selectionStart - state.part.length, area.selectionStart, "end");
    close();
    paint();
    area.focus();
  };
  const open = () => {
    Object.assign(state, completions(area.value.slice(0, area.selectionStart), schema()), { at: 0 });
    if (!state.list.length || area.selectionStart !== area.selectionEnd) return close();
    state.list = state.list.slice(0, 8);
    say(t("cypher.offered", { n: state.list.length }));
    draw();
  };
  const draw = () => {
    fill(popup, state.list.map((word, i) => h("li", {
      id: `${list}-${i}`, role: "option", "aria-selected": String(i === state.at),
      onpointerdown: (event) => { event.preventDefault(); take(word); },
    }, word)));
    popup.hidden = false;
    area.setAttribute("aria-activedescendant", `${list}-${state.at}`);
    const [row, column] = caret(area);
    popup.style.top = `${14 + row * 20.1 - area.scrollTop}px`;
    popup.style.left = `${Math.min(12 + column * 7.6, Math.max(0, area.clientWidth - 170))}px`;
  };
  area.addEventListener("input", () => { paint(); open(); });
  area.addEventListener("scroll", paint);
  area.addEventListener("blur", close);
  area.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      close();
      run();
    } else if (event.key === " " && event.ctrlKey) {
      event.preventDefault();
      open();
    } else if (!popup.hidden) chosen(event);
  });
  function chosen(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      state.at = (state.at + step + state.list.length) % state.list.length;
      draw();
    } else if (event.key === "Tab" || event.key === "Enter") take(state.list[state.at]);
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
  }
  const element = h("div", { class: "editor" }, under, area, popup);
  element.text = () => area.value;
  element.set = (text) => { area.value = text; paint(); };
  element.set(value);
  return element;
}

function caret(area) {
  const lines = area.value.slice(0, area.selectionStart).split("\n");
  return [lines.length, lines.at(-1).length];
}
