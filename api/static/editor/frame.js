// The frame is as high as its box, so that no card is cut.
new ResizeObserver(() => {
    const { height } = document.documentElement.getBoundingClientRect();
    if (frameElement) frameElement.style.height = `${Math.ceil(height)}px`;
}).observe(document.documentElement);

// The box asks the service every time: what an editor has just decided is not in the
// browser's own cache yet, which may be half a minute old.

const ask = window.fetch;
window.fetch = (address, options) => ask(address, { ...options, cache: "no-cache" });
