// Coterie in a shop's page: the element <coterie-recommendations>, and coterie.track() for events.
// Only the public API is used. What goes wrong is told to console.debug and changes nothing else.
// It is served without comments and indents, which api/widget.py takes off.
(() => {
  "use strict";
  const NAME = "coterie-recommendations";
  if (customElements.get(NAME)) return;
  const script = document.currentScript || document.querySelector('script[src*="/static/coterie.js"]');
  const set = script ? script.dataset : {};
  const home = set.api ? new URL(set.api.replace(/\/*$/, "/"), document.baseURI) : new URL("..", script?.src || document.baseURI);
  const tell = (what) => console.debug("coterie:", what);
  const safe = (work) => (...given) => {
    try {
      return work(...given);
    } catch (error) {
      tell(error);
    }
  };
  const all = (more = "") => document.querySelectorAll(NAME + more);

  let user = set.user;
  // true, false, or undefined while the visitor has not chosen.
  let allowed = { granted: true, denied: false, ask: undefined, none: !navigator.globalPrivacyControl }[set.consent || "none"];
  let held = [];

  // One entry an event, so that two tabs never write over each other's.
  const OWN = "coterie.";
  const memory = new Map();
  const keep = (name, value) => {
    try {
      localStorage.setItem(OWN + name, value);
    } catch {
      memory.set(OWN + name, value);
    }
  };
  const read = (name) => {
    try {
      return memory.get(OWN + name) ?? localStorage.getItem(OWN + name);
    } catch {}
  };
  const drop = (name) => {
    memory.delete(OWN + name);
    try {
      localStorage.removeItem(OWN + name);
    } catch {}
  };
  const names = (start) => {
    const found = [...memory.keys()];
    try {
      found.push(...Object.keys(localStorage));
    } catch {}
    return found.filter((name) => name.startsWith(OWN + start)).map((name) => name.slice(OWN.length));
  };
  const forget = () => names("").forEach(drop);

  const unique = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  // The visit ends when nothing was done for half an hour.
  const session = () => {
    const [id, at] = (read("session") || "").split(" ");
    const known = id && Date.now() - at < 18e5 ? id : unique();
    keep("session", known + " " + Date.now());
    return known;
  };

  const ask = (path, key, body, more) => {
    key = key || set.key || all("[key]")[0]?.getAttribute("key");
    const headers = key ? { Authorization: "Bearer " + key } : {};
    if (body) headers["Content-Type"] = "application/json";
    return fetch(new URL(path, home), { method: body ? "POST" : "GET", body: body && JSON.stringify(body), headers, credentials: "omit", ...more });
  };

  // Events wait in the browser's storage until the server says it has them.
  const FIELDS = { product_id: String, order_id: String, quantity: Number, value: Number, rating: Number, experiment: (of) => of };
  let count = 0;
  const put = (event, given, place) => {
    const found = { event, session_id: session() };
    if (user) found.user_id = String(user);
    for (const name in FIELDS) if (given[name] != null) found[name] = FIELDS[name](given[name]);
    const product = found.product_id;
    if (!(product || found.experiment) || names("event.").length > 499) return tell("not kept: " + event);
    if (event === "view_item") {
      // The click on a card and the product's page that it opens are one view.
      const [at, id] = JSON.parse(read("viewed") || "[]");
      keep("viewed", JSON.stringify([Date.now(), product]));
      if (id === product && Date.now() - at < 3e4) return;
    }
    // The same order told again, by a page that is loaded again, is the same event.
    const order = `order/${found.order_id}/${place}/${product}`;
    found.event_id = event === "purchase" && found.order_id && order.length < 200 ? order : unique();
    keep("event." + found.event_id, JSON.stringify([Date.now(), count++, found]));
  };
  const track = safe((event, what) => {
    if (allowed === undefined) held.push([event, what]);
    if (!allowed) return;
    const given = Object(what) === what ? what : { product_id: what };
    const lines = given.items ? given.items.map((item) => ({ order_id: given.order_id, ...item })) : [given];
    lines.forEach((line, place) => put(event, line, place));
    later(event === "purchase" ? 0 : 800);
  });

  const waiting = () =>
    names("event.")
      .flatMap((name) => {
        try {
          return [[name, ...JSON.parse(read(name))]];
        } catch {
          drop(name);
          return [];
        }
      })
      .sort((a, b) => a[1] - b[1] || a[2] - b[2])
      .slice(0, most);
  let timer, sending, pause = 0, until = 0, most = 20;
  const later = (wait) => {
    clearTimeout(timer);
    timer = setTimeout(send, Math.max(wait, until - Date.now()));
  };
  const again = (seconds) => {
    pause = Math.min(2 * pause + 1, 300);
    until = Date.now() + Math.max(pause * (0.5 + Math.random()), seconds || 0) * 1e3;
    later(0);
  };
  const send = async (leaving) => {
    const batch = allowed ? waiting() : [];
    if (!batch.length || (sending && !leaving)) return;
    sending = true;
    // A fresh event has the server's time: the visitor's clock may be days off.
    const events = batch.map(([, at, , event]) => (Date.now() - at < 6e4 ? event : { ...event, at: new Date(at).toISOString() }));
    try {
      // sendBeacon cannot bring the key along; a fetch that outlives its page can.
      const response = await ask("v1/events", "", { events }, { keepalive: true });
      const status = response.status;
      if (status === 422 && batch.length > 1) {
        most = 1;
        later(0);
      } else if (response.ok || status === 422 || status === 400) {
        if (!response.ok) tell("refused: " + (await response.text()));
        batch.forEach(([name]) => drop(name));
        pause = 0;
        document.dispatchEvent(new CustomEvent("coterie-sent", { detail: events }));
        later(0);
      } else if (status === 429 || status > 499) again(+response.headers.get("Retry-After"));
      else tell("no key: " + status);
    } catch (error) {
      tell(error);
      again();
    }
    sending = false;
  };
  const leave = () => document.visibilityState === "hidden" && send(true);

  const WORDS = {
    en: {
      all: "Recommended for you", repeat: "Buy again", discover: "Something new for you", similar: "Similar products",
      "bought-together": "Often bought together", basket: "Goes with your basket", popular: "Popular right now",
    },
    zh: {
      all: "为您推荐", repeat: "再次购买", discover: "发现新品", similar: "相似商品",
      "bought-together": "经常一起购买", basket: "搭配您的购物车", popular: "当前热门",
    },
  };
  const address = (template, id) => {
    if (!template) return "";
    const url = new URL(template.replaceAll("{id}", encodeURIComponent(id)), document.baseURI);
    return /^https?:$/.test(url.protocol) ? url.href : "";
  };
  let build;
  const currency = () =>
    (build ||= ask("v1/build")
      .then((response) => response.json())
      .then((shop) => shop.currency, tell));
  const make = (tag, part, text = "") => {
    const made = document.createElement(tag);
    made.setAttribute("part", part);
    made.textContent = text;
    return made;
  };

  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`
    :host { display: block; container-type: inline-size; font: var(--coterie-font, inherit); color: var(--coterie-text, inherit); text-align: start }
    :host([data-none]) { display: none !important }
    * { box-sizing: border-box; margin: 0; padding: 0 }
    [part=heading] { font-size: 1.25em; line-height: 1.3; min-block-size: 1.3em; margin-block-end: .6em }
    [part=list] { list-style: none; display: grid; gap: var(--coterie-gap, 1em); padding: 3px; margin: -3px;
      grid-template-columns: repeat(auto-fill, minmax(var(--coterie-card-width, 10.5em), 1fr)) }
    li { display: grid }
    [part=card] { display: block; inline-size: 100%; font: inherit; color: inherit; text-align: start; text-decoration: none; overflow: hidden;
      padding: .9em; background: var(--coterie-card, transparent); border: 1px solid var(--coterie-line, color-mix(in srgb, currentColor 18%, transparent));
      border-radius: var(--coterie-radius, .6em) }
    a, button { cursor: pointer }
    :is(a, button):hover { border-color: var(--coterie-accent, currentColor); box-shadow: 0 2px 8px rgb(0 0 0 / .12) }
    :is(a, button):focus-visible { outline: 2px solid var(--coterie-accent, currentColor); outline-offset: 1px }
    [part=card] > * { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 1; overflow: hidden; overflow-wrap: anywhere;
      line-height: 1.4; block-size: 1.4em; unicode-bidi: plaintext; text-align: match-parent }
    [part=card] > [part=image] { display: block; inline-size: 100%; block-size: auto; aspect-ratio: 1; object-fit: contain; margin-block-end: .7em }
    [part=category], [part=reason] { font-size: .8em; color: var(--coterie-muted, color-mix(in srgb, currentColor 75%, transparent)) }
    [part=card] > [part=title] { -webkit-line-clamp: 2; block-size: 2.8em; margin-block: .2em .4em; font-weight: 600 }
    [part=card] > [part=reason] { -webkit-line-clamp: 3; block-size: 4.2em; margin-block-start: .5em }
    [aria-hidden] [part=card] > * { background: color-mix(in srgb, currentColor 10%, transparent); animation: wait 1.2s infinite alternate }
    @keyframes wait { to { opacity: .5 } }
    @container (max-width: 36em) {
      [part=list] { grid-auto-flow: column; grid-template-columns: none; grid-auto-columns: var(--coterie-card-width, 10.5em);
        overflow-x: auto; scroll-snap-type: x proximity; scroll-padding: 3px; scrollbar-width: thin; padding-block-end: 8px }
      li { scroll-snap-align: start }
    }
    @media (prefers-reduced-motion) { * { animation: none !important } }
  `);

  const near = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries)
      if (isIntersecting) {
        near.unobserve(target);
        target.refresh();
      }
  }, { rootMargin: "300px" });

  class Recommendations extends HTMLElement {
    static observedAttributes = ["mode", "user", "product", "basket", "k", "lang", "heading", "category", "exclude", "product-url", "image-url", "reasons", "currency"];
    #root = this.attachShadow({ mode: "open" });
    #turn = 0;
    #asked;
    #test;

    connectedCallback() {
      this.#root.adoptedStyleSheets = [sheet];
      this.#draw();
      near.observe(this);
    }

    disconnectedCallback() {
      near.unobserve(this);
      this.#turn++;
    }

    attributeChangedCallback(name, before, now) {
      if (this.#asked && before !== now) queueMicrotask(() => this.refresh(true));
    }

    // Asks again. What is shown stays until the answer is there; where there is none it stays too,
    // unless it answered another question.
    async refresh(other) {
      const turn = ++this.#turn;
      const first = !this.#asked;
      this.#asked = true;
      let answer;
      try {
        const [path, body] = this.#question();
        const money = this.#get("currency") || currency();
        const response = await ask(path, this.#get("key"), body, { signal: AbortSignal.timeout(8e3) });
        if (!response.ok) throw response.status;
        answer = await response.json();
        if (turn === this.#turn) this.#draw(answer, await money);
      } catch (error) {
        tell(error);
        if (turn === this.#turn && (first || other)) this.#none(true);
      }
    }

    #get(name) {
      return this.getAttribute(name);
    }

    get #mode() {
      return this.#get("mode") || "all";
    }

    get #lang() {
      return this.closest("[lang]")?.lang || navigator.language;
    }

    get #k() {
      return Math.min(Math.max(parseInt(this.#get("k")) || 6, 1), 50);
    }

    #none(yes) {
      this.toggleAttribute("data-none", yes);
    }

    #question() {
      const mode = this.#mode;
      const query = new URLSearchParams({ k: this.#k, lang: this.#lang });
      for (const name of ["category", "exclude"]) for (const id of this.#ids(name)) query.append(name, id);
      const product = this.#get("product");
      const who = allowed && (this.#get("user") || user);
      if (mode === "similar" || mode === "bought-together") {
        if (!product) throw "product";
        return [`v1/products/${encodeURIComponent(product)}/${mode}?${query}`];
      }
      if (mode === "basket") {
        if (!this.#ids("basket").length) throw "empty";
        return ["v1/basket/recommendations?" + query, { product_ids: this.#ids("basket"), k: this.#k }];
      }
      if (who) return [`v1/users/${encodeURIComponent(who)}/recommendations?mode=${encodeURIComponent(mode)}&${query}`];
      if (mode === "repeat") throw "nobody";
      return ["v1/session/recommendations?" + query, allowed ? { session_id: session() } : {}];
    }

    // Ids by comma, or as a list in JSON where they hold commas themselves.
    #ids(name) {
      const text = (this.#get(name) || "").trim();
      return text[0] === "[" ? JSON.parse(text) : text.split(",").map((id) => id.trim()).filter(Boolean);
    }

    // Without an answer, grey cards of the very size of those to come.
    #draw(answer, money) {
      const items = answer ? answer.items : Array(this.#k).fill({});
      this.#none(!items.length);
      const lang = /^zh/i.test(this.#lang) ? "zh" : "en";
      const own = this.#get("heading");
      const word = /^(pop|seg)/.test(answer?.source) ? "popular" : this.#mode;
      const section = make("section", "section");
      const heading = make("h2", "heading", own ?? WORDS[lang][word]);
      heading.id = "heading";
      if (!own) heading.lang = lang;
      const list = make("ul", "list");
      list.setAttribute("role", "list");
      if (answer) section.setAttribute("aria-labelledby", "heading");
      else section.setAttribute("aria-hidden", true);
      for (const item of items) list.append(this.#card(item, money, lang));
      section.append(heading, list);
      this.#root.replaceChildren(section);
      if (!answer || !items.length) return;
      const { source, build } = answer;
      this.#test = answer.experiment;
      if (this.#test) track("view_item_list", { experiment: this.#test });
      this.#say("coterie-shown", { mode: this.#mode, source, build, product_ids: items.map((item) => item.product.product_id) });
    }

    #card({ product, reasons, rules }, money, lang) {
      const place = document.createElement("li");
      const link = product && safe(address)(this.#get("product-url"), product.product_id);
      const card = make(product ? (link ? "a" : "button") : "div", "card");
      if (link) card.href = link;
      if (this.hasAttribute("image-url")) {
        const image = make(product ? "img" : "div", "image");
        const source = product && safe(address)(this.#get("image-url"), product.product_id);
        if (source) Object.assign(image, { alt: "", loading: "lazy", src: source });
        card.append(image);
      }
      const cost = product?.price != null && money && safe(() => new Intl.NumberFormat(this.#lang, { style: "currency", currency: money }).format(product.price))();
      card.append(make("span", "category", product?.category || ""), make("span", "title", product?.title), make("span", "price", cost || ""));
      if (this.hasAttribute("reasons")) {
        const why = make("span", "reason", (reasons || rules)?.[0]?.text);
        why.lang = lang;
        card.append(why);
      }
      if (product) card.onclick = card.onauxclick = (event) => this.#click(event, product);
      place.append(card);
      return place;
    }

    #click(event, product) {
      if (event.button > 1) return;
      track("view_item", { ...product, experiment: this.#test });
      if (!this.#say("coterie-click", { product, mode: this.#mode })) event.preventDefault();
    }

    #say(name, detail) {
      return this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true, cancelable: true }));
    }
  }

  const refresh = () => all().forEach((element) => element.refresh());
  const coterie = {
    track,
    refresh,
    identify(id) {
      if (user && !id) drop("session");
      user = id;
      refresh();
    },
    consent(given) {
      allowed = !!given;
      const before = held;
      held = [];
      if (allowed) before.forEach((one) => track(...one));
      else forget();
      refresh();
    },
    push: safe(([name, ...given]) => coterie[name](...given)),
  };
  const early = window.coterie;
  window.coterie = coterie;
  if (allowed === false) forget();
  customElements.define(NAME, Recommendations);
  if (Array.isArray(early)) early.forEach(coterie.push);
  addEventListener("pagehide", () => send(true));
  addEventListener("online", () => later(0));
  document.addEventListener("visibilitychange", leave);
  later(500);
})();
