// Pins a candidate that is dragged to another place, shows the box in another layout, and sends
// decisions, without loading the page again. Without this script, forms and buttons do the same.

const SAVE_MS = 10_000;

let dragged = null;

const candidate = event => event.target.closest?.(".candidate");
const list = () => document.querySelector("#candidates");

document.addEventListener("dragstart", event => {
    dragged = document.querySelector("#order") && candidate(event);
    if (!dragged) return;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", dragged.dataset.id);
});
document.addEventListener("dragover", event => {
    const target = candidate(event);
    mark(dragged && target);
    if (dragged && target) event.preventDefault();
});
document.addEventListener("dragend", () => {
    mark(null);
    dragged = null;
});
document.addEventListener("drop", event => {
    const target = candidate(event);
    if (!dragged || !target) return;
    event.preventDefault();
    if (target !== dragged) pin(dragged.dataset.id, place(target));
});

function mark(row) {
    for (const other of list()?.children ?? []) other.classList.toggle("over", other === row);
}

function place(row) {
    return [...list().children].indexOf(row) + 1;
}

function pin(id, number) {
    const field = document.createElement("input");
    field.type = "hidden";
    field.name = `place.${number}`;
    field.value = id;
    const order = document.querySelector("#order");
    order.append(field);
    order.requestSubmit();
}

document.addEventListener("change", event => {
    const view = event.target.closest("form.view");
    if (!view) return;
    const frame = document.querySelector("iframe");
    const address = new URL(frame.src);
    for (const [name, value] of new FormData(view)) address.searchParams.set(name, value);
    frame.src = address;
    frame.parentElement.className = `frame ${address.searchParams.get("width")}`;
});

document.addEventListener("submit", event => {
    const form = event.target;
    if (form.method !== "post" || !form.closest("#main")) return;
    event.preventDefault();
    send(form, event.submitter);
});

function send(form, button) {
    const main = document.querySelector("#main");
    if (main.ariaBusy === "true") return;
    main.ariaBusy = "true";
    // Not `fetch`: only this gives a document without a parser that the page's policy forbids.
    const request = new XMLHttpRequest();
    request.open("POST", form.action);
    request.responseType = "document";
    request.timeout = SAVE_MS;
    request.onload = () => show(request);
    request.onerror = request.ontimeout = fail;
    request.send(new URLSearchParams(new FormData(form, button)));
}

function show(request) {
    const next = request.response?.querySelector("#main");
    const isDesk = request.response?.querySelector("form.who");
    if (request.status === 401) return location.reload(); // signed out meanwhile
    if (!next || !isDesk) return fail(); // the page of a proxy
    const focused = pathTo(document.activeElement);
    const top = topOfList();
    document.querySelector("#main").replaceWith(document.adoptNode(next));
    next.querySelector(".message details")?.removeAttribute("open"); // it would cover the list
    prepare();
    document.querySelector(focused)?.focus({ preventScroll: true });
    scrollBy(0, topOfList() - top); // the note above the list has another height
    const note = next.querySelector(".message");
    announce(note?.querySelector("strong, p").textContent ?? "");
    if (!next.querySelector("#candidates")) scrollTo(0, 0); // a conflict, or an error
}

function fail() {
    const main = document.querySelector("#main");
    main.ariaBusy = "false";
    main.querySelector(".failure")?.remove();
    const failure = document.createElement("p");
    failure.className = "card message bad failure";
    // The answer may have been lost on its way back.
    failure.textContent = "The service did not answer: this may not be saved. Load the page again to see.";
    main.prepend(failure);
    announce(failure.textContent);
}

// A selector of the same control on the next page: by its article and its name.
function pathTo(node) {
    const row = node?.closest(".candidate");
    if (!row || !node.name) return "#main";
    const value = node.localName === "button" ? `[value="${CSS.escape(node.value)}"]` : "";
    return `.candidate[data-id="${CSS.escape(row.dataset.id)}"] [name="${node.name}"]${value}`;
}

function topOfList() {
    return list()?.getBoundingClientRect().top ?? 0;
}

// A region that stays, because screen readers do not read one that comes with its text.
function announce(text) {
    document.querySelector("#announcement").textContent = text;
}

function prepare() {
    const button = document.querySelector("form.view button");
    if (button) button.hidden = true;
}

const announcement = document.createElement("p");
announcement.id = "announcement";
announcement.className = "hidden";
announcement.role = "status";
document.body.append(announcement);
prepare();
