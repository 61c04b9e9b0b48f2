// Asks while somebody fills in a form: after a pause, and of several answers only the last counts.

export function whileTyping(form, pauseMs, ask, show) {
    let waiting;
    let asked = 0;
    form.addEventListener("input", () => {
        clearTimeout(waiting);
        waiting = setTimeout(async () => {
            const turn = ++asked;
            const fields = new URLSearchParams(new FormData(form));
            const answer = await ask(fields).catch(() => null);
            if (turn === asked) show(answer, fields);
        }, pauseMs);
    });
}
