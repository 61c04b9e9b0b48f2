// A newspaper in one page: `show("kursk")` shows that story, and `show()` the front page.
import React, { StrictMode, useState } from "react";
import { createRoot } from "react-dom/client";

function Newspaper() {
  const [story, setStory] = useState("kursk");
  window.show = setStory;
  if (!story) return <main><h1>Front page</h1></main>;
  return (
    <main>
      <h1>{story}</h1>
      <also-see id="changes" article={story} limit={3}></also-see>
      <p>Text</p>
      <also-see id="comes-anew" key={story} article={story} limit={3}></also-see>
    </main>
  );
}

createRoot(document.querySelector("#app")).render(<StrictMode><Newspaper /></StrictMode>);
