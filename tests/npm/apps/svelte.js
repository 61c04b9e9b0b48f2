// A newspaper in one page: `show("kursk")` shows that story, and `show()` the front page.
import { mount } from "svelte";
import Newspaper from "./Newspaper.svelte";

mount(Newspaper, { target: document.querySelector("#app") });
