// Shows the progress of a survey, and reloads the page when the survey has ended. Without this
// script there is a link to reload.

const MAX_PAUSE_MS = 2000;
const element = document.querySelector("#surveying");
const text = element.querySelector("span");
const bar = element.querySelector("progress");

let pause = 200; // the survey of a small archive takes only a moment

schedule();

function schedule() {
    setTimeout(update, pause);
    pause = Math.min(2 * pause, MAX_PAUSE_MS);
}

async function update() {
    const response = await fetch(element.dataset.progress).catch(() => null);
    const progress = response?.ok ? await response.json() : undefined;
    if (progress === null || response?.status === 401) {
        location.reload();
        return;
    }
    if (progress) {
        text.textContent = `${progress.done.toLocaleString("en")} of ${progress.total.toLocaleString("en")}`;
        bar.max = progress.total || 1;
        bar.value = progress.done;
    }
    schedule();
}
