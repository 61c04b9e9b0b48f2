// Shows the list while an editor types; without this script the button does the same.

import { about } from "./line.js";
import { whileTyping } from "./typing.js";

const form = document.querySelector("#draft");
const list = document.querySelector("#list");
const warnings = document.querySelector("#duplicates");
const line = document.querySelector("#line");
const copy = document.querySelector("#copy");
const PAUSE_MS = 500;
const ERRORS = {
    401: "You are not signed in any more. Your text is still here; the button signs you in and keeps it.",
    403: "You signed in again meanwhile. Your text is still here; the button sends it again.",
    413: "The text is too long.",
    503: "The archive is not available just now. Your text is still here.",
};

whileTyping(form, PAUSE_MS, body => fetch(form.dataset.json, { method: "POST", body }), show);

async function show(response) {
    if (!response?.ok) {
        warnings.replaceChildren(warning(ERRORS[response?.status] ?? ERRORS[503]));
        return;
    }
    const { items, duplicates, problems } = await response.json();
    const shown = form.elements.body.value ? problems : []; // not while the text is still empty
    const texts = shown.map(problem => warning(`${problem.pointer.slice(1)}: ${problem.detail}`));
    warnings.replaceChildren(...texts, ...duplicates.map(duplicateWarning));
    list.replaceChildren(...items.map(item));
}

function item(article) {
    const row = line.content.cloneNode(true).firstElementChild;
    link(row.querySelector("a"), article);
    row.querySelector("span").replaceChildren(...about(article));
    row.querySelector("p").textContent = article.reason.text;
    return row;
}

function duplicateWarning(duplicate) {
    const paragraph = warning(`${duplicate.message} `);
    paragraph.append(link(document.createElement("a"), duplicate));
    return paragraph;
}

function warning(text) {
    const paragraph = document.createElement("p");
    paragraph.className = "message bad";
    paragraph.textContent = text;
    return paragraph;
}

function link(anchor, article) {
    anchor.textContent = article.title || article.id;
    anchor.href = `${form.dataset.article}?${new URLSearchParams({ id: article.id })}`;
    anchor.dir = "auto";
    return anchor;
}

if (copy) {
    copy.hidden = false;
    copy.addEventListener("click", async () => {
        await navigator.clipboard.writeText(document.querySelector("#html").value);
        copy.textContent = "Copied";
    });
}
