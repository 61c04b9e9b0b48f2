// <also-see>: see docs/WIDGET.md
(() => {
  if (customElements.get("also-see")) return;
  const SERVICE = document.currentScript?.src.replace(/(widget\/\w+\/)?widget\.js.*/, "");
  const PARAMETERS = ("offset section tag author languages exclude published-after published-before"
    + " surface max-age mode half-life diversity story max-per-section max-per-author max-per-source min-score"
    + " sort fallback").split(" ");
  const WORDS = {
    ar: "اقرأ أيضًا|اقرأ",
    fa: "همچنین بخوانید|بخوانید",
    ur: "یہ بھی پڑھیں|پڑھیں",
    he: "קראו גם|קראו",
    hi: "यह भी पढ़ें|पढ़ें",
    bn: "আরও পড়ুন|পড়ুন",
    ja: "こちらも読む|続きを読む",
    zh: "延伸阅读|阅读",
    "zh-hant": "延伸閱讀|閱讀",
    ko: "함께 읽기|읽기",
    ru: "Читайте также|Читать",
    uk: "Читайте також|Читати",
    pl: "Czytaj także|Czytaj",
    tr: "Bunu da oku|Oku",
    de: "Lesen Sie auch|Lesen",
    nl: "Lees ook|Lees meer",
    en: "Also See|Read More",
    fr: "Lire aussi|Lire",
    es: "Leer también|Leer más",
    pt: "Leia também|Leia mais",
    it: "Leggi anche|Leggi",
  };
  const sheet = new CSSStyleSheet();
  // Empty cards are as high as full ones.
  sheet.replaceSync(`
  :host { display: block; --accent: var(--also-see-accent, light-dark(#0b5c66, #6cc7d2)); }
  * { margin: 0; line-height: 1.4; }
  .heading { margin-bottom: 1em; border-bottom: 2px solid var(--accent); padding-bottom: .4em; font-size: 1.05em; }
  .list { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, var(--also-see-column, 17em)), 1fr)); gap: var(--also-see-gap, 1.2em); padding: 0; list-style: none; }
  .card { display: flex; gap: .9em; position: relative; height: 9.2em; }
  .text { flex: 1; min-width: 0; overflow-wrap: anywhere; }
  .picture { width: 6.5em; aspect-ratio: 3 / 2; align-self: start; border-radius: 4px; background: #8883; object-fit: cover; }
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
  :host([layout=grid]) .picture { width: 100%; aspect-ratio: 16 / 9; }
  :host([layout=grid]) .card:not(:has(img))::before { aspect-ratio: 16 / 9; background: #8883; content: ""; }
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

  const boxes = new Set();
  let pageToken, shown = [], number = 0;

  const make = (tag, name, text, language) => {
    const node = document.createElement(tag);
    node.className = node.part = name;
    node.textContent = text;
    if (language) {
      node.lang = language;
      node.dir = /^(ar|ckb|dv|fa|he|ps|sd|ug|ur|yi)\b/.test(language) ? "rtl" : "ltr";
    }
    return node;
  };
  const safe = (address, hosts = []) => {
    const url = /^https?:\/\/[^\/\\]/i.test(address) && URL.canParse(address) && new URL(address);
    return url && (!hosts[0] || hosts.includes(url.host.replace(/^www\./, ""))) && url.href;
  };
  const whenSeen = (node, options, ms, call) => {
    let timer;
    new IntersectionObserver(([entry], observer) => {
      clearTimeout(timer);
      if (entry.isIntersecting) timer = setTimeout(() => call(observer.disconnect()), ms);
    }, options).observe(node);
  };

  customElements.define("also-see", class extends HTMLElement {
    events = [];

    get(name, otherwise = "") {
      return this.getAttribute(name) || otherwise;
    }

    values(name) {
      return this.get(name).split(/\s*,\s*/).filter(Boolean);
    }

    address(path) {
      return new URL(`v1/${this.get("site", "main")}/${path}`, this.get("service", SERVICE));
    }

    connectedCallback() {
      boxes.add(this);
      if (this.list) return;
      this.reserve();
      whenSeen(this, { rootMargin: "600px" }, 0, async () => {
        // Each leaves out what others show.
        for (const box of boxes) {
          await (box.loaded ||= box.load().catch(() => box.remove()));
          if (box == this) return;
        }
      });
    }

    disconnectedCallback() {
      this.flush();
      boxes.delete(this);
      if (!boxes.size) [pageToken, shown] = ["", []];
    }

    reserve() {
      const tag = this.closest("[lang]")?.lang || "";
      const language = /^zh-(hant|tw|hk|mo)\b/i.test(tag) ? "zh-hant" : tag.slice(0, 2);
      this.language = WORDS[language] ? language : "en";
      this.words = WORDS[this.language].split("|");
      this.layout = this.get("layout", "sidebar");
      this.limit = this.get("limit", { grid: 4, inline: 1 }[this.layout] || 5);
      const heading = this.getAttribute("heading") ?? this.words[0];
      const level = this.layout == "inline" ? "b" : "h" + this.get("heading-level", 2);
      const box = make("aside", "box", "", this.language);
      if (heading) box.append(make(level, "heading", heading));
      box.ariaLabel = heading + (number++ ? " " + number : "");
      box.append(this.list = make("ol", "list"));
      this.list.ariaHidden = true;
      for (let i = 0; i < this.limit; i++) this.list.append(make("li", "card"));
      const root = this.attachShadow({ mode: "open" });
      root.adoptedStyleSheets = [sheet];
      root.append(box);
    }

    question() {
      const article = encodeURIComponent(this.get("article"));
      const path = this.get("list", article ? `articles/${article}/related` : "related");
      const url = this.address(path);
      const ask = (name, value) => url.searchParams.append(name, value);
      const page = document.querySelector("link[rel=canonical]") || location;
      if (path == "related") ask("url", this.get("url", page.href));
      ask("limit", this.limit);
      for (const name of PARAMETERS) {
        const parameter = name.replace("languages", "lang").replaceAll("-", "_");
        this.values(name).forEach(value => ask(parameter, value));
      }
      if (pageToken) ask("page_token", pageToken);
      else shown.forEach(id => ask("exclude", id));
      return url;
    }

    async load() {
      const signal = AbortSignal.timeout(2000);
      const answer = await (await fetch(this.question(), { credentials: "omit", signal })).json();
      const cards = answer.items.map((item, i) => this.card(item, i + 1));
      if (!cards[0]) this.remove();
      this.recommendation_id = answer.recommendation_id;
      pageToken = answer.page_token;
      if (!cards[this.limit - 1] && this.getBoundingClientRect().top < innerHeight) this.style.minHeight = this.offsetHeight + "px";
      this.list.replaceChildren(...cards);
      this.list.ariaHidden = null;
    }

    card({ id, title, url, excerpt, image, published_at, language }, position) {
      shown.push(`${id}`);
      const card = make("li", "card", "", language);
      const text = make("div", "text");
      const href = safe(url, this.values("hosts"));
      const link = make(href ? "a" : "span", "title", title);
      // Midnight is a day without a time.
      const date = new Date(`${published_at}`.replace("T00:00:00Z", "T00:00"));
      if (href) link.href = href;
      text.append(link);
      if (this.layout != "inline" && date > 0) {
        const day = date.toLocaleDateString(this.language.replace("en", "en-GB"), { dateStyle: "long" });
        text.append(make("time", "date", day, this.language));
      }
      if (this.layout == "sidebar") {
        text.append(make("p", "excerpt", excerpt));
        const more = make("span", "more", this.words[1] + " »");
        more.ariaHidden = true;
        if (href) text.append(more);
      }
      const src = !/list|inline/.test(this.layout) && safe(image?.url);
      if (src) {
        const picture = make("img", "picture");
        picture.onerror = picture.remove;
        picture.loading = "lazy";
        picture.alt = image.alt || "";
        picture.src = src;
        card.append(picture);
      }
      card.append(text);
      if (navigator.doNotTrack != 1 && !navigator.globalPrivacyControl && this.get("events") != "off") {
        const tell = type => this.events.push({ type, article: id, position });
        whenSeen(card, { threshold: .5 }, 1000, () => tell("impression"));
        link.onclick = link.onauxclick = ({ button }) => button < 2 && tell("click");
      }
      return card;
    }

    flush() {
      const { recommendation_id, events } = this;
      const batch = JSON.stringify({ recommendation_id, events });
      if (events.splice(0)[0]) navigator.sendBeacon(this.address("events"), batch);
    }
  });
  document.addEventListener("visibilitychange", () => document.hidden && boxes.forEach(box => box.flush()));
})();
