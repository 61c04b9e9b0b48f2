"""Folders of static site generators: which of their files are posts, and where those are shown."""

import re
from collections.abc import Callable, Collection, Mapping
from pathlib import PurePosixPath
from typing import NamedTuple, Self

_CONFIGS = {
    **dict.fromkeys(("hugo.toml", "hugo.yaml", "hugo.yml", "hugo.json"), "hugo"),
    **dict.fromkeys(("_config.yml", "_config.yaml", "_config.toml"), "jekyll"),
    # The older name of Hugo's; others use it too.
    **dict.fromkeys(("config.toml", "config.yaml", "config.yml", "config.json"), "hugo"),
}
_HOME_NAMES = ("baseURL", "base_url", "url")
# Quoted or not, at the beginning of a line, in YAML, TOML or JSON.
_SETTING = """^["']?{name}["']?\\s*[:=]\\s*["']?([^"'#\\s]*)"""


class StaticSite(NamedTuple):
    """
    How a site is generated.

    Fields:
        root: folder with the configuration, as the paths of the files have it; with a slash.
        generator: `hugo` or `jekyll`.
        home: address of the site; empty where it is not set.
        permalink: how Jekyll forms addresses; empty for its default.
    """

    root: str
    generator: str
    home: str
    permalink: str

    @classmethod
    def of(cls, paths: Collection[str], read: Callable[[str], str]) -> Self | None:
        """
        The site that *paths* are of, or None.

        Args:
            read: returns the text of one of them.
        """
        configs = [path for path in paths if PurePosixPath(path).name in _CONFIGS]
        for path in sorted(configs, key=lambda path: (path.count("/"), path)):
            root = path.removesuffix(PurePosixPath(path).name)
            generator = _CONFIGS[PurePosixPath(path).name]
            posts = f"{root}content/" if generator == "hugo" else f"{root}_posts/"
            if any(other.startswith(posts) for other in paths):
                text = read(path)
                return cls(root, generator, _home(text), _setting(text, "permalink"))
        return None

    def options(self, path: str) -> Mapping[str, str] | None:
        """What the reader of posts needs for the file at *path*; None for any other file."""
        inner = path.removeprefix(self.root)
        if not path.startswith(self.root):
            return None
        if self.generator == "hugo":
            if not inner.startswith("content/"):
                return None
            inner = inner.removeprefix("content/")
        elif "_posts" not in PurePosixPath(inner).parts[:-1]:
            return None
        return {
            "path": inner,
            "generator": self.generator,
            "home": self.home,
            "permalink": self.permalink,
        }


def _home(config: str) -> str:
    home = next((value for name in _HOME_NAMES if (value := _setting(config, name))), "")
    return home.rstrip("/") + _setting(config, "baseurl") if home else ""


def _setting(config: str, name: str) -> str:
    match = re.search(_SETTING.format(name=name), config, re.MULTILINE)
    return match[1] if match else ""
