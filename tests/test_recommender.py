"""The pipeline in memory, compared with a plain-Python version of its rules."""

import math
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pipeline import ANY, NOW, Archive, ids, text

from features.vectorizer import TWO_WORD_BIT
from recommender.articles import StoredArticle
from recommender.errors import NotFound
from recommender.pipeline.results import FALLBACKS, RelatedList
from recommender.policy.list_options import ListOptions
from recommender.policy.page_token import PageToken
from recommender.policy.rule_set import RuleSet
from recommender.policy.rules import FLAGS, Rule, Selector

Card = dict[str, Any]
Rules = Sequence[Rule]

DRAFT = {
    "id": "draft",
    "body": "kursk talks",
    "section": "world",
    "authors": ["Ana"],
    "tags": [],
    "language": "en",
    "published_at": "2025-03-14T00:00:00Z",
}

WIRE, UPDATE = text("wire", 42), text("wire", 50)
BODIES = [WIRE, UPDATE, f"kursk {WIRE} budget", f"kursk {text('wire', 42, 30)}", "", "kursk"]
WORDS = ["kursk", "sudzha", "talks", "budget"]
# Drawn by chance and not by Hypothesis, which likes small archives, where next to nothing happens.
chances = st.integers(0, 2**32 - 1).map(random.Random)


def some_archive(chance: random.Random) -> Archive:
    return Archive(*(some_article(chance, f"a{n}") for n in range(chance.randint(5, 12))))


def some_article(chance: random.Random, article_id: str) -> dict[str, Any]:
    words = " ".join(chance.choices(WORDS, k=chance.randint(1, 5)))
    dates = [None, "2025-01-01", "2025-03-10", "2025-03-12", "2025-03-12", "2025-03-19"]
    return {
        "id": article_id,
        "body": chance.choice([words, words, words, *BODIES[: chance.randint(1, 6)]]),
        "published_at": chance.choice([*dates, "2025-03-25"]),
        "section": chance.choice([None, "World", "world", "Local"]),
        "tags": chance.choice([[], [], ["war"], ["war", "Evergreen"]]),
        "authors": chance.choice([[], ["Ana"], ["ana", "Bo"], ["Bo"]]),
        "language": chance.choice(["en", "en", "en", "es"]),
        "url": f"https://{chance.choice(['www.here', 'here', 'there'])}.example/{article_id}",
    }


CHOICES: dict[str, list[Any]] = {
    "section": [("world",), ("World", "Local")],
    "tag": [("War",)],
    "author": [("ana",)],
    "lang": [("any",), ("ES",)],
    "exclude": [("a1", "nowhere"), ("a3", "a4")],
    "page_token": [PageToken.of("a2", "nowhere")],
    "published_after": [datetime(2025, 3, 12, tzinfo=UTC), timedelta(days=9)],
    "published_before": [datetime(2025, 3, 12, tzinfo=UTC)],
    "max_age": [timedelta(days=30)],
    "mode": ["background", "followup", "recent"],
    "half_life": [timedelta(days=2)],
    "diversity": [0.0, 0.4, 1.0],
    "story": ["best", "newest", "original"],
    "max_per_section": [1, 2],
    "max_per_author": [1, 2],
    "max_per_source": [1, 2, 3],
    "min_score": [0.0, 0.1, 0.5],
}


def some_options(chance: random.Random) -> ListOptions:
    names = chance.sample([*CHOICES], chance.randint(0, 4))
    return ListOptions(
        limit=chance.randint(1, 9),
        offset=chance.choice([0, 0, 0, 1, 4]),
        fallback=chance.random() < 0.5,
        **{name: chance.choice(CHOICES[name]) for name in names},
    )


def some_rules(chance: random.Random) -> list[Rule]:
    return [rule(n, **some_decision(chance)) for n in range(chance.choice([0, 1, 3, 6]))]


