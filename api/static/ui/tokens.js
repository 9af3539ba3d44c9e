// Several values in one field: those chosen as chips, and a box that offers others.

import { debounced, fill, h, unique } from "../core/dom.js";
import { t } from "../core/words.js";
import { icon } from "./icons.js";

// `offer(text)` gives [[value, name]]; `values` is changed in place by a new list to `change`.
export function tokens({ label, values, offer, change, nameOf = (value) => value }) {
  const list = unique("offers");
  const options = h("datalist", { id: list });
  const chips = h("span", { class: "chips" });
  let chosen = [...values];
  let offered = [];
  const input = h("input", { list, "aria-label": label, placeholder: t("tokens.add"), autocomplete: "off" });
  const set = (next) => {
    chosen = next;
    draw();
    change(chosen);
  };
  const draw = () => fill(chips, chosen.map((value) => h("span", { class: "token" }, nameOf(value),
    h("button", { type: "button", class: "tool", "aria-label": t("tokens.remove", { name: nameOf(value) }), onclick: () => set(chosen.filter((one) => one !== value)) }, icon("cross")))));
  const add = () => {
    const text = input.value.trim();
    if (!text) return;
    const value = offered.find(([id, name]) => name === text || id === text)?.[0] ?? text;
    input.value = "";
    if (!chosen.includes(value)) set([...chosen, value]);
  };
  const ask = debounced(150, async () => {
    offered = await offer(input.value.trim()).catch(() => []);
    fill(options, offered.slice(0, 60).map(([value, name]) => h("option", { value: name === value ? value : name }, name === value ? "" : value)));
  });
  input.addEventListener("focus", ask);
  input.addEventListener("input", (event) => {
    // An option that was picked comes whole, without a key pressed.
    if (event.inputType === "insertReplacementText" || event.inputType === undefined) add();
    else ask();
  });
  input.addEventListener("change", add);
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    add();
  });
  draw();
  return h("span", { class: "tokens" }, chips, input, options);
}

// Several of a few, folded away; the summary says which. Options are [value, name].
export function picker({ label, options, values, change }) {
  let chosen = new Set(values);
  const summary = h("summary", {});
  const told = () => {
    const names = options.filter(([value]) => chosen.has(value)).map(([, name]) => name);
    fill(summary, h("span", { class: "sr" }, `${label}: `), names.length ? names.join(", ") : h("span", { class: "muted" }, t("picker.choose")));
  };
  const boxes = options.map(([value, name]) => h("label", { class: "check" },
    h("input", {
      type: "checkbox", checked: chosen.has(value), onchange: (event) => {
        if (event.target.checked) chosen.add(value);
        else chosen.delete(value);
        told();
        change(options.map(([one]) => one).filter((one) => chosen.has(one)));
      },
    }), h("span", {}, name)));
  told();
  const element = h("details", { class: "picker" }, summary, h("div", { class: "choices", role: "group", "aria-label": label }, boxes));
  element.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    element.open = false;
    summary.focus();
  });
  element.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !element.contains(event.relatedTarget)) element.open = false;
  });
  return element;
}
