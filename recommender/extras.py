"""Packages that only some commands need, and what to do where they are not installed."""

from importlib.util import find_spec

from recommender.errors import MissingExtra

EXTRAS = {
    "evaluate": ("ir_measures", "scipy", "selectolax", "sklearn"),
    "mcp": ("httpx2", "mcp"),
    "import": ("lxml_html_clean", "selectolax", "trafilatura"),
}
"""Extra of pyproject.toml → the modules that it brings."""


def require_extra(extra: str) -> None:
    """
    Check that what *extra* brings is installed; nothing is imported.

    Raises:
        MissingExtra: naming the modules that are missing, and the commands that install them.
    """
    missing = [module for module in EXTRAS[extra] if not _is_installed(module)]
    if missing:
        raise MissingExtra(
            f"this needs the extra {extra!r}, and {', '.join(missing)} cannot be imported:"
            f" run `make install` in a checkout of Also See, or `pip install '.[{extra}]'` there"
        )


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ImportError:
        return False