def some_decision(chance: random.Random) -> dict[str, Any]:
    one, other = ({"article": f"a{n}"} for n in chance.sample(range(13), 2))
    section = {"section": chance.choice(["World", "LOCAL"])}
    source = chance.choice([None, {"article": "a0"}, {"article": "a0"}, section, one])
    if source == other:
        source = None
    kind = chance.choice(["pin", "pin", "block", "boost", "bury", "flag"])
    if kind == "pin":
        return {"kind": kind, "source": source, "target": other, "position": chance.randint(1, 9)}
    if kind == "flag":
        return {"kind": kind, "flag": chance.choice([*FLAGS]), "target": other}
    target = {"section": "local"} if chance.random() < 0.3 else other
    factor = {"boost": chance.choice([2.0, 10.0]), "bury": chance.choice([0.0, 0.5])}.get(kind)
    return {"kind": kind, "source": source, "target": target, "factor": factor}


def rule(number: int = 0, **fields: Any) -> Rule:
    fields["created_at"] = NOW - timedelta(days=1) + timedelta(minutes=number)
    return Rule.model_validate({"id": f"r{number}"} | fields)


class Oracle:
    """The list beside *source* as its rules are written down, article by article."""

    def __init__(
        self, archive: Archive, beside: str | StoredArticle, options: ListOptions, rules: Rules
    ) -> None:
        index = archive.corpus.index  # which is held against its own oracle
        if isinstance(beside, str):
            self.source, near = archive.card(beside), index.similar(beside, 1000)
            own = index.terms(index.slot(beside) or 0)
        else:
            self.source, near = DRAFT, index.similar_to(beside.features.counts, 1000)
            own = beside.features.counts.terms
        self.options, self.archive, self.own = options, archive, {*own.tolist()}
        self.cards = {i: archive.card(i) for i in archive.articles}
        self.cosine = dict(zip(archive.corpus.ids(near.slots), near.scores.tolist(), strict=True))
        self.says = {i: {*index.terms(index.slot(i) or 0).tolist()} for i in self.cards}
        newest = {(r.kind, r.source.key, r.target.key, r.flag): r for r in rules}
        self.rules = [r for r in newest.values() if fits(r.source, self.source)]

    # Eligibility

    def is_silenced(self) -> bool:
        return any(
            r.flag and FLAGS[r.flag].silenced and fits(r.target, self.source) for r in self.rules
        )

    def is_kept_away(self, card: Card) -> bool:
        return any(
            (r.kind == "block" or (r.flag and FLAGS[r.flag].hidden)) and fits(r.target, card)
            for r in self.rules
        )

    def passes_what_binds_pins(self, card: Card) -> bool:
        options, date = self.options, published(card)
        after, before = options.published_after, options.published_before
        after = NOW - after if isinstance(after, timedelta) else after
        assert not isinstance(before, timedelta)
        return (
            card["id"] != self.source["id"]
            and (date is None or date <= NOW)
            and not self.is_kept_away(card)
            and card["id"] not in options.exclude
            and card["id"] not in options.page_token
            and (after is None or (date is not None and date >= after))
            and (before is None or (date is not None and date < before))
            and (not options.section or bool(folded([card["section"]]) & folded(options.section)))
            and (not options.tag or bool(folded(card["tags"]) & folded(options.tag)))
            and (not options.author or bool(folded(card["authors"]) & folded(options.author)))
            and (options.lang is None or self.speaks(card, options.lang))
        )

    def speaks(self, card: Card, languages: tuple[str, ...]) -> bool:
        return "any" in languages or card["language"] in folded(languages)

    def is_eligible(self, card: Card) -> bool:
        own_language = self.options.lang is not None or self.speaks(
            card, (self.source["language"],)
        )
        return own_language and self.is_eligible_in_any_language(card)

    def is_eligible_in_any_language(self, card: Card) -> bool:
        options, date, own_date = self.options, published(card), published(self.source)
        young = options.max_age is None or (date is not None and date >= NOW - options.max_age)
        older = date is None or date <= min(own_date or NOW, NOW)
        return (
            self.passes_what_binds_pins(card)
            and (young or is_evergreen(card))
            and (options.mode != "background" or older)
        )

    # Scores

    def score(self, card: Card) -> float:
        return round(
            self.cosine[card["id"]]
            * self.time(card)
            * (1 - 0.23 * (1 - self.author(card)))
            * (1 - 0.13 * (1 - self.section(card)))
            * (1.0 if self.options.mode != "followup" or self.is_newer(card) else 0.25)
            * self.boost(card),
            6,
        )

    def time(self, card: Card) -> float:
        date, own_date, options = published(card), published(self.source), self.options
        origin = NOW if options.mode == "recent" else own_date
        days = 365.0 if date is None or origin is None else abs(date - origin) / timedelta(days=1)
        half_life = 7.0 if options.half_life is None else options.half_life / timedelta(days=1)
        near = 1.0 if is_evergreen(card) else (1 + 7 * days / half_life) ** (-1 / 3)
        weight = 2 / 3 if options.half_life is None and options.mode != "recent" else 1.0
        return 1 - weight * (1 - near)

    def author(self, card: Card) -> float:
        there = len(self.cards)
        carriers = {
            name: sum(name in folded(other["authors"]) for other in self.cards.values())
            for name in folded(card["authors"]) & folded(self.source["authors"])
        }
        rarity = [math.log((1 + there) / (1 + n)) / math.log(1 + there) for n in carriers.values()]
        return max(rarity, default=0.0)

    def section(self, card: Card) -> float:
        return float(bool(folded([card["section"]]) & folded([self.source["section"]])))

    def is_newer(self, card: Card) -> bool:
        date, own_date = published(card), published(self.source)
        return date is not None and (own_date is None or date > own_date)

    def boost(self, card: Card) -> float:
        return math.prod(
            r.factor or 0.0 for r in self.rules if is_boost(r) and fits(r.target, card)
        )

    # Selection

    def related(self) -> list[tuple[str, str, float, float]]:
        """All places: id, reason, score, what diversity took."""
        if self.is_silenced():
            return []
        eligible = [card for card in self.cards.values() if self.is_eligible(card)]
        near = [card for card in eligible if card["id"] in self.cosine]
        far = [card for card in near if not self.is_near_enough(card)]
        candidates = sorted((c for c in near if c not in far), key=self.best_first)
        others = [c for c in candidates if not same_story(self.says[c["id"]], self.own)]
        spread = self.spread([representative(group, self.options) for group in self.groups(others)])
        taken = {card["id"]: penalty for card, penalty in spread}
        places = [
            (c["id"], self.label(c), self.score(c), taken[c["id"]])
            for c in self.capped([card for card, _ in spread])
        ]
        pins = self.pins()
        places = [place for place in places if place[0] not in pins]
        if self.options.fallback:
            rest = [c for c in eligible if c not in near and c["id"] not in pins]
            places += self.filling(rest, [self.cards[i] for i, *_ in places])
            if not places and not pins and self.is_alone_in_its_language():
                places = self.in_other_languages(near)
        place = 0
        for article_id, position in pins.items():
            place = max(place + 1, position)
            places.insert(place - 1, (article_id, "pinned", 0.0, 0.0))
        return places

    def is_alone_in_its_language(self) -> bool:
        others = (card for card in self.cards.values() if card["id"] != self.source["id"])
        dates = [published(c) for c in others if self.speaks(c, (self.source["language"],))]
        return not any(date is None or date <= NOW for date in dates)

    def in_other_languages(self, near: list[Card]) -> list[tuple[str, str, float, float]]:
        if self.options.lang is not None:
            return []
        rest = [c for c in self.cards.values() if self.is_eligible_in_any_language(c)]
        filling = self.filling([c for c in rest if c not in near], [])
        return [(article_id, "other_language", 0.0, 0.0) for article_id, *_ in filling]

    def is_near_enough(self, card: Card) -> bool:
        least = self.options.min_score
        if least is None and not self.options.fallback:
            least = 0.04  # of archives too small to tell
        return least is None or self.cosine[card["id"]] >= least

    def label(self, card: Card) -> str:
        least = 0.04 if self.options.min_score is None else self.options.min_score
        return "similar" if self.cosine[card["id"]] >= least else "relaxed"

    def best_first(self, card: Card) -> tuple[Any, ...]:
        return (-self.score(card), *newest_first(card))

    def groups(self, candidates: list[Card]) -> list[list[Card]]:
        groups: list[list[Card]] = []
        for card in candidates:
            says = self.says[card["id"]]
            same = (g for g in groups if same_story(self.says[g[0]["id"]], says))
            group = next(same, None)
            if group is None:
                groups.append([card])
            else:
                group.append(card)
        return groups

    def spread(self, candidates: list[Card]) -> list[tuple[Card, float]]:
        """Maximal marginal relevance, word for word; each with what it subtracts."""
        diversity = self.options.diversity or 0.0
        best = max((self.score(card) for card in candidates), default=0.0)
        if not diversity or not best:
            return [(card, 0.0) for card in candidates]
        chosen: list[tuple[Card, float]] = []
        left = [*candidates]
        while left:
            likeness = [
                max((self.likeness(one, c) for c, _ in chosen), default=0.0) for one in left
            ]
            values = [
                (1 - diversity) * self.score(card) / best - diversity * like
                for card, like in zip(left, likeness, strict=True)
            ]
            highest = max(values)
            first = next(n for n, v in enumerate(values) if v > highest - 1e-12)
            chosen.append((left.pop(first), diversity * likeness[first]))
        return chosen

    def likeness(self, one: Card, other: Card) -> float:
        near = self.archive.corpus.index.similar(one["id"], 1000)
        ids = self.archive.corpus.ids(near.slots)
        cosines = dict(zip(ids, near.scores.tolist(), strict=True))
        return cosines.get(other["id"], 0.0)

    def capped(self, candidates: list[Card], kept: Sequence[Card] = ()) -> list[Card]:
        """Those that fit in behind the *kept* ones and each other."""
        options = self.options
        fitting = [*kept]
        caps = [
            (options.max_per_section, lambda card: folded([card["section"]])),
            (options.max_per_author, lambda card: folded(card["authors"])),
            (options.max_per_source, lambda card: {host(card)}),
        ]
        for card in candidates:
            room = [
                sum(value in values(other) for other in fitting) < cap
                for cap, values in caps
                if cap is not None
                for value in values(card)
            ]
            if all(room):
                fitting.append(card)
        return fitting[len(kept) :]

    def filling(self, rest: list[Card], before: list[Card]) -> list[tuple[str, str, float, float]]:
        mine = folded([self.source["section"]])
        rest.sort(key=lambda c: (not folded([c["section"]]) & mine, newest_first(c)))
        firsts = [group[0] for group in self.groups([*before, *rest])]
        return [
            (c["id"], "same_section" if folded([c["section"]]) & mine else "recent", 0.0, 0.0)
            for c in self.capped([c for c in firsts if c not in before], before)
        ]

    def pins(self) -> dict[str, int]:
        pins = [r for r in self.rules if r.kind == "pin"]
        pins.sort(key=lambda r: (r.position, -r.created_at.timestamp()))
        positions: dict[str, int] = {}
        for pin in pins:
            card = self.cards.get(pin.target.article or "")
            if card is not None and self.passes_what_binds_pins(card):
                positions.setdefault(card["id"], pin.position or 0)
        return positions


