// Shows the list while somebody writes; without it the button does the same.

import { about } from "./line.js";
import { whileTyping } from "./typing.js";

const form = document.querySelector("#draft");
const list = document.querySelector("#list");
const warnings = document.querySelector("#duplicates");
const line = document.querySelector("#line");
const copy = document.querySelector("#copy");
const PAUSE_MS = 500;
const REFUSED = {
    401: "You are not signed in any more. Your text is still here: the button lets you sign in, and keeps it.",
    403: "You signed in anew meanwhile. Your text is still here: the button sends it once more.",
    413: "The text is too long to be looked at.",
    503: "The archive cannot be reached just now. Your text is still here.",
};

whileTyping(form, PAUSE_MS, body => fetch(form.dataset.typed, { method: "POST", body }), show);

async function show(answer) {
    if (!answer?.ok) {
        warnings.replaceChildren(warning(REFUSED[answer?.status] ?? REFUSED[503]));
        return;
    }
    const made = await answer.json();
    const problems = form.elements.body.value ? made.problems : []; // not while it is begun
    const complaints = problems.map(one => warning(`${one.pointer.slice(1)}: ${one.detail}`));
    warnings.replaceChildren(...complaints, ...made.duplicates.map(told));
    list.replaceChildren(...made.items.map(item));
}

function item(article) {
    const row = line.content.cloneNode(true).firstElementChild;
    link(row.querySelector("a"), article);
    row.querySelector("span").replaceChildren(...about(article));
    row.querySelector("p").textContent = article.reason.text;
    return row;
}

function told(duplicate) {
    const shown = warning(`${duplicate.message} `);
    shown.append(link(document.createElement("a"), duplicate));
    return shown;
}

function warning(text) {
    const shown = document.createElement("p");
    shown.className = "said bad";
    shown.textContent = text;
    return shown;
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
