"""The npm package of the box, packed and used as a site would: on a server, by a type checker."""

import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
NPM = ROOT / ".venv/npm"
PACKAGE = ROOT / "integrations/npm"
# A site's own code, with a mistake in every line that has a comment.
SITE = """
import "also-see";
import { AlsoSee } from "also-see/react";

const box = document.querySelector("also-see")!;
box.article = "kursk";
box.limit = 3;
box.publishedAfter = null;
box.artcle = "kursk"; // no such property
box.addEventListener("also-see:click", event => {
  event.detail.item.title.toUpperCase();
  event.detail.position.toUpperCase(); // a number
});
box.addEventListener("also-see:load", event => event.detail.items.map(({ url }) => url));
export const good = (
  <AlsoSee article="kursk" limit={3} exclude={["a"]} onLoad={event => event.detail.items} />
);
export const bad = <AlsoSee artcle="kursk" />; // no such property
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of a site that has installed the packed package, and React."""
    npm = shutil.which("npm")
    if npm is None or not (NPM / "installed").exists():
        pytest.skip("NO NPM PACKAGES: `make test` installs them where there is an npm")
    site = tmp_path_factory.mktemp("site")
    modules = site / "node_modules"
    modules.mkdir()
    for name in ("react", "react-dom", "scheduler", "@types", "csstype"):
        (modules / name).symlink_to(NPM / "node_modules" / name)
    # `npm pack` writes into its folder, and tests leave the project as it is.
    shutil.copytree(PACKAGE, site / "integrations/npm")
    shutil.copytree(ROOT / "api/static", site / "api/static")
    run(npm, "pack", "--offline", "--silent", folder=site / "integrations/npm")
    with tarfile.open(site / "integrations/npm/also-see-1.0.0.tgz") as archive:
        archive.extractall(modules, filter="data")
    (modules / "package").rename(modules / "also-see")
    return site


def run(*command: str | Path, folder: Path) -> str:
    environment = os.environ | {"npm_config_update_notifier": "false"}
    answer = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    return answer.stdout + answer.stderr


def test_it_holds_the_scripts_of_the_service_and_nothing_else(site: Path) -> None:
    package = site / "node_modules/also-see"

    assert {
        "package.json", "README.md", "also-see.d.ts", "react.d.ts",
        "widget.js", "extras.js", "react.js", "server.js",
    } == {path.name for path in package.iterdir()}  # fmt: skip
    for name, original in (("widget.js", "widget.js"), ("extras.js", "widget-extras.js")):
        assert (package / name).read_text() == (ROOT / "api/static" / original).read_text()


def test_a_server_renders_the_tag_and_runs_no_script(site: Path) -> None:
    (site / "render.mjs").write_text("""
        import "also-see";
        import "also-see/extras";
        import { AlsoSee } from "also-see/react";
        import { createElement } from "react";
        import { renderToStaticMarkup } from "react-dom/server";
        const props = {
          article: "kursk", limit: 3, publishedAfter: "7d", exclude: ["a", "b"], tag: null,
          className: "wide", onLoad() {},
        };
        console.log(renderToStaticMarkup(createElement(AlsoSee, props)));
    """)

    assert (
        '<also-see article="kursk" limit="3" published-after="7d" exclude="a,b" class="wide">'
        "</also-see>\n"
    ) == run("node", "render.mjs", folder=site)


def test_its_types_find_mistakes_and_nothing_else(site: Path) -> None:
    (site / "page.tsx").write_text(SITE)
    compiler = NPM / "node_modules/.bin/tsc"
    options = "--noEmit --strict --jsx react-jsx --module nodenext --target es2022"
    report = run(compiler, *options.split(), "page.tsx", folder=site)
    mistakes = [n for n, line in enumerate(SITE.splitlines(), 1) if "//" in line]

    assert [f"page.tsx({line}," for line in mistakes] == [
        line[: line.index(",") + 1] for line in report.splitlines() if line.startswith("page.tsx")
    ]
    assert "also-see.d.ts" not in report