def folded(values: Any) -> set[str]:
    return {value.casefold() for value in values if value}


def host(card: Card) -> str:
    return str(card["url"]).split("/")[2].removeprefix("www.")


def published(card: Card) -> datetime | None:
    return datetime.fromisoformat(card["published_at"]) if card["published_at"] else None


def newest_first(card: Card) -> tuple[float, str]:
    date = published(card)
    return (-date.timestamp() if date else math.inf, card["id"])


def is_evergreen(card: Card) -> bool:
    return "evergreen" in folded(card["tags"])


def is_boost(decision: Rule) -> bool:
    return decision.kind in ("boost", "bury")


def fits(selector: Selector, card: Card) -> bool:
    if selector.article is not None:
        return selector.article == card["id"]
    return selector.section is None or folded([selector.section]) == folded([card["section"]])


def same_story(one: set[int], other: set[int]) -> bool:
    fewer, more = sorted((pairs_in(one), pairs_in(other)), key=len)
    enough = 0.5 * (len(fewer) + 20)
    grown = len(fewer & more) >= enough and len(fewer) >= 0.2 * len(more)
    # The headline of all of them, `t`, stands in no text: below it is everything.
    return grown or len(one & other) >= max(0.9 * len(one), 0.9 * len(other), 1)


def pairs_in(says: set[int]) -> set[int]:
    return {term for term in says if term & int(TWO_WORD_BIT)}


