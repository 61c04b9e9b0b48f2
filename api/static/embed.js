// Reports the height of a framed box to the page around it, in the message format of AMP frames.
new ResizeObserver(() => {
  const height = Math.ceil(document.body.getBoundingClientRect().height);
  parent.postMessage({ sentinel: "amp", type: "embed-size", height }, "*");
}).observe(document.body);
