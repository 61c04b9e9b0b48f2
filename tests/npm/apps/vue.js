// A newspaper in one page: `show("kursk")` shows that story, and `show()` the front page.
import { createApp, h, ref } from "vue";

const story = ref("kursk");
window.show = name => { story.value = name; };

const box = (id, key) => h("also-see", { id, key, article: story.value, limit: 3 });
createApp({
  render: () => story.value
    ? h("main", [h("h1", story.value), box("changes", "same"), h("p", "Text"), box("comes-anew", story.value)])
    : h("main", [h("h1", "Front page")]),
}).mount("#app");