def representative(group: list[Card], options: ListOptions) -> Card:
    if options.story == "newest":
        return max(group, key=lambda card: -newest_first(card)[0])
    if options.story == "original":
        return min(group, key=lambda card: -newest_first(card)[0])
    return group[0]


def places(related_list: RelatedList) -> list[tuple[str, str, Any, Any]]:
    return [
        (item.card["id"], item.reason, about(item.score), about(item.diversity_penalty))
        for item in related_list.items
    ]


def about(score: float) -> Any:
    return pytest.approx(score, abs=2e-6)


@settings(deadline=None, max_examples=200)
@given(chances)
def test_a_list_is_what_its_rules_say_article_by_article(chance):
    archive, options, rules = some_archive(chance), some_options(chance), some_rules(chance)
    archive.recommender.rules = RuleSet(rules)

    expected = Oracle(archive, "a0", options, rules).related()
    page = expected[options.offset : options.offset + options.limit]
    related_list = archive.related("a0", options)
    assert page == places(related_list)
    assert related_list.fallback == any(r in FALLBACKS for _, r, *_ in page)


@settings(deadline=None)
@given(chances)
def test_a_draft_has_a_list_by_the_same_rules(chance):
    archive, options, rules = some_archive(chance), some_options(chance), some_rules(chance)
    archive.recommender.rules = RuleSet(rules)
    _, draft = archive.read(DRAFT)

    expected = Oracle(archive, draft, options, rules).related()
    page = expected[options.offset : options.offset + options.limit]
    assert page == places(archive.related_to(draft, options))


