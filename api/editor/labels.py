"""Labels that several pages of the desk show."""

from typing import NamedTuple

from recommender.policy.rules import Rule


class OutlierLabel(NamedTuple):
    """A kind of outlier in a survey; *number* is a format for the number of each article."""

    label: str
    number: str = ""


# By field of `Survey`.
OUTLIERS = {
    "without": OutlierLabel("with no related articles"),
    "few": OutlierLabel("with few related articles", "related: {:.0f}"),
    "old": OutlierLabel("with old lists", "{:,.0f} days older"),
    "most": OutlierLabel("recommended most", "in {:,.0f} lists"),
    "never": OutlierLabel("never recommended"),
}
FACTORS = {
    "similarity": "shared words",
    "time": "recency",
    "newer": "newer than the article",
    "author": "author",
    "section": "section",
    "tags": "tags",
    "title": "words of the title",
    "mention": "mentioned in the text",
    "boost": "boosted or buried by editors",
}


def rule_label(rule: Rule) -> str:
    """What a rule does; the page shows the articles that it names next to it."""
    effect = _effect(rule)
    if rule.kind == "flag" or rule.source.article is not None:
        return effect
    where = f"in the section {rule.source.section}" if rule.source.section else "everywhere"
    return f"{effect} {where}"


def _effect(rule: Rule) -> str:
    if rule.kind == "pin":
        return f"pinned to place {rule.position}"
    if rule.kind == "flag":
        return f"flagged “{(rule.flag or '').replace('_', ' ')}”"
    verb = {"block": "blocked", "boost": "boosted", "bury": "buried"}[rule.kind]
    return verb if rule.factor is None else f"{verb} × {rule.factor:g}"
