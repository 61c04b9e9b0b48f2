// Pins a candidate that is dragged to another place, and shows the box in another layout without
// loading the page again. Without this script, and by keyboard, a number and a button do the same.

const candidates = document.querySelector("#candidates");
const order = document.querySelector("#order");
const frame = document.querySelector("iframe");
const view = document.querySelector("form.view");

let dragged = null;

if (order) {
    candidates.addEventListener("dragstart", event => {
        dragged = event.target.closest(".candidate");
        event.dataTransfer.effectAllowed = "move";
        event.dataTransfer.setData("text/plain", dragged.dataset.id);
    });
    candidates.addEventListener("dragover", event => {
        if (!dragged) return;
        event.preventDefault();
        mark(event.target.closest(".candidate"));
    });
    candidates.addEventListener("dragleave", event => {
        if (!candidates.contains(event.relatedTarget)) mark(null);
    });
    candidates.addEventListener("dragend", () => {
        mark(null);
        dragged = null;
    });
    candidates.addEventListener("drop", event => {
        event.preventDefault();
        const target = event.target.closest(".candidate");
        if (dragged && target && target !== dragged) pin(dragged.dataset.id, place(target));
    });
}

function mark(row) {
    for (const other of candidates.children) other.classList.toggle("over", other === row);
}

function place(row) {
    return [...candidates.children].indexOf(row) + 1;
}

function pin(id, number) {
    const field = document.createElement("input");
    field.type = "hidden";
    field.name = `place.${number}`;
    field.value = id;
    order.append(field);
    order.submit();
}

view.addEventListener("change", () => {
    const address = new URL(frame.src);
    for (const [name, value] of new FormData(view)) address.searchParams.set(name, value);
    frame.src = address;
    frame.parentElement.className = `frame ${address.searchParams.get("width")}`;
});
view.querySelector("button").hidden = true;
