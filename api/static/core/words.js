// What the page says, in the language of the page. Each entry is [English, Chinese].

import audiences from "../words/audiences.js";
import common from "../words/common.js";
import customers from "../words/customers.js";
import experiments from "../words/experiments.js";
import graph from "../words/graph.js";
import overview from "../words/overview.js";
import products from "../words/products.js";
import rules from "../words/rules.js";
import segments from "../words/segments.js";
import service from "../words/service.js";

const WORDS = {
  ...common, ...overview, ...segments, ...audiences, ...customers, ...products, ...graph, ...service,
  ...experiments, ...rules,
};
const PLACES = { en: 0, zh: 1 };

export const language = () => (document.documentElement.lang === "zh" ? "zh" : "en");

export function setLanguage(chosen) {
  localStorage.setItem("coterie-language", chosen);
  document.documentElement.lang = chosen;
}

// The words of a key. `{name}` is replaced by a value; "one|many" is chosen by `n`.
export function t(key, values = {}) {
  const entry = WORDS[key];
  if (!entry) throw new Error(`there are no words for ${key}`);
  const forms = entry[PLACES[language()]].split("|");
  const one = forms.length > 1 && Number(values.n) === 1;
  const text = forms[one ? 0 : forms.length - 1];
  return text.replaceAll(/\{(\w+)\}/g, (_, name) => told(values[name]));
}

const told = (value) =>
  (typeof value === "number" ? new Intl.NumberFormat(language()).format(value) : String(value ?? ""));

// Words for what the server names, such as a stage; its own name where there are none.
export const named = (prefix, name) =>
  (WORDS[`${prefix}.${name}`] ? t(`${prefix}.${name}`) : String(name).replaceAll("_", " "));
