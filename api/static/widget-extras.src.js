// Own cards and prefetching for <also-see>: see docs/WIDGET.md. `make widget` writes widget-extras.js from this file.
(() => {
  const nonce = document.currentScript?.nonce;
  const rules = new WeakMap();

  const textOf = value => Array.isArray(value) ? value.join(", ") : value == null ? "" : `${value}`;

  // The card as the box has made it: its link is checked, its date is written as in the page's region.
  const fill = (node, item, card) => {
    const name = node.dataset.field;
    const link = card.querySelector("a.title");
    if (name == "image") {
      const picture = /^https?:\/\//i.test(item.image?.url) && item.image;
      if (!picture) return node.remove();
      node.alt = picture.alt || "";
      node.src = picture.url;
      return;
    }
    if (node.localName == "a" && link) node.href = link.href;
    if (node.localName == "time" && item.published_at) node.dateTime = item.published_at;
    if (name == "url") return;
    const text = name == "date" ? card.querySelector(".date")?.textContent : textOf(item[name]);
    if (text) node.textContent = text;
    else node.remove();
  };

  const useTemplate = (box, template, items) => {
    const cards = box.shadowRoot.querySelectorAll(".card");
    items.forEach((item, i) => {
      const own = document.importNode(template.content, true);
      own.querySelectorAll("[data-field]").forEach(node => fill(node, item, cards[i]));
      cards[i].replaceChildren(own);
    });
  };

  // What a reader's pointer rests on is fetched before the click, where the browser knows how.
  const prefetch = box => {
    const urls = [...box.shadowRoot.querySelectorAll("a[href]")].map(link => link.href);
    const script = document.createElement("script");
    script.type = "speculationrules";
    script.nonce = nonce;
    try {
      script.textContent = JSON.stringify({ prefetch: [{ urls: [...new Set(urls)], eagerness: "moderate" }] });
    } catch {
      return; // the page requires trusted types
    }
    rules.get(box)?.remove();
    rules.set(box, script);
    document.head.append(script);
  };

  const extend = (box, { items }) => {
    const template = box.querySelector("template[slot=card]");
    if (template) useTemplate(box, template, items);
    if (box.hasAttribute("prefetch") && HTMLScriptElement.supports?.("speculationrules")) prefetch(box);
  };

  addEventListener("also-see:load", event => extend(event.composedPath()[0], event.detail));
  // Boxes that were there before this script.
  for (const box of document.querySelectorAll("also-see")) if (box.answer) extend(box, box.answer);
})();
