"""Editors' links between articles of an archive: read as truth, and removed from the texts."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations
from typing import Any, NamedTuple, Self
from urllib.parse import urljoin

from selectolax.lexbor import LexborHTMLParser, LexborNode

from features.addresses import normalize_url
from features.fields import sender_names
from features.text import plain_text
from recommender.errors import InvalidInput
from recommender.evaluation.truth import Qrels
from recommender.pipeline.anchors import ANNOUNCES

_BLOCKS = {"p", "li", "div", "blockquote", "h2", "h3", "h4", "h5", "h6", "aside"}
_PACKAGE_TAG = re.compile(r"(series|package)\s*[:：]\s*\S", re.IGNORECASE)

MAX_LINKS_OUT = 10  # an article that links to more is a digest
MAX_LINKED_SHARE = (
    0.01  # a target linked from more of the archive, and from more than ten, is a farm
)
MAX_LINKED_FROM = 10
MAX_PACKAGE = 12


class Link(NamedTuple):
    """An editor's link from one article to another: `also see`, `in text`, or by a `package`."""

    source: str
    target: str
    kind: str


class Harvest(NamedTuple):
    """
    The truth of an archive, and how many links it comes from.

    Fields:
        links: how many links of each kind count.
        left_out: how many did not, by reason.
    """

    truth: Qrels
    links: dict[str, int]
    left_out: dict[str, int]


class ArchiveLinks:
    """
    Finds links from article to article, by address or, in plain text, by title.

    Args:
        urls: normalized address → id.
        titles: folded title → id; a title of two articles is left out.
    """

    def __init__(self, urls: Mapping[str, str], titles: Mapping[str, str]) -> None:
        self._urls = urls
        self._titles = titles

    @classmethod
    def of(cls, records: Sequence[object]) -> Self:
        urls: dict[str, str] = {}
        titles: dict[str, str] = {}
        count = Counter[str]()
        for fields in map(_fields, records):
            count[_title(fields)] += 1
        for fields in map(_fields, records):
            address = _address(fields.get("url"))
            if address:
                urls.setdefault(address, str(fields.get("id")))
            title = _title(fields)
            if title and count[title] == 1:
                titles[title] = str(fields.get("id"))
        return cls(urls, titles)

    def links(self, data: object) -> Iterator[Link]:
        """The links of one raw article, in the order of its text."""
        fields = _fields(data)
        source = str(fields.get("id"))
        body = fields.get("body")
        if not isinstance(body, str):
            return
        for node, target in self._anchors(LexborHTMLParser(body), fields):
            announced = ANNOUNCES.match(_block(node).text(deep=True)) is not None
            yield Link(source, target, "also see" if announced else "in text")
        for _, target in self._announced_titles(body):
            yield Link(source, target, "also see")

    def strip(self, data: object) -> object:
        """The article without the text of its links; anything else is returned unchanged."""
        fields = _fields(data)
        body = fields.get("body")
        if not isinstance(data, Mapping) or not isinstance(body, str):
            return data
        for line, _ in self._announced_titles(body):
            body = body.replace(line, "")
        tree = LexborHTMLParser(body)
        anchors = list(self._anchors(tree, fields))
        for node, _ in anchors:
            _remove(node)
        if anchors and tree.body is not None:
            body = tree.body.inner_html or ""
        return {**data, sender_names(data)["body"]: body}

    def _anchors(
        self, tree: LexborHTMLParser, fields: Mapping[str, Any]
    ) -> Iterator[tuple[LexborNode, str]]:
        base = fields.get("url") if isinstance(fields.get("url"), str) else ""
        for node in tree.css("a[href]"):
            address = _address(_joined(base or "", node.attributes.get("href") or ""))
            target = self._urls.get(address) if address else None
            if target is not None:
                yield node, target

    def _announced_titles(self, body: str) -> Iterator[tuple[str, str]]:
        """Lines like “Also See: Title of another article”, where the link itself was lost."""
        if "<a " in body:
            return
        for line in body.splitlines():
            match = ANNOUNCES.match(line)
            target = self._titles.get(line[match.end() :].strip().casefold()) if match else None
            if target is not None:
                yield line, target


def harvest(records: Sequence[object]) -> Harvest:
    """
    Read the truth out of an archive's own links: grade 2 where the query's text links to the other
    article or both stand in a package, 1 where only the other links to it.

    Left out are links to itself, from digests (more than ten links), and to farms (articles
    that more than ten others and more than 1 % of the archive link to).
    """
    archive = ArchiveLinks.of(records)
    links = {}
    for source, target in _packages(records):
        links[source, target] = Link(source, target, "package")
    for data in records:
        for link in archive.links(data):
            links[link.source, link.target] = link  # a link by hand counts before a package
    kept, left_out = _without_farms(list(links.values()), len(records))
    truth: Qrels = {}
    for link in kept:
        truth.setdefault(link.source, {})[link.target] = 2
        # Does not lower the grade of a link back, which makes it 2.
        truth.setdefault(link.target, {}).setdefault(link.source, 1)
    kinds = Counter([link.kind for link in kept])
    return Harvest(truth, dict(kinds), left_out)


def _without_farms(links: list[Link], articles: int) -> tuple[list[Link], dict[str, int]]:
    by_hand = [link for link in links if link.kind != "package" and link.source != link.target]
    out = Counter(link.source for link in by_hand)
    into = Counter(link.target for link in by_hand)
    most = max(MAX_LINKED_FROM, MAX_LINKED_SHARE * articles)
    kept = []
    left_out = Counter[str]()
    for link in links:
        if link.source == link.target:
            left_out["links to itself"] += 1
        elif out[link.source] > MAX_LINKS_OUT:
            left_out["links of digests"] += 1
        elif into[link.target] > most:
            left_out["links to farms"] += 1
        else:
            kept.append(link)
    return kept, dict(left_out)


def _packages(records: Sequence[object]) -> Iterator[tuple[str, str]]:
    members: dict[str, list[str]] = {}
    for fields in map(_fields, records):
        tags = fields.get("tags")
        for tag in tags if isinstance(tags, list) else []:
            if isinstance(tag, str) and _PACKAGE_TAG.match(tag):
                members.setdefault(tag.casefold(), []).append(str(fields.get("id")))
    for ids in members.values():
        if len(ids) <= MAX_PACKAGE:
            yield from permutations(dict.fromkeys(ids), 2)


def _fields(data: object) -> dict[str, Any]:
    if not isinstance(data, Mapping):
        return {}
    return {ours: data[theirs] for ours, theirs in sender_names(data).items()}


def _title(fields: Mapping[str, Any]) -> str:
    title = fields.get("title")
    return plain_text(title).casefold() if isinstance(title, str) else ""


def _address(url: object) -> str | None:
    try:
        return normalize_url(url) if isinstance(url, str) else None
    except InvalidInput:
        return None


def _joined(base: str, href: str) -> str:
    try:
        return urljoin(base, href)
    except ValueError:
        return href


def _block(node: LexborNode) -> LexborNode:
    while node.parent is not None and node.tag not in _BLOCKS:
        node = node.parent
    return node


def _remove(node: LexborNode) -> None:
    """Remove a link, with its whole paragraph if that only announces it."""
    block = _block(node)
    text = block.text(deep=True).strip()
    alone = text == node.text(deep=True).strip() or ANNOUNCES.match(text) is not None
    (block if alone and block.tag in _BLOCKS else node).decompose()
