// What stays around every view: where one can go, the key, the language, light or dark.

import { forgetKey } from "./core/api.js";
import { fill, h } from "./core/dom.js";
import { nextTheme, theme } from "./core/theme.js";
import { language, setLanguage, t } from "./core/words.js";
import { icon } from "./ui/icons.js";
import { SECTIONS } from "./views.js";

// Whether a key with these scopes opens what takes any one of `needs`.
export const may = (needs, scopes) => !needs.length || needs.some((scope) => scopes.has(scope));

export function drawFrame(state, redraw) {
  const links = h("nav", { id: "nav", "aria-label": t("nav.main") },
    state ? SECTIONS.filter((one) => may(one.needs, state.scopes)).map(link) : [],
    h("a", { href: "/docs", class: "apart" }, icon("code"), h("span", {}, t("nav.api"))));
  const menu = h("button", { type: "button", class: "menu", "aria-expanded": "false", "aria-controls": "nav", "aria-label": t("nav.menu") }, icon("menu"));
  const close = () => {
    links.classList.remove("open");
    menu.setAttribute("aria-expanded", "false");
  };
  menu.addEventListener("click", () => {
    const open = links.classList.toggle("open");
    menu.setAttribute("aria-expanded", String(open));
  });
  links.addEventListener("click", close);
  links.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    close();
    menu.focus();
  });
  fill(document.getElementById("top"), brand(state), links, tools(state, redraw), menu);
}

function brand(state) {
  return h("a", { class: "brand", href: "#/" },
    h("img", { src: "/static/favicon.svg", alt: "", width: "24", height: "24" }),
    h("span", {}, "Coterie", state?.build ? h("small", {}, state.build.shop) : null));
}

const link = (section) =>
  h("a", { href: `#/${section.path}`, "data-section": section.name },
    icon(section.icon), h("span", {}, t(section.title)));

export function markSection(section) {
  for (const one of document.querySelectorAll("nav a[data-section]")) {
    if (one.dataset.section === section) one.setAttribute("aria-current", "page");
    else one.removeAttribute("aria-current");
  }
}

function tools(state, redraw) {
  const shade = h("button", { type: "button", class: "tool", onclick: () => { nextTheme(); redraw(); } },
    icon({ auto: "auto", light: "sun", dark: "moon" }[theme()]), h("span", { class: "sr" }, t(`theme.${theme()}`)));
  shade.title = t(`theme.${theme()}`);
  const other = language() === "zh" ? "en" : "zh";
  const speech = h("button", { type: "button", class: "tool", lang: other, onclick: () => { setLanguage(other); redraw(); } },
    other === "zh" ? "中文" : "English");
  const leave = state?.keyed
    ? h("button", { type: "button", class: "tool", title: t("key.leave"), onclick: () => { forgetKey(); location.reload(); } }, icon("key"), h("span", { class: "sr" }, t("key.leave")))
    : null;
  return h("div", { class: "tools" }, speech, shade, leave);
}
