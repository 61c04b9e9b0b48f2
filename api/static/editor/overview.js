// Tells how far a survey is, and shows what it found as soon as it has ended; without it there is
// a link to look again.

const LONGEST_PAUSE_MS = 2000;
const surveying = document.querySelector("#surveying");
const said = surveying.querySelector("span");
const bar = surveying.querySelector("progress");

let pause = 200; // of a small archive all lists are made in a moment

lookSoon();

function lookSoon() {
    setTimeout(look, pause);
    pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
}

async function look() {
    const answer = await fetch(surveying.dataset.progress).catch(() => null);
    const progress = answer?.ok ? await answer.json() : undefined;
    if (progress === null || answer?.status === 401) {
        location.reload();
        return;
    }
    if (progress) {
        said.textContent = `${progress.done.toLocaleString("en")} of ${progress.total.toLocaleString("en")}`;
        bar.max = progress.total || 1;
        bar.value = progress.done;
    }
    lookSoon();
}
