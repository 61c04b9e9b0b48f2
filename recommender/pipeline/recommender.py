"""The one pipeline: what belongs beside this article, by every rule that readers see."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from features.language import UNKNOWN
from recommender.articles import Card, StoredArticle
from recommender.errors import NotFound
from recommender.index.corpus import Corpus
from recommender.index.index import SCORE_DECIMALS, Neighbours
from recommender.index.index import warm as warm_index
from recommender.pipeline.candidates import DEEPER, DEEPEST, POOL, score_candidates
from recommender.pipeline.diversity import diversified
from recommender.pipeline.duplicates import Duplicate, copies
from recommender.pipeline.eligibility import (
    OTHER_LANGUAGE,
    Condition,
    all_passed,
    conditions,
    first_failed,
)
from recommender.pipeline.explain import Contributions, contributions, contributions_of
from recommender.pipeline.fallback import filling, newest_places
from recommender.pipeline.results import (
    FALLBACKS,
    Explanation,
    ListItem,
    RankedArticle,
    Reason,
    RelatedList,
    ShownExclusion,
)
from recommender.pipeline.selection import Exclusion, Selection, select
from recommender.pipeline.signals import Source, draft_source, stored_source
from recommender.pipeline.stories import BENEFIT_OF_DOUBT, Fingerprint, is_same_story
from recommender.policy.list_options import ListOptions
from recommender.policy.ranking_model import DEFAULTS, RankingModel
from recommender.policy.rule_set import NO_RULES, AppliedRules, RuleSet
from recommender.policy.rules import Rule
from recommender.policy.site_settings import NO_SETTINGS, ListDefaults, SiteSettings, Surfaces

Cards = Callable[[Sequence[str]], dict[str, Card]]


@dataclass(frozen=True, slots=True)
class Request:
    """
    One call: what was asked for, what settings and rules make of it, and who may stand in the list.
    """

    source: Source | None
    options: ListOptions
    now: datetime
    rules: AppliedRules
    model: RankingModel
    conditions: list[Condition]
    eligible: NDArray[np.bool_]


class Recommender:
    """
    Lists over a corpus, by the same steps for readers, previews and evaluation: eligibility and
    flags, retrieval, time and boosts, one per story, diversity and caps, pins, fallback, page.

    Equal scores stand newer first, then by id. The source is never in its own list.

    Args:
        corpus: the site's articles.
        cards: gives the cards of ids; an article without a card is passed over.
        model: the numbers of the formula, before the site's settings change any.
    """

    def __init__(self, corpus: Corpus, cards: Cards, model: RankingModel = DEFAULTS) -> None:
        self._corpus = corpus
        self._cards = cards
        self.model = model
        self.rules: RuleSet = NO_RULES
        self.surfaces = Surfaces(NO_SETTINGS, model)

    def trying(self, settings: ListDefaults) -> "Recommender":
        """The same with these settings for every list, whatever is stored."""
        other = Recommender(self._corpus, self._cards, self.model)
        other.rules = self.rules
        other.surfaces = Surfaces(SiteSettings(site=settings), self.model)
        return other

    def related(self, article_id: str, options: ListOptions, now: datetime) -> RelatedList:
        """
        The list beside a stored article.

        Raises:
            NotFound: when the site has no such article.
        """
        slot = self._corpus.index.slot(article_id)
        if slot is None:
            raise NotFound(f"no article {article_id!r}")
        return self._beside(stored_source(self._corpus, slot), article_id, options, now)

    def related_to(
        self,
        draft: StoredArticle,
        options: ListOptions,
        now: datetime,
        draft_of: str | None = None,
    ) -> RelatedList:
        """The list beside a draft, which is not stored, by the rules for the article *draft_of*."""
        source = draft_source(self._corpus, draft)
        return self._beside(source, None, options, now, ruled_as=draft_of)

    def duplicates(self, draft: StoredArticle, now: datetime, draft_of: str) -> list[Duplicate]:
        """The published articles that tell a draft's story, whatever rules say of them."""
        there = self._corpus.facets.published_between(None, None, now)
        there[self._corpus.slots([draft_of])] = False
        found = copies(self._corpus, draft_source(self._corpus, draft), there)
        ids = self._corpus.ids(copy.slot for copy in found)
        cards = self._cards(ids)
        return [
            Duplicate(cards[i], copy.similarity, copy.overlap)
            for i, copy in zip(ids, found, strict=True)
            if i in cards
        ]

    def linking_to(
        self, draft: StoredArticle, options: ListOptions, now: datetime, draft_of: str
    ) -> RelatedList:
        """What is like a draft, where rules let a link to the draft *draft_of* stand beside it."""
        made = self.related_to(draft, options, now)
        items = [
            item
            for item in made.items
            if item.reason != "pinned" and self._admits(item.card, draft, now, draft_of)
        ]
        return replace(made, items=items)

    def _admits(self, host: Card, draft: StoredArticle, now: datetime, draft_of: str) -> bool:
        rules = self.rules.for_list(host["id"], host["section"], now)
        away = draft_of in rules.hidden or draft_of in rules.blocked
        blocked = any(section in rules.blocked_sections for section in draft.facets.section)
        return not (rules.silenced or away or blocked)

    def standing(
        self, article_id: str, target_id: str, options: ListOptions, now: datetime
    ) -> Explanation:
        """
        Where the target stands beside a stored article, or why it does not.

        Raises:
            NotFound: when the site does not have the first of the two.
        """
        slot, target = self._corpus.index.slot(article_id), self._corpus.index.slot(target_id)
        if slot is None:
            raise NotFound(f"no article {article_id!r}")
        if target is None:
            return Explanation(None, None, ShownExclusion("not_there"), None, None)
        source = stored_source(self._corpus, slot)
        request = self._request(source, article_id, options, now)
        places, dropped = self._places(source, request)
        position = next((n for n, place in enumerate(places, 1) if place.slot == target), None)
        shared = contributions(self._corpus, source, target)
        refusal = self._refusal(request, target, position, dropped)
        if refusal is None and position is None:
            refusal = ShownExclusion(self._distance(source, request, shared))
        section = next(iter(self._corpus.facets.of(target).section), None)
        return Explanation(
            position,
            None if position is None else places[position - 1],
            refusal,
            shared,
            _rule_about(request.rules, target_id, section),
        )

    def _distance(self, source: Source, request: Request, shared: Contributions) -> str:
        """Why an article that may stand in the list has no place in it."""
        if not shared.terms.size:
            return "nothing_in_common"
        similarity = round(float(shared.weights.sum()), SCORE_DECIMALS)
        far = similarity < self._least_similarity(source, request)
        return "less_similar" if far and not _takes_distant(request.options) else "further_down"

    def _refusal(
        self, request: Request, target: int, position: int | None, dropped: Mapping[int, Exclusion]
    ) -> ShownExclusion | None:
        """What keeps the target off the page, None when nothing does but its distance."""
        if position is not None:
            on_page = request.options.offset < position <= request.options.last_place
            return None if on_page else ShownExclusion("further_down")
        if request.rules.silenced is not None:
            return ShownExclusion("silenced")
        if target in dropped:
            return self._named({target: dropped[target]})[self._corpus.index.ids[target]]
        if self._corpus.index.ids[target] in request.options.page_token:
            return ShownExclusion("shown_elsewhere")
        failed = first_failed(request.conditions, target)
        return None if failed is None else ShownExclusion(failed)

    def recent(self, options: ListOptions, now: datetime) -> RelatedList:
        """The newest articles; of *wanted* only filters and page play a part."""
        request = self._request(None, None, options, now)
        options = request.options
        places = newest_places(self._corpus, request.eligible, options, options.depth, "recent")
        items = self._items(places, self._cards_of(places))
        page = items[options.offset : options.last_place]
        return RelatedList(None, page, False, self._expires_at(request))

    def _request(
        self, source: Source | None, article_id: str | None, options: ListOptions, now: datetime
    ) -> Request:
        surface = self.surfaces.of(options.surface)
        options, model = surface.complete(options), surface.model
        section = source.facets.section[:1] if source is not None else ()
        rules = self.rules.for_list(article_id, section[0] if section else None, now)
        found = conditions(self._corpus, source, options, rules, model, now)
        return Request(source, options, now, rules, model, found, all_passed(found))

    def _beside(
        self,
        source: Source,
        article_id: str | None,
        options: ListOptions,
        now: datetime,
        ruled_as: str | None = None,
    ) -> RelatedList:
        request = self._request(source, article_id or ruled_as, options, now)
        options = request.options
        places, dropped = self._places(source, request)
        if options.explain:
            dropped = self._nearest_first(source, request, dropped, {p.slot for p in places})
        places = places[: options.depth]
        cards = self._cards_of(places, article_id)
        if article_id is not None and article_id not in cards:
            raise NotFound(f"no article {article_id!r}")
        items = self._items(places, cards)[options.offset : options.last_place]
        if options.explain:
            items = self._with_shared(items, source)
        if options.sort == "published_at":
            items.sort(key=_published, reverse=True)
        return RelatedList(
            self._shown_source(article_id, cards, now),
            items,
            any(item.reason in FALLBACKS for item in items),
            self._expires_at(request),
            self._named(dropped) if options.explain else None,
        )

    def _places(
        self, source: Source, request: Request
    ) -> tuple[list[RankedArticle], dict[int, Exclusion]]:
        if request.rules.silenced is not None:
            return [], {}
        pinned = self._pinned(request)
        similar, dropped = self._similar(source, request, pinned)
        places = [place for place in similar if place.slot not in pinned]
        if request.options.fills_up:
            kept_out = {*pinned, *dropped}
            places += filling(
                self._corpus, source, request.eligible, request.options, kept_out, places
            )
            if not places and not pinned:
                places = self._in_other_languages(source, request, kept_out)
        place = 0
        for slot, position in pinned.items():
            place = max(place + 1, position)  # two pins for one place stand one behind the other
            places.insert(place - 1, RankedArticle(slot, "pinned"))
            dropped.pop(slot, None)
        return places, dropped

    def _in_other_languages(
        self, source: Source, request: Request, kept_out: Collection[int]
    ) -> list[RankedArticle]:
        """What fills a list that would be empty for the language of its source alone."""
        others = [one for one in request.conditions if one.code != OTHER_LANGUAGE or one.binds_pins]
        eligible = all_passed(others)
        places = filling(self._corpus, source, eligible, request.options, kept_out, [])
        return [place._replace(reason="other_language") for place in places]

    def _nearest_first(
        self,
        source: Source,
        request: Request,
        dropped: Mapping[int, Exclusion],
        placed: Collection[int],
    ) -> dict[int, Exclusion]:
        """What was dropped, and what was not even looked at because it may not stand there."""
        everybody = np.ones_like(request.eligible)
        found = dict(dropped)
        nearest = _nearest(self._corpus, source, POOL, everybody).slots.tolist()
        for slot in nearest:
            failed = first_failed(request.conditions, slot)
            if failed is not None and slot not in placed:
                found[slot] = Exclusion(failed)
        order = {slot: place for place, slot in enumerate(nearest)}
        return dict(sorted(found.items(), key=lambda item: order.get(item[0], len(order))))

    def _similar(
        self, source: Source, request: Request, pinned: Collection[int]
    ) -> tuple[list[RankedArticle], dict[int, Exclusion]]:
        """
        What shares words with the source, in list order, as deep as it takes, but not deeper than
        `DEEPEST`.

        What is less than related keeps its place, for it is still the best there is (to put it last
        cost .03 nDCG@10); it is named `relaxed`, and left out where no fallback is wanted, before
        it can speak for a story or take up room under a cap.
        """
        options, depth = request.options, POOL
        least = self._least_similarity(source, request)
        while True:
            found = _nearest(
                self._corpus, source, depth + len(options.page_token), request.eligible
            )
            unseen = self._unseen(found, options)
            far = unseen.scores < (0.0 if _takes_distant(options) else least)
            near = Neighbours(unseen.slots[~far], unseen.scores[~far])
            selection = self._selected(source, near, request, depth)
            # Nobody looks further, unless every candidate is to be explained.
            most = None if options.explain else options.depth + len(pinned)
            places = list(islice(_as_places(selection, least), most))
            enough = sum(p.slot not in pinned for p in places) >= options.depth
            if enough or far.any() or found.slots.size < depth or depth >= DEEPEST:
                dropped = dict.fromkeys(unseen.slots[far].tolist(), Exclusion("less_similar"))
                return places, {**dropped, **selection.dropped}
            depth *= DEEPER

    def _selected(
        self, source: Source, found: Neighbours, request: Request, depth: int
    ) -> Selection:
        options, rules, model = request.options, request.rules, request.model
        candidates = score_candidates(
            self._corpus, source, found, options, rules, model, request.now, depth
        )
        return select(self._corpus, source, candidates, options, model)

    def _unseen(self, found: Neighbours, options: ListOptions) -> Neighbours:
        """Without what other boxes of the page show."""
        if not options.page_token:
            return found
        ids = self._corpus.ids(found.slots)
        unseen = np.array([i not in options.page_token for i in ids], dtype=np.bool_)
        return Neighbours(found.slots[unseen], found.scores[unseen])

    def _least_similarity(self, source: Source, request: Request) -> float:
        if request.options.min_score is not None:
            return request.options.min_score
        if request.model.min_similarity is not None:
            return request.model.min_similarity
        language = next(iter(source.facets.language), UNKNOWN)
        return self._corpus.least_similarity(None if language == UNKNOWN else language)

    def _pinned(self, request: Request) -> dict[int, int]:
        """Slot → position of the pins that hold, the first positions first."""
        binding = [one for one in request.conditions if one.binds_pins]
        pinned = {}
        for pin in request.rules.pins:
            target = pin.target.article or ""
            slot = self._corpus.index.slot(target)
            if slot is None or target in request.options.page_token:
                continue
            if first_failed(binding, slot) is None:
                pinned[slot] = pin.position or 1
        return pinned

    def _expires_at(self, request: Request) -> datetime | None:
        upcoming = (self._corpus.facets.next_publication(request.now), request.rules.expires_at)
        return min((moment for moment in upcoming if moment is not None), default=None)

    def _shown_source(
        self, article_id: str | None, cards: Mapping[str, Card], now: datetime
    ) -> Card | None:
        if article_id is None:
            return None
        if self._corpus.facets.all_published(self._corpus.slots([article_id]), now):
            return cards[article_id]
        return {"id": article_id}  # its title is nobody's business yet

    def _cards_of(self, places: Sequence[RankedArticle], *more: str | None) -> dict[str, Card]:
        ids = self._corpus.ids(place.slot for place in places)
        return self._cards([*(i for i in more if i is not None), *ids])

    def _items(self, places: Sequence[RankedArticle], cards: Mapping[str, Card]) -> list[ListItem]:
        ids = self._corpus.ids(place.slot for place in places)
        return [
            ListItem(
                cards[i],
                place.score,
                place.reason,
                place.similarity,
                place.factors,
                tuple(self._corpus.ids(place.same_story)),
                diversity_penalty=place.diversity_penalty,
            )
            for i, place in zip(ids, places, strict=True)
            if i in cards
        ]

    def _with_shared(self, items: list[ListItem], source: Source) -> list[ListItem]:
        slots = self._corpus.slots(item.card["id"] for item in items).tolist()
        shared = contributions_of(self._corpus, source, slots)
        return [item._replace(shared=found) for item, found in zip(items, shared, strict=True)]

    def _named(self, dropped: Mapping[int, Exclusion]) -> dict[str, ShownExclusion]:
        ids = self._corpus.index.ids
        return {
            ids[slot]: ShownExclusion(
                drop.code, None if drop.by_slot is None else ids[drop.by_slot]
            )
            for slot, drop in dropped.items()
        }


