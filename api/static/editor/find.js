// Shows what is found while somebody types; without it the form does the same.

import { about } from "./line.js";
import { whileTyping } from "./typing.js";

const form = document.querySelector("form.find");
const list = document.querySelector("#found");
const count = document.querySelector("#count");
const line = document.querySelector("#line");
const PAUSE_MS = 120;

whileTyping(form, PAUSE_MS, query => fetch(`${form.dataset.found}?${query}`), show);

async function show(answer, query) {
    if (!answer?.ok) {
        count.textContent = answer?.status === 401
            ? "You are not signed in any more: load the page again."
            : "The archive cannot be reached just now.";
        return;
    }
    const found = await answer.json();
    list.replaceChildren(...found.items.map(item));
    count.textContent = `${found.total.toLocaleString("en")} article${found.total === 1 ? "" : "s"}`;
    document.querySelector("#note").textContent = found.note;
    document.querySelector("#pages").replaceChildren(...(found.more ? [older(query)] : []));
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

function older(query) {
    const link = document.createElement("a");
    query.set("page", 2);
    link.href = `?${query}`;
    link.textContent = "Older";
    return link;
}