@settings(deadline=None)
@given(chances)
def test_the_newest_articles_are_the_eligible_ones_by_date_then_id(chance):
    archive, options, rules = some_archive(chance), some_options(chance), some_rules(chance)
    archive.recommender.rules = RuleSet(rules)
    oracle = Oracle(archive, "a0", options.replacing(mode="balanced"), [])
    oracle.source = {"id": None, "section": None, "published_at": None, "language": "any"}
    oracle.rules = [r for r in rules if fits(r.source, oracle.source)]

    eligible = [card for card in oracle.cards.values() if oracle.is_eligible(card)]
    expected = [card["id"] for card in sorted(eligible, key=newest_first)]
    page = expected[options.offset : options.offset + options.limit]
    assert page == ids(archive.recent(options))


def test_an_unknown_article_is_not_found():
    with pytest.raises(NotFound):
        Archive({"id": "a", "body": "kursk"}).related("nowhere")


# A list is as long as it can be, and its pages are one list


def case_name(options: object) -> str | None:
    """The options that are not the default, to name a test."""
    if not isinstance(options, ListOptions):
        return None
    changed = options.model_dump(exclude_defaults=True)
    return " ".join(f"{name}={str(value)[:20]}" for name, value in changed.items()) or "plain"


def big_archive(size: int = 500) -> Archive:
    """Articles on 40 words, a third of them texts that an earlier one has too."""
    chance = random.Random(4)
    bodies: list[str] = []
    for n in range(size):
        copied = f"{chance.choice(bodies)} more{n}" if n > 30 and chance.random() < 0.3 else ""
        words = " ".join(f"w{chance.randint(0, 40)}" for _ in range(40))
        bodies.append(copied or words)
    return Archive(
        *(
            {
                "id": f"a{n:03}",
                "body": body,
                "published_at": f"2025-0{chance.randint(1, 2)}-{chance.randint(10, 28)}",
                "section": chance.choice("ABC"),
                "authors": [f"by {chance.randint(0, 30)}"],
            }
            for n, body in enumerate(bodies)
        )
    )


@pytest.fixture(scope="module")
def big() -> Archive:
    return big_archive()


@pytest.mark.parametrize(
    "options",
    [
        ListOptions(),
        ListOptions(diversity=0.5),
        ListOptions(diversity=0.7, story="newest", mode="recent"),
        ListOptions(story="original", mode="followup"),
        ListOptions(max_per_author=4, diversity=0.3),
        ListOptions(page_token=PageToken.of(*(f"a{n:03}" for n in range(1, 60)))),
    ],
    ids=case_name,
)
def test_pages_are_slices_of_one_order(big, options):
    whole = ids(big.related("a000", options.replacing(limit=450)))

    assert len(whole) == len({*whole}) > 100
    for limit in (45, 90):
        pages = [
            ids(big.related("a000", options.replacing(limit=limit, offset=start)))
            for start in range(0, len(whole), limit)
        ]
        assert whole == [*chain(*pages)]


