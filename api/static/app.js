// From the key to the view that the address names; a view that is left stops loading.

import { get } from "./core/api.js";
import { fill } from "./core/dom.js";
import { setCurrency } from "./core/format.js";
import { parse, replace } from "./core/router.js";
import { t } from "./core/words.js";
import { drawFrame, markSection, may } from "./frame.js";
import { empty, failure, heading } from "./ui/states.js";
import { keyForm } from "./ui/key.js";
import { VIEWS } from "./views.js";

const main = document.getElementById("main");
let leaving = new AbortController();
let first = true;
let state = null;

export async function start() {
  document.querySelector(".skip").textContent = t("skip");
  try {
    const [access, build] = await Promise.all([get("/v1/key"), get("/v1/build").catch(missing)]);
    setCurrency(build?.currency);
    state = { scopes: new Set(access.scopes), keyed: access.needed, build };
    drawFrame(state, redraw);
    show();
  } catch (error) {
    drawFrame(null, redraw);
    fill(main, heading(t("key.title")), error.status === 401 ? keyForm(error) : failure(error, start));
  }
}

// A server without a snapshot has much to say about why.
function missing(error) {
  if (error.status === 503) return null;
  throw error;
}

function redraw() {
  first = true;
  drawFrame(state, redraw);
  if (state) show();
  else start();
}

function show() {
  if (location.hash === "#main" || !state) return;
  const { view, name, query } = parse(location.hash);
  leaving.abort();
  leaving = new AbortController();
  const found = VIEWS[view];
  markSection(found?.section);
  const title = found ? t(found.title) : t("nothing.title");
  document.title = `${name || title} – Coterie`;
  fill(main, drawn(found, { signal: leaving.signal, name, query, replace, state }));
  scrollTo(0, 0);
  // A new view is announced by its heading, except on arrival, where the page itself is.
  if (!first) main.querySelector("h1")?.focus({ preventScroll: true });
  first = false;
}

function drawn(found, context) {
  if (!found) return [heading(t("nothing.title")), empty(t("nothing.text"))];
  if (!may(found.needs, state.scopes)) {
    return [heading(t(found.title)), empty(t("key.scope", { scope: found.needs.join(", ") }))];
  }
  return found.draw(context);
}

addEventListener("hashchange", show);
addEventListener("keydown", (event) => {
  const box = document.getElementById("search");
  if (event.key !== "/" || !box || /INPUT|TEXTAREA|SELECT/.test(event.target.tagName)) return;
  event.preventDefault();
  box.focus();
});
start();
