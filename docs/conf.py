"""The documentation site: `make docs` builds it, with Sphinx, MyST and Furo."""

import re
from pathlib import Path

from sphinx.application import Sphinx

project = "Also See"
copyright = "the authors of Also See"  # noqa: A001  # a name of Sphinx
html_title = "Also See"

extensions = ["myst_parser"]
exclude_patterns = ["_build"]

# Files are read on GitHub too, so links are ordinary links between Markdown files.
myst_heading_anchors = 3
myst_links_external_new_tab = True

html_theme = "furo"
html_static_path: list[str] = []
html_copy_source = False
html_show_sphinx = False


def setup(app: Sphinx) -> None:
    app.connect("build-finished", _add_markdown)
    app.connect("build-finished", _make_accessible)


def _add_markdown(app: Sphinx, failed: Exception | None) -> None:
    """Give every page a twin in Markdown, and a list of all of them for programs that read text."""
    if failed is not None:
        return
    titles = {name: title.astext() for name, title in app.env.titles.items()}
    lines = ["# Also See", "", "> Related articles for news publishers.", ""]
    for name in sorted(titles):
        twin = Path(app.outdir) / f"{name}.md"
        twin.write_text(_markdown(app.env.doc2path(name)))
        lines.append(f"- [{titles[name]}]({name}.md)")
    (Path(app.outdir) / "llms.txt").write_text("\n".join([*lines, ""]))


# What the theme leaves out: levels of headings, names of two regions of one kind, and a way to
# scroll with the keyboard.
ACCESSIBLE = {
    '<p class="caption" role="heading">': '<p class="caption" role="heading" aria-level="2">',
    '<aside class="sidebar-drawer">': '<aside class="sidebar-drawer" aria-label="All pages">',
    '<aside class="toc-drawer">': '<aside class="toc-drawer" aria-label="This page">',
    '<aside class="toc-drawer no-toc">': '<aside class="toc-drawer no-toc" aria-label="Page">',
    "<pre>": '<pre tabindex="0">',
    '<div class="table-wrapper ': '<div tabindex="0" class="table-wrapper ',
}


def _make_accessible(app: Sphinx, failed: Exception | None) -> None:
    if failed is not None:
        return
    for page in Path(app.outdir).glob("**/*.html"):
        html = page.read_text()
        for given, wanted in ACCESSIBLE.items():
            html = html.replace(given, wanted)
        page.write_text(html)


def _markdown(source: Path) -> str:
    """A page's own text, or that of the file which it includes."""
    text = Path(source).read_text()
    included = re.match(r"```\{include\} (\S+)", text)
    return (Path(source).parent / included[1]).read_text() if included else text
