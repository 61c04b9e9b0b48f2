// Tells the page around a framed box how high it is, in the words that AMP's frames understand.
new ResizeObserver(() => {
  const height = Math.ceil(document.body.getBoundingClientRect().height);
  parent.postMessage({ sentinel: "amp", type: "embed-size", height }, "*");
}).observe(document.body);