def warm() -> None:
    """Have everything compiled, or read from the disk, before the first reader comes."""
    warm_index()
    one = Fingerprint(np.arange(BENEFIT_OF_DOUBT, dtype=np.uint32), np.empty(0, np.uint32))
    is_same_story(one, one)
    diversified(np.ones(2), np.eye(2), 0.5, 2)


def _rule_about(rules: AppliedRules, article_id: str, section: str | None) -> Rule | None:
    pins = {pin.target.article: pin for pin in rules.pins}
    boosts = rules.boost(article_id, section).rules
    return (
        rules.silenced
        or rules.hidden.get(article_id)
        or rules.blocked.get(article_id)
        or rules.blocked_sections.get(section or "")
        or pins.get(article_id)
        or (boosts[0] if boosts else None)
    )


def _nearest(corpus: Corpus, source: Source, k: int, eligible: NDArray[np.bool_]) -> Neighbours:
    if source.slot is not None:
        return corpus.index.similar(corpus.index.ids[source.slot], k, eligible)
    return corpus.index.similar_to(source.counts, k, eligible)


def _takes_distant(options: ListOptions) -> bool:
    """Whether the list may hold what is less similar than related articles are."""
    return options.fills_up and options.min_score is None


def _as_places(selection: Selection, least_similarity: float) -> Iterator[RankedArticle]:
    kept = selection.kept
    columns = (kept.slots, kept.scores, kept.similarity, selection.penalties)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    for number, (slot, score, similarity, penalty) in enumerate(rows):
        factors = {name: float(values[number]) for name, values in kept.factors.items()}
        reason: Reason = "similar" if similarity >= least_similarity else "relaxed"
        told = selection.same_story.get(slot, ())
        yield RankedArticle(slot, reason, score, similarity, factors, told, penalty)


def _published(item: ListItem) -> datetime:
    date = item.card["published_at"]  # as text, 12:00:00.5Z would stand before 12:00:00Z
    return datetime.fromisoformat(date) if date else datetime.min.replace(tzinfo=UTC)
