// The React component of integrations/npm. The page says where the service is.
import React, { useState } from "react";
import { createRoot } from "react-dom/client";
import { AlsoSee } from "also-see/react";

window.told = [];

function Newspaper() {
  const [story, setStory] = useState("kursk");
  window.show = setStory;
  return (
    <main>
      <h1>{story}</h1>
      <AlsoSee
        service={window.service}
        article={story}
        limit={3}
        onLoad={event => told.push([story, event.detail.items.length])}
        onClick={event => {
          event.preventDefault();
          told.push([story, event.detail.item.id]);
        }}
      />
    </main>
  );
}

createRoot(document.querySelector("#app")).render(<Newspaper />);
