// Sends a form while an editor fills it in: after a pause, and only the last response is shown.

export function whileTyping(form, pauseMs, send, show) {
    let timer;
    let last = 0;
    form.addEventListener("input", () => {
        clearTimeout(timer);
        timer = setTimeout(async () => {
            const turn = ++last;
            const fields = new URLSearchParams(new FormData(form));
            const response = await send(fields).catch(() => null);
            if (turn === last) show(response, fields);
        }, pauseMs);
    });
}
