// Makes the frame as high as its box, so that no card is cut off.
new ResizeObserver(() => {
    const { height } = document.documentElement.getBoundingClientRect();
    if (frameElement) frameElement.style.height = `${Math.ceil(height)}px`;
}).observe(document.documentElement);

// The box must not use the browser's cache here: its lists may be half a minute old, and would
// not show what an editor has just changed.
const originalFetch = window.fetch;
window.fetch = (address, options) => originalFetch(address, { ...options, cache: "no-cache" });
