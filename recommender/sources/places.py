"""Where a static site shows a post, as Hugo and Jekyll derive it from the path of its file."""

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

_DATED_NAME = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})-(.+)")
_LANGUAGE_SUFFIX = re.compile(r"\.([a-z]{2})$")
_NOT_IN_ADDRESSES = re.compile(r"[^\w./-]+")
# Jekyll's names for ways to form addresses, https://jekyllrb.com/docs/permalinks/
_STYLES = {
    "": "/:categories/:year/:month/:day/:title.html",
    "date": "/:categories/:year/:month/:day/:title.html",
    "pretty": "/:categories/:year/:month/:day/:title/",
    "none": "/:categories/:title.html",
}
_PLACEHOLDER = re.compile(r":(categories|year|month|day|title|slug)\b")
_SUFFIX = re.compile(r"(?:\.html|/)$")


class Place(NamedTuple):
    """
    What the path of a post says.

    Fields:
        folders: around the file, with slashes.
        slug: name of the file, without date, language and suffix.
        date: of its name, ISO 8601; empty where there is none.
        language: of its name; empty where there is none.
    """

    generator: str
    permalink: str
    folders: str
    slug: str
    date: str
    language: str

    @classmethod
    def of(cls, path: PurePosixPath, generator: str = "", permalink: str = "") -> Self:
        stem = path.stem
        suffix = _LANGUAGE_SUFFIX.search(stem)
        stem = stem[: suffix.start()] if suffix else stem
        folders = [folder for folder in path.parent.parts if folder not in (".", "_posts")]
        dated = _DATED_NAME.fullmatch(stem)
        return cls(
            generator=generator,
            permalink=permalink,
            folders="/".join(folders),
            slug=dated[4] if dated and generator == "jekyll" else stem,
            date="{}-{:0>2}-{:0>2}".format(*dated.groups()) if dated else "",
            language=suffix[1] if suffix else "",
        )

    @property
    def is_section(self) -> bool:
        return self.slug == "_index"

    @property
    def title(self) -> str:
        """As Jekyll makes one for a post that has none."""
        return self.slug.replace("-", " ").replace("_", " ").strip().capitalize()

    def address(self, matter: Mapping[str, Any]) -> str:
        """Path of the page on its site; empty where that is not known."""
        for name in ("url", "permalink"):
            if isinstance(matter.get(name), str) and matter[name]:
                return self._filled(str(matter[name]), matter)
        if self.generator == "jekyll":
            return self._filled(_STYLES.get(self.permalink, self.permalink), matter)
        return self._hugo(matter) if self.generator == "hugo" else ""

    def article_id(self, address: str, home: str = "") -> str:
        """
        What templates call the page: `RelPermalink` of Hugo, `id` of Jekyll; else its path.

        Only the first begins with the path of the home page.
        """
        if self.generator == "jekyll":
            return _SUFFIX.sub("", address)
        if self.generator == "hugo":
            return urlsplit(home).path.rstrip("/") + address
        return f"{self.folders}/{self.slug}".strip("/")

    def _hugo(self, matter: Mapping[str, Any]) -> str:
        slug = matter.get("slug")
        last = slug if isinstance(slug, str) and slug else self.slug
        parts = [self.folders, "" if last == "index" else last]
        path = "/".join(part for part in parts if part).lower()
        language = f"/{self.language}" if self.language else ""
        return f"{language}/{_NOT_IN_ADDRESSES.sub('-', path)}/"

    def _filled(self, template: str, matter: Mapping[str, Any]) -> str:
        """A template of Jekyll with its placeholders filled; other texts stay as they are."""
        day = str(matter.get("date") or self.date)
        year, month, date = (*day[:10].split("-"), "", "")[:3]  # the date may lack parts
        categories = matter.get("categories") or matter.get("category") or []
        names = categories.split() if isinstance(categories, str) else map(str, categories)
        slug = str(matter.get("slug") or self.slug)
        values = {
            "categories": "/".join([*filter(None, [self.folders]), *(n.lower() for n in names)]),
            "year": year,
            "month": month,
            "day": date,
            "title": slug,
            "slug": slug,
        }
        filled = _PLACEHOLDER.sub(lambda match: values[match[1]], template)
        # An empty placeholder leaves two slashes, which Jekyll makes one.
        return re.sub(r"(?<!:)//+", "/", filled)
