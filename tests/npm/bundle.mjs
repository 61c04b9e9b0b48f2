// Bundles each application in apps/: `NPM=folder-with-node_modules node bundle.mjs OUTPUT_FOLDER`.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const require = createRequire(`${process.env.NPM}/`);
const { build } = require("esbuild");
const { compile } = require("svelte/compiler");
const svelte = {
  name: "svelte",
  setup({ onLoad }) {
    onLoad({ filter: /\.svelte$/ }, async ({ path }) => {
      return { contents: compile(await readFile(path, "utf8"), { filename: path }).js.code };
    });
  },
};
const file = path => fileURLToPath(new URL(path, import.meta.url));
const bundle = (app, name, alias = {}) => build({
  entryPoints: [file(`apps/${app}`)],
  outfile: `${process.argv[2]}/${name}.js`,
  bundle: true,
  alias,
  define: { "process.env.NODE_ENV": '"production"' },
  conditions: ["browser"],
  nodePaths: [`${process.env.NPM}/node_modules`],
  plugins: [svelte],
});

await Promise.all([
  bundle("react.jsx", "react-18", { react: "react-18", "react-dom": "react-dom-18" }),
  bundle("react.jsx", "react-19"),
  bundle("component.jsx", "component", {
    "also-see/react": file("../../integrations/npm/react.js"),
    "also-see": file("../../api/static/widget.js"),
  }),
  bundle("vue.js", "vue"),
  bundle("svelte.js", "svelte"),
  bundle("turbo.js", "turbo"),
]);
