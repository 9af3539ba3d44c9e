// Asks for a key where the server answers nothing without; the page then loads anew with it.

import { knownKey, useKey } from "../core/api.js";
import { h } from "../core/dom.js";
import { t } from "../core/words.js";

export function keyForm(error) {
  const input = h("input", {
    type: "password", id: "key", autocomplete: "off", spellcheck: "false", required: true,
  });
  const submit = (event) => {
    event.preventDefault();
    useKey(input.value);
    location.reload();
  };
  return h("form", { class: "panel key", onsubmit: submit },
    h("p", { class: "muted" }, knownKey() ? error.message : t("key.why")),
    h("label", { for: "key" }, t("key.label")),
    h("div", { class: "line" }, input, h("button", { type: "submit", class: "primary" }, t("key.use"))));
}