def test_many_pins_for_the_last_place_are_on_one_page_only():
    archive = Archive({"id": "a", "body": "kursk"}, *plain(40))
    archive.recommender.rules = RuleSet(
        rule(n, kind="pin", target={"article": f"p{n}"}, position=50) for n in range(8)
    )
    pages = [
        ids(archive.related("a", ListOptions(limit=5, offset=start))) for start in range(0, 40, 5)
    ]

    assert 40 == len({i for page in pages for i in page})


def plain(count: int, body: str = "") -> list[dict[str, Any]]:
    return [{"id": f"p{n}", "body": body or text(f"p{n}w", 9)} for n in range(count)]


def test_pins_for_the_end_of_a_list_do_not_precede_similar_articles():
    others = [{"id": f"o{n:02}", "body": f"kursk {text(f'o{n}w', 9)}"} for n in range(99)]
    archive = Archive({"id": "a", "body": "kursk sudzha"}, *plain(45, "kursk sudzha"), *others)
    archive.recommender.rules = RuleSet(
        rule(n, kind="pin", target={"article": f"o{n:02}"}, position=50) for n in range(45)
    )

    related_list = archive.related("a", ListOptions(limit=50))
    assert [f"o{n}" for n in range(45, 94)] == ids(related_list)[:49]


def test_three_hundred_copies_of_one_story_leave_room_for_the_others():
    copies = [{"id": f"c{n}", "body": f"kursk sudzha {WIRE} copy{n}"} for n in range(300)]
    others = [{"id": f"o{n}", "body": f"kursk {text(f'o{n}w', 60)}"} for n in range(5)]
    archive = Archive({"id": "a", "body": "kursk sudzha talks"}, *copies, *others)

    related_list = archive.related("a", ListOptions(limit=5))
    assert {"c0", "o0", "o1", "o2", "o3"} == {*ids(related_list)}
    assert 299 == len(related_list.items[0].same_story)


def test_an_article_that_adds_to_a_text_of_many_tells_their_story():
    """The text that many share has little weight, so their cosine with the source is low."""
    many = [{"id": f"many{n}", "body": text("many", 60)} for n in range(60)]
    others = [{"id": f"other{n}", "body": text(f"o{n}x", 80)} for n in range(10)]
    source = {"id": "source", "body": f"{text('many', 60)} {text('own', 30)}"}
    related_list = Archive(source, *many, *others).related("source", ANY.replacing(explain=True))

    assert [] == ids(related_list)
    assert {"same_story_as_source"} == {related_list.exclusions[one["id"]].code for one in many}


@pytest.mark.parametrize("fallback", [True, False])
def test_with_a_cap_or_a_filter_a_list_is_as_long_as_the_archive_allows(fallback):
    many = [{"id": f"m{n}", "body": "kursk " + text(f"m{n}w", 2), "authors": ["Ana"]}
            for n in range(150)]  # fmt: skip
    few = [{"id": f"f{n}", "body": "kursk " + text(f"f{n}w", 99), "authors": [f"B{n}"]}
           for n in range(6)]  # fmt: skip
    archive = Archive({"id": "a", "body": "kursk"}, *many, *few)
    options = ListOptions(limit=7, max_per_author=1, fallback=fallback, min_score=0.0)

    assert {f"f{n}" for n in range(6)} < {*ids(archive.related("a", options))}
    assert 6 == len(
        archive.related("a", options.replacing(author=tuple(f"b{n}" for n in range(6)))).items
    )


def test_fallback_items_respect_caps_and_tell_a_story_once():
    twins = [{"id": f"t{n}", "body": text("flood", 60), "authors": ["Bo"]} for n in range(9)]
    others = [{"id": f"o{n}", "body": text(f"o{n}w", 9), "authors": ["Ana"]} for n in range(30)]
    archive = Archive({"id": "a", "body": "kursk"}, *twins, *others)

    assert ["o0", "o1", "t0"] == ids(archive.related("a", ListOptions(max_per_author=2)))


# Order


