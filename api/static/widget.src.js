// <also-see>: see docs/WIDGET.md. `make widget` writes widget.js from this file, by esbuild.
(() => {
  if (customElements.get("also-see")) return;
  const SERVICE = document.currentScript?.src.replace(/(widget\/\w+\/)?widget\.js.*/, "");
  // The parameters of a list; api/lists/document.py names them.
  const PARAMETERS = ("offset section tag author languages exclude published-after published-before"
    + " surface max-age mode half-life diversity story max-per-section max-per-author max-per-source min-score"
    + " sort fallback").split(" ");
  const ATTRIBUTES = "site article url list layout limit heading heading-level hosts events service"
    .split(" ").concat(PARAMETERS);
  const ENGLISH = { language: "en", locale: "en-GB", heading: "Also See", more: "Read More" };
  // The words of pages in other languages come from the service: language → words, or a promise of them.
  const WORDS = { en: ENGLISH, "en-GB": ENGLISH, "en-US": { ...ENGLISH, locale: "en-US" } };
  const TIMEOUT_MS = 2000;
  // A page token has eight characters an article, and the service takes 400 articles.
  const MAX_TOKEN = 3200;
  const sheet = new CSSStyleSheet();
  // Empty cards are as high as full ones, so that nothing moves when a list arrives.
  sheet.replaceSync(`
  :host([hidden]) { display: none !important; }
  :host { display: block; --accent: var(--also-see-accent, light-dark(#0b5c66, #6cc7d2)); }
  * { margin: 0; line-height: 1.4; }
  .heading { margin-bottom: 1em; border-bottom: 2px solid var(--accent); padding-bottom: .4em; font-size: 1.05em; }
  .list { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, var(--also-see-column, 17em)), 1fr)); gap: var(--also-see-gap, 1.2em); padding: 0; list-style: none; }
  .card { display: flex; gap: .9em; position: relative; height: 9.2em; }
  .text { flex: 1; min-width: 0; overflow-wrap: anywhere; }
  .picture { width: 6.5em; aspect-ratio: 3 / 2; align-self: start; border-radius: 4px; background: #8883; object-fit: cover; object-position: 50% 20%; }
  .title, .excerpt { unicode-bidi: plaintext; display: -webkit-box; overflow: hidden; -webkit-box-orient: vertical; -webkit-line-clamp: var(--lines, 3); }
  .title { color: inherit; font-weight: 600; text-decoration: none; }
  .title:hover { text-decoration: underline; }
  .title[href]::after { position: absolute; inset: 0; content: ""; }
  .date { font-size: .8em; opacity: .8; }
  .excerpt { --lines: 2; font-size: .9em; }
  .more { color: var(--accent); font-size: .9em; }
  :host([layout=list]) .card { --lines: 2; height: 4em; }
  :host([layout=grid]) { --also-see-column: 13em; }
  :host([layout=grid]) .card { display: grid; grid-template: auto 5.4em / 100%; gap: .5em; height: auto; }
  :host([layout=grid]) .plain .card { grid-template: 5.4em / 100%; }
  :host([layout=grid]) .picture { width: 100%; aspect-ratio: 16 / 9; }
  :host([layout=grid]) .list:not(.plain) .card:not(:has(img))::before { aspect-ratio: 16 / 9; background: #8883; content: ""; }
  :host([layout=inline]) .box { display: flex; gap: .4em; }
  :host([layout=inline]) .heading { margin: 0; border: 0; padding: 0; font-size: 1em; }
  :host([layout=inline]) .heading::after { content: ":"; }
  :host([layout=inline]) .list { flex: 1; --also-see-column: 100%; --also-see-gap: 0; }
  :host([layout=inline]) .card { --lines: 1; height: 1.4em; }
  :host([layout=inline]) .title { color: var(--accent); }
  @media (max-width: 40em) { :host([layout=inline]) .card { --lines: 2; height: 2.8em; } }
  @media (forced-colors: active) { a { color: LinkText !important; } }
  @media print {
    .card { height: auto !important; }
    .picture, .more { display: none; }
  }`);

  // The boxes of the page, in the order in which they came.
  const boxes = new Set();

  const setLanguage = (node, language) => {
    node.lang = language;
    node.dir = /^(ar|ckb|dv|fa|he|ps|sd|ug|ur|yi)\b/.test(language) ? "rtl" : "ltr";
  };
  const make = (tag, name, text, language) => {
    const node = document.createElement(tag);
    node.className = node.part = name;
    node.textContent = text;
    if (language) setLanguage(node, language);
    return node;
  };
  const safe = (address, hosts = []) => {
    const url = /^https?:\/\/[^\/\\]/i.test(address) && URL.canParse(address) && new URL(address);
    // As the browser writes hosts: small letters, international ones in ASCII.
    const written = host => URL.canParse(host) && new URL(host).host.replace(/^www\./, "");
    const isOwn = host => written(`${url.protocol}//${host}`) === written(address);
    return url && (!hosts[0] || hosts.some(isOwn)) && url.href;
  };
  const whenSeen = (node, options, ms, call) => {
    let timer;
    new IntersectionObserver(([entry], observer) => {
      clearTimeout(timer);
      if (entry.isIntersecting) timer = setTimeout(() => call(observer.disconnect()), ms);
    }, options).observe(node);
  };
  // A shadow root has the language of what is around it.
  const languageOf = node => node ? node.closest("[lang]")?.lang || languageOf(node.getRootNode().host) : "en";
  // The page's address. A fragment counts where an application keeps its routes in it.
  const pageAddress = () => {
    const page = document.querySelector("link[rel=canonical]") || location;
    return page.href.replace(/#(?![!/]).*/, "");
  };
  const refreshAll = () => boxes.forEach(box => box.refresh());

  class AlsoSee extends HTMLElement {
    static observedAttributes = ATTRIBUTES;

    #key; // all that the list and its looks depend on
    #page; // the address by which the service finds the article, where there is no id
    #language;
    #words;
    #layout;
    #limit;
    #box;
    #list;
    #token; // the page token's part for this list
    #loading; // the promise of the list
    #recommendation;
    #counter; // the address that counts the list's events
    #events = [];

    connectedCallback() {
      boxes.add(this);
      // Properties that were set before the script was there.
      for (const [name, value] of Object.entries(this)) {
        if (name in AlsoSee.prototype && delete this[name]) this[name] = value;
      }
      this.refresh();
    }

    attributeChangedCallback() {
      this.refresh();
    }

    disconnectedCallback() {
      this.#send();
      boxes.delete(this);
      if (!this.#loading) this.#key = "";
    }

    // Makes another list if anything has changed that the present one depends on.
    async refresh() {
      await 0; // until all attributes are set
      if (!this.isConnected) return;
      this.#page = this.#get("article") || this.#get("list") ? "" : this.#get("url", pageAddress());
      this.#language = languageOf(this);
      const key = [this.#page, this.#language, ...ATTRIBUTES.map(name => this.getAttribute(name))].join("\n");
      if (key == this.#key) return;
      this.#key = key;
      this.#loading = this.#token = "";
      this.#reserve();
      whenSeen(this, { rootMargin: "600px" }, 0, async () => {
        // One after another: each leaves out what others show.
        for (const box of boxes) {
          await (box.#loading ||= box.#load(box.#key));
          if (box == this) return;
        }
      });
    }

    // Takes the room of a list. Old cards stay until the new ones are there, so that nothing flickers.
    #reserve() {
      const layout = this.#get("layout", "sidebar");
      this.#limit = this.#get("limit", { grid: 4, inline: 1 }[layout] || 5);
      if (this.#get("hidden") == "empty") this.hidden = false;
      if (layout != this.#layout) {
        this.#layout = layout;
        this.#box = make("aside", "box");
        this.#list = make("ol", "list");
        this.#list.ariaHidden = true;
        this.#box.append(this.#list);
        const root = this.shadowRoot || this.attachShadow({ mode: "open" });
        root.adoptedStyleSheets = [sheet];
        root.replaceChildren(this.#box);
      }
      while (this.#list.children.length < this.#limit) this.#list.append(make("li", "card"));
      const language = this.#language;
      WORDS[language] ??= this.#fetch(`widget/words/${encodeURIComponent(language)}.json`)
        .catch(() => ENGLISH).then(words => WORDS[language] = words);
      this.#label(WORDS[language]);
    }

    // A promise has no heading yet, but the heading has its room.
    #label({ heading = "\xa0", language = "en" }) {
      const text = this.getAttribute("heading") ?? heading;
      const level = this.#layout == "inline" ? "b" : "h" + this.#get("heading-level", 2);
      const number = [...boxes].indexOf(this);
      setLanguage(this.#box, language);
      this.#box.ariaLabel = text + (number > 0 ? ` ${number + 1}` : "");
      this.#box.querySelector(".heading")?.remove();
      if (text) this.#box.prepend(make(level, "heading", text));
    }

    async #load(key) {
      const others = [...boxes].map(box => box != this && box.#token || "").join("").slice(-MAX_TOKEN);
      let answer, cards;
      try {
        [answer, this.#words] = await Promise.all([this.#fetch(this.#question(others)), WORDS[this.#language]]);
        cards = answer.items.map((item, i) => this.#card(item, i + 1, answer.items));
      } catch (error) {
        if (key == this.#key) this.#hide("error", { error });
        return;
      }
      if (key != this.#key) return;
      if (!cards[0]) return this.#hide("empty", answer);
      this.#send();
      this.#recommendation = answer.recommendation_id;
      this.#counter = this.#site("events");
      this.#token = `${answer.page_token || ""}`.replace(others, "");
      const height = this.#box.offsetHeight;
      this.#label(this.#words);
      this.#list.classList.toggle("plain", !cards.some(card => card.querySelector("img")));
      this.#list.replaceChildren(...cards);
      this.#list.ariaHidden = null;
      // In view, a short list keeps the height of a full one.
      if (this.#box.offsetHeight < height && this.getBoundingClientRect().top < innerHeight) {
        this.#box.style.minHeight = height + "px";
      }
      this.#tell("load", this.answer = answer);
    }

    // The element stays where it is: it may be a framework's.
    #hide(event, detail) {
      this.#send();
      this.answer = null;
      this.#layout = "";
      this.shadowRoot.replaceChildren();
      this.setAttribute("hidden", "empty");
      this.#tell(event, detail);
    }

    #question(others) {
      const article = encodeURIComponent(this.#get("article"));
      const url = this.#site(this.#get("list", article ? `articles/${article}/related` : "related"));
      const add = (name, value) => value && url.searchParams.append(name, value);
      add("url", this.#page);
      add("limit", this.#limit);
      for (const name of PARAMETERS) {
        const parameter = name.replace("languages", "lang").replaceAll("-", "_");
        this.#values(name).forEach(value => add(parameter, value));
      }
      add("page_token", others);
      return url;
    }

    #card(item, position, items) {
      const { id, title, url, excerpt, image, published_at, language } = item;
      const card = make("li", "card", "", language);
      const text = make("div", "text");
      const href = safe(url, this.#values("hosts"));
      const link = make(href ? "a" : "span", "title", title);
      // Midnight is a day without a time.
      const date = new Date(`${published_at}`.replace("T00:00:00Z", "T00:00"));
      if (href) link.href = href;
      text.append(link);
      if (this.#layout != "inline" && date > 0) {
        const day = date.toLocaleDateString(this.#words.locale, { dateStyle: "long" });
        text.append(make("time", "date", day, this.#words.language));
      }
      if (this.#layout == "sidebar") {
        text.append(make("p", "excerpt", excerpt));
        const more = make("span", "more", this.#words.more + " »");
        more.ariaHidden = true;
        if (href) text.append(more);
      }
      const src = !/list|inline/.test(this.#layout) && safe(image?.url);
      if (src) {
        const picture = make("img", "picture");
        picture.onerror = picture.remove;
        picture.loading = "lazy";
        picture.alt = image.alt || "";
        picture.src = src;
        card.append(picture);
      }
      card.append(text);
      const counts = navigator.doNotTrack != 1 && !navigator.globalPrivacyControl && this.#get("events") != "off";
      const count = type => counts && this.#events.push({ type, article: id, position });
      whenSeen(card, { threshold: .5 }, 1000, () => count("impression"));
      card.onclick = card.onauxclick = event => {
        if (event.button > 1 || !event.target.closest("a")) return;
        count("click");
        if (!this.#tell("click", { item, position, items, event })) event.preventDefault();
      };
      return card;
    }

    #send() {
      const events = this.#events.splice(0);
      const body = JSON.stringify({ recommendation_id: this.#recommendation, events });
      if (events[0]) navigator.sendBeacon(this.#counter, body);
    }

    // Returns false where a listener has prevented what comes next.
    #tell(event, detail) {
      const options = { detail, bubbles: true, composed: true, cancelable: event == "click" };
      return this.dispatchEvent(new CustomEvent("also-see:" + event, options));
    }

    async #fetch(address) {
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      const response = await fetch(this.#address(address), { credentials: "omit", signal });
      if (!response.ok) throw new Error(`HTTP status ${response.status}`);
      return response.json();
    }

    #get(name, otherwise = "") {
      return this.getAttribute(name) || otherwise;
    }

    #values(name) {
      return this.#get(name).split(/\s*,\s*/);
    }

    #address(path) {
      return new URL(path, this.#get("service", SERVICE));
    }

    #site(path) {
      return this.#address(`v1/${this.#get("site", "main")}/${path}`);
    }

    static {
      document.addEventListener("visibilitychange", () => document.hidden && boxes.forEach(box => box.#send()));
    }
  }

  for (const name of ATTRIBUTES) {
    Object.defineProperty(AlsoSee.prototype, name.replace(/-./g, ([, letter]) => letter.toUpperCase()), {
      get() { return this.getAttribute(name); },
      set(value) { value == null ? this.removeAttribute(name) : this.setAttribute(name, value); },
    });
  }
  customElements.define("also-see", AlsoSee);
  // Applications change pages without loading one: the address changes, or what the head says.
  globalThis.navigation?.addEventListener("currententrychange", refreshAll);
  new MutationObserver(refreshAll).observe(document.head, { subtree: true, childList: true, attributes: true });
})();
