"""The documentation site: `make docs` builds it, with Sphinx, MyST and Furo."""

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