def test_an_article_below_the_least_score_represents_no_story_and_counts_for_no_cap():
    near = {"body": f"kursk sudzha {WIRE}", "published_at": "2025-03-01", "authors": ["Ana"]}
    far = {"body": f"kursk {UPDATE}", "published_at": "2025-03-13", "authors": ["Ana"]}
    archive = Archive(
        {"id": "a", "body": "kursk sudzha"}, near | {"id": "near"}, far | {"id": "far"}
    )
    both = {item.card["id"]: item.similarity for item in archive.related("a").items}
    [far] = archive.related("a", ANY.replacing(story="newest", limit=9)).items
    assert "far" == far.card["id"]
    least = round(far.similarity + 0.01, 3)

    assert not both.keys() - {"near", "far"}
    for options in (ANY.replacing(story="newest"), ANY.replacing(max_per_author=1)):
        assert ["near"] == ids(archive.related("a", options.replacing(min_score=least)))


def test_sorting_by_date_orders_the_page_and_does_not_change_its_items():
    archive = Archive(
        {"id": "a0", "body": "kursk sudzha"},
        {"id": "a1", "body": "kursk sudzha border", "published_at": "2025-03-01"},
        {"id": "a2", "body": "kursk sudzha tram", "published_at": "2025-03-02"},
        {"id": "a3", "body": "kursk talks budget", "published_at": "2025-03-03"},
    )

    assert ["a2", "a1"] == ids(archive.related("a0", ListOptions(limit=2, sort="published_at")))


@pytest.mark.parametrize(
    ("mode", "first"), [("balanced", "now"), ("followup", "after"), ("recent", "latest")]
)
def test_each_mode_prefers_another_time(mode, first):
    dates = {
        "old": "2025-01-01",
        "now": "2025-02-01",
        "after": "2025-02-04",
        "latest": "2025-03-19",
    }
    archive = Archive(
        {"id": "a", "body": "kursk sudzha", "published_at": "2025-02-01"},
        *({"id": i, "body": f"kursk {i}", "published_at": day} for i, day in dates.items()),
    )

    assert first == ids(archive.related("a", ANY.replacing(mode=mode)))[0]
    assert {"old", "now"} == {*ids(archive.related("a", ANY.replacing(mode="background")))}


def test_for_a_text_without_a_date_every_published_article_is_background():
    archive = Archive(
        {"id": "a", "body": "kursk", "published_at": None}, {"id": "b", "body": "kursk talks"}
    )

    assert ["b"] == ids(archive.related("a", ANY.replacing(mode="background")))


def ladder() -> Archive:
    crowd = [{"id": f"p{n}", "body": f"the {text(f'p{n}w', 9)}", "section": "Sport"}
             for n in range(40)]  # fmt: skip
    return Archive(
        {"id": "a", "body": "the kursk sudzha", "section": "World"},
        {"id": "similar", "body": "kursk sudzha talks", "section": "Sport"},
        {"id": "section", "body": "tram", "section": "World"},
        *crowd[:3],
        {"id": "recent", "body": "bus", "section": "Sport", "published_at": "2025-03-14"},
        min_similarity=0.2,
    )


def test_a_short_list_is_filled_in_steps_and_each_step_has_its_reason():
    related_list = ladder().related("a", ListOptions(limit=9))

    reasons = ["similar", *3 * ["relaxed"], "same_section", "recent"]
    assert reasons == [item.reason for item in related_list.items] and related_list.fallback
    assert ["similar", "p0", "p1", "p2", "section", "recent"] == ids(related_list)


def test_without_fallback_a_list_has_only_related_articles():
    related_list = ladder().related("a", ListOptions(limit=9, fallback=False))

    assert ["similar"] == ids(related_list) and not related_list.fallback


def test_a_least_score_of_the_caller_applies_to_all_articles_that_share_words():
    related_list = ladder().related("a", ListOptions(limit=9, min_score=0.3))

    assert [("similar", "similar"), ("section", "same_section"), ("recent", "recent")] == [
        (item.card["id"], item.reason) for item in related_list.items
    ]


# Expiry


@pytest.mark.parametrize(
    ("embargo", "rule_ends", "expires"),
    [(None, None, None), (5, None, 5), (None, 2, 2), (5, 2, 2), (2, 5, 2)],
)
def test_a_list_expires_when_the_next_embargo_or_rule_ends(embargo, rule_ends, expires):
    def day(number: int) -> datetime:
        return NOW + timedelta(days=number)

    archive = Archive({"id": "a", "body": "kursk"}, {"id": "b", "body": "kursk talks"})
    if embargo:
        archive.put({"id": "c", "body": "kursk", "published_at": day(embargo).isoformat()})
    if rule_ends:
        archive.recommender.rules = RuleSet(
            [rule(kind="flag", flag="legal", target={"article": "b"}, expires_at=day(rule_ends))]
        )

    related_list = archive.related("a")
    assert (day(expires) if expires else None) == related_list.expires_at
    assert ([] if rule_ends else ["b"]) == ids(related_list)


