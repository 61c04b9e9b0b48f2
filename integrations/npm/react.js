// <AlsoSee article={story.id} publishedAfter="7d" onLoad={…} /> for React 18 and newer, on a server too.
import { createElement, useEffect, useRef } from "react";
import "also-see";

const EVENTS = {
  onLoad: "also-see:load",
  onEmpty: "also-see:empty",
  onError: "also-see:error",
  onClick: "also-see:click",
};

export function AlsoSee({ children, className, style, ...props }) {
  const box = useRef(null);
  const newest = useRef(props);
  newest.current = props;

  useEffect(() => {
    const node = box.current;
    const listening = new AbortController();
    for (const [name, type] of Object.entries(EVENTS)) {
      const listener = event => newest.current[name]?.(event);
      node.addEventListener(type, listener, { signal: listening.signal });
    }
    return () => listening.abort();
  }, []);

  return createElement("also-see", { ...attributesOf(props), class: className, style, ref: box }, children);
}

// All as text: React 18 and 19 then write the same attributes, in the browser and on a server.
function attributesOf(props) {
  const attributes = {};
  for (const [name, value] of Object.entries(props)) {
    if (name in EVENTS || value == null || name == "prefetch" && !value) continue;
    if (typeof value == "function") attributes[name] = value;
    else attributes[name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)] = `${value}`;
  }
  return attributes;
}
