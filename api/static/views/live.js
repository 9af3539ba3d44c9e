// What happens now: events that come in, and a build that runs. Asked again while one looks.

import { get } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { ago, count } from "../core/format.js";
import { named, t } from "../core/words.js";
import { callLink } from "../ui/calls.js";
import { box } from "../ui/panel.js";
import { empty, skeleton } from "../ui/states.js";

const MINUTES = 60;
const EVERY = { flow: 5_000, running: 2_000, resting: 15_000 };

// Draws an answer every now and then, until the view is left; hidden pages rest.
function watched(body, address, draw, wait, signal) {
  const ask = async () => {
    let pause = wait(null);
    try {
      const answer = document.hidden ? null : await get(address, signal);
      if (answer) fill(body, draw(answer));
      pause = wait(answer);
    } catch (error) {
      if (error.name === "AbortError") return;
      fill(body, empty(error.message));
    }
    if (!signal.aborted) setTimeout(ask, pause);
  };
  ask();
}

export function flowPanel(signal) {
  const body = h("div", {}, skeleton(2));
  const address = `/v1/events/flow?minutes=${MINUTES}`;
  watched(body, address, drawFlow, () => EVERY.flow, signal);
  return box(t("flow.title"), { link: callLink(address) }, body);
}

function drawFlow({ total, waiting, counts }) {
  const minutes = Array(MINUTES).fill(0);
  for (const one of counts) minutes[one.minutes_ago] += one.events;
  const most = Math.max(...minutes, 1);
  const bars = minutes.toReversed().map((n) =>
    h("span", { class: n ? "" : "none", style: { height: `${n ? Math.max(6, (n / most) * 100) : 3}%` } }));
  const kinds = new Map();
  for (const one of counts) kinds.set(one.event, (kinds.get(one.event) || 0) + one.events);
  const told = [...kinds].map(([event, n]) => `${named("event", event)} ${count(n)}`).join(" · ");
  return [
    h("div", { class: "minutes", role: "img", "aria-label": t("flow.label", { n: total }) }, bars),
    h("p", { class: "inset small muted" }, t("flow.text", { n: total }), told ? ` ${told}.` : "", waiting ? ` ${t("flow.waiting", { n: waiting })}` : ""),
  ];
}

export function progressPanel(signal) {
  const body = h("div", {}, skeleton(2));
  watched(body, "/v1/build/progress", drawProgress, (answer) => (answer?.running ? EVERY.running : EVERY.resting), signal);
  return box(t("progress.title"), { link: callLink("/v1/build/progress") }, body);
}

function drawProgress({ running, stage, done, total, started, told, stages }) {
  if (!running) return h("p", { class: "inset small muted" }, told ? t("progress.rests", { when: ago(told) }) : t("progress.never"));
  const share = total ? done / total : null;
  return [
    h("p", { class: "inset" }, h("b", {}, stage || t("progress.begins")), h("span", { class: "muted small" }, total ? ` ${count(done)} / ${count(total)}` : "")),
    h("div", { class: "progress", role: "progressbar", "aria-label": stage || t("progress.title"), "aria-valuemin": "0", "aria-valuemax": "100", "aria-valuenow": share === null ? null : String(Math.round(share * 100)) },
      h("span", share === null ? { class: "unknown" } : { style: { width: `${share * 100}%` } })),
    h("p", { class: "inset small muted" }, t("progress.text", { when: started ? ago(started) : "", n: stages.length })),
  ];
}