def test_an_article_under_embargo_has_a_list_without_its_title():
    archive = Archive(
        {"id": "a", "body": "kursk", "published_at": "2025-03-25"}, {"id": "b", "body": "kursk x"}
    )

    related_list = archive.related("a")
    assert ({"id": "a"}, ["b"]) == (related_list.source, ids(related_list))


@pytest.mark.parametrize("flag", [flag for flag, effect in FLAGS.items() if effect.silenced])
def test_a_flagged_source_has_an_empty_list(flag):
    archive = Archive({"id": "a", "body": "kursk"}, {"id": "b", "body": "kursk talks"})
    archive.recommender.rules = RuleSet(
        [
            rule(1, kind="flag", flag=flag, target={"article": "a"}),
            rule(2, kind="pin", target={"article": "b"}, position=1),
        ]
    )

    assert [] == ids(archive.related("a", ListOptions()))


# Pins and conditions


@pytest.mark.parametrize(
    ("options", "is_there"),
    [
        (ListOptions(), True),
        (ListOptions(max_age=timedelta(days=1)), True),
        (ListOptions(mode="background"), True),
        (ListOptions(min_score=1.0), True),
        (ListOptions(max_per_section=1), True),
        (ListOptions(lang=("en",)), False),
        (ListOptions(section=("world",)), False),
        (ListOptions(tag=("war",)), False),
        (ListOptions(author=("ana",)), False),
        (ListOptions(published_before=datetime(2025, 3, 1, tzinfo=UTC)), False),
        (ListOptions(published_after=timedelta(days=1)), False),
        (ListOptions(exclude=("pin",)), False),
        (ListOptions(page_token=PageToken.of("pin")), False),
    ],
    ids=case_name,
)
def test_a_pin_overrides_defaults_but_not_the_filters_of_a_request(options, is_there):
    archive = Archive(
        {"id": "a", "body": "kursk", "published_at": "2025-03-01"},
        {"id": "pin", "body": "zebra", "language": "es", "published_at": "2025-03-10"},
    )
    archive.recommender.rules = RuleSet([rule(kind="pin", target={"article": "pin"}, position=1)])

    assert is_there == ("pin" in ids(archive.related("a", options)))


# The same articles have the same lists


@pytest.mark.parametrize("seed", range(3))
def test_lists_depend_on_the_articles_and_not_on_the_order_of_changes(seed):
    chance = random.Random(seed)
    final = [
        some_article(chance, f"a{n}")
        | {"body": " ".join(f"w{min(chance.randint(0, 60), 50)}" for _ in range(30))}
        for n in range(60)
    ]
    for copy, original in enumerate(final[:12], 40):
        final[copy]["body"] = original["body"] + " postscript"

    assert all_lists(Archive(*final)) == all_lists(arrived(final, chance))


def arrived(final: list[dict[str, Any]], chance: random.Random) -> Archive:
    """The same articles one by one, edited, deleted and put again."""
    archive = Archive()
    for fields in chance.sample(final, len(final)):
        earlier = {"body": " ".join(f"w{chance.randint(0, 50)}" for _ in range(9))}
        archive.put(some_article(chance, fields["id"]) | earlier)
        if chance.random() < 0.3:
            archive.put(some_article(chance, f"gone{fields['id']}"))
        if chance.random() < 0.3:
            archive.delete(chance.choice([*archive.articles]))
    for fields in chance.sample(final, len(final)):
        archive.put(fields)
    archive.delete(*(i for i in archive.articles if i.startswith("gone")))
    return archive


def all_lists(archive: Archive) -> list[list[tuple[Any, ...]]]:
    return [
        [
            (i.card["id"], f"{i.score:.6f}", i.reason, i.same_story)
            for i in archive.related(
                f"a{source}", ListOptions(limit=20, mode=mode, diversity=diversity)
            ).items
        ]
        for source in range(0, 60, 7)
        for mode in ("balanced", "background", "followup", "recent")
        for diversity in (None, 0.5)
    ]
