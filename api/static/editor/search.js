// Shows results while an editor types; without this script the form does the same.

import { about } from "./line.js";
import { whileTyping } from "./typing.js";

const form = document.querySelector("form.search");
const list = document.querySelector("#results");
const count = document.querySelector("#count");
const line = document.querySelector("#line");
const PAUSE_MS = 120;

whileTyping(form, PAUSE_MS, query => fetch(`${form.dataset.json}?${query}`), show);

async function show(response, query) {
    if (!response?.ok) {
        count.textContent = response?.status === 401
            ? "You are not signed in any more. Reload the page."
            : "The archive is not available just now.";
        return;
    }
    const { items, total, note, more } = await response.json();
    list.replaceChildren(...items.map(item));
    count.textContent = `${total.toLocaleString("en")} article${total === 1 ? "" : "s"}`;
    document.querySelector("#note").textContent = note;
    document.querySelector("#pages").replaceChildren(...(more ? [nextPage(query)] : []));
    history.replaceState(null, "", `?${query}`);
}

function item(article) {
    const row = line.content.cloneNode(true).firstElementChild;
    const title = row.querySelector("a");
    title.textContent = article.title || article.id;
    title.href = `${form.dataset.article}?${new URLSearchParams({ id: article.id })}`;
    row.querySelector("span").replaceChildren(...about(article));
    for (const mark of article.marks) {
        const tag = document.createElement("span");
        tag.className = "tag";
        tag.textContent = mark;
        row.append(" ", tag);
    }
    return row;
}

function nextPage(query) {
    const link = document.createElement("a");
    query.set("page", 2);
    link.href = `?${query}`;
    link.textContent = "Older";
    return link;
}
