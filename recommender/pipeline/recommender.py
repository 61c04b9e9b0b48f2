"""The pipeline that makes every list: for readers, for previews and for evaluation."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice

import numpy as np

from recommender.articles import NO_PAGE, StoredArticle, instant
from recommender.errors import NotFound
from recommender.index.corpus import Corpus
from recommender.index.index import Neighbours
from recommender.pipeline.candidates import (
    DEEPENING,
    MAX_CANDIDATES,
    POOL,
    allows_less_similar,
    least_similarity,
    nearest,
    score_candidates,
    without_shown,
)
from recommender.pipeline.duplicates import Duplicates, duplicates
from recommender.pipeline.eligibility import OTHER_LANGUAGE, all_passed, conditions, first_failed
from recommender.pipeline.exclusions import explained, with_ineligible
from recommender.pipeline.fallback import fallback, newest_places
from recommender.pipeline.request import Request
from recommender.pipeline.results import (
    Exclusion,
    Explanation,
    RankedArticle,
    Ranking,
    Reason,
)
from recommender.pipeline.selection import Selection, select
from recommender.pipeline.several import (
    Example,
    WeightedSource,
    combined,
    without_own_stories,
)
from recommender.pipeline.signals import Source, draft_source, stored_source
from recommender.policy.list_options import ListOptions
from recommender.policy.ranking_model import DEFAULTS, RankingModel
from recommender.policy.rule_set import NO_RULES, RuleSet
from recommender.policy.site_settings import NO_SETTINGS, ListDefaults, SiteSettings, Surfaces

Placing = tuple[list[RankedArticle], dict[int, Exclusion[int]]]
"""The whole ranking, and why other candidates have no place in it."""


class Recommender:
    """
    Lists over a corpus, always by the same steps: eligibility, the nearest articles, scores, one
    article per story, diversity, caps, pins, fallback.

    Articles of equal score are ordered newest first, then by id. The source is never in its own
    list. Results name articles by slot, and so hold only until the corpus changes.

    Args:
        corpus: the articles of the site.
        model: the numbers of the formula, before settings of the site change any.

    Attributes:
        rules: those of the editors.
        surfaces: the settings of the site.
    """

    def __init__(self, corpus: Corpus, model: RankingModel = DEFAULTS) -> None:
        self.corpus = corpus
        self.model = model
        self.rules: RuleSet = NO_RULES
        self.surfaces = Surfaces(NO_SETTINGS, model)

    def with_settings(self, settings: ListDefaults) -> "Recommender":
        """The same with these settings for every list, whatever is stored."""
        other = Recommender(self.corpus, self.model)
        other.rules = self.rules
        other.surfaces = Surfaces(SiteSettings(site=settings), self.model)
        return other

    def related(self, article_id: str, options: ListOptions, now: datetime) -> Ranking:
        """
        The list of a stored article.

        Raises:
            NotFound: when the site has no such article.
        """
        source = self._stored(article_id)
        return self._ranking(source, self._request(source, article_id, options, now))

    def related_to(
        self,
        draft: StoredArticle,
        options: ListOptions,
        now: datetime,
        draft_of: str | None = None,
    ) -> Ranking:
        """The list of a draft, which is not stored, by the rules for the article *draft_of*."""
        source = draft_source(self.corpus, draft)
        return self._ranking(source, self._request(source, draft_of, options, now))

    def related_to_several(
        self, examples: Sequence[Example], options: ListOptions, now: datetime
    ) -> Ranking:
        """
        One list for several sources.

        No source is in it, nor an article that tells a source's story. The rules of the whole site
        apply, and what the editors blocked next to one of the sources.

        Args:
            examples: at least one of them with a weight above 0.

        Raises:
            NotFound: when the site does not have one of the articles.
        """
        source = combined(self.corpus, [self._weighted(example) for example in examples])
        request = self._request(source, None, options, now)
        return self._ranking(source, without_own_stories(request, source, self.rules))

    def linking_to(
        self, draft: StoredArticle, options: ListOptions, now: datetime, draft_of: str
    ) -> Ranking:
        """Articles like a draft whose own rules allow a link to the draft *draft_of*."""
        ranking = self.related_to(draft, options, now)
        offset = ranking.options.offset
        places = ranking.places[:offset]
        # After the page is cut, so that it has no articles of the next page.
        for place in ranking.places[offset : ranking.options.last_place]:
            if place.reason != "pinned" and self._may_link(place.slot, draft, now, draft_of):
                places.append(place)
        return replace(ranking, places=places)

    def recent(self, options: ListOptions, now: datetime) -> Ranking:
        """The newest articles; of the options, only filters and page apply."""
        request = self._request(None, None, options, now)
        depth = request.options.depth
        places = newest_places(request, request.eligible, depth, "recent")
        # They are in order already, and have no score to explain.
        by_date = request.options.replacing(sort="score", explain=False)
        return Ranking(None, False, places, by_date, _expires_at(request))

    def duplicates(self, draft: StoredArticle, now: datetime, draft_of: str) -> Duplicates:
        """The published articles that tell a draft's story; rules do not apply."""
        eligible = self.corpus.facets.published_between(None, None, now)
        eligible[self.corpus.slots([draft_of])] = False
        return duplicates(self.corpus, draft_source(self.corpus, draft), eligible)

    def explanation(
        self, article_id: str, target_id: str, options: ListOptions, now: datetime
    ) -> Explanation:
        """
        Why the target has its place in the list of a stored article, or has none.

        Raises:
            NotFound: when the site does not have the first of the two.
        """
        source = self._stored(article_id)
        target = self.corpus.index.slot(target_id)
        if target is None:
            return Explanation(None, None, Exclusion("not_there"), None, None)
        request = self._request(source, article_id, options, now)
        places, excluded = _placing(source, request)
        return explained(request, source, target, places, excluded)

    def _weighted(self, example: Example) -> WeightedSource:
        if isinstance(example.article, str):
            return WeightedSource(self._stored(example.article), example.weight)
        return WeightedSource(draft_source(self.corpus, example.article), example.weight)

    def _stored(self, article_id: str) -> Source:
        slot = self.corpus.index.slot(article_id)
        if slot is None:
            raise NotFound(f"no article {article_id!r}")
        return stored_source(self.corpus, slot)

    def _request(
        self, source: Source | None, article_id: str | None, options: ListOptions, now: datetime
    ) -> Request:
        surface = self.surfaces.of(options.surface)
        options = surface.complete(options)
        section = next(iter(source.facets.section), None) if source is not None else None
        rules = self.rules.for_list(article_id, section, now)
        required = conditions(self.corpus, source, options, rules, surface.model, now)
        return Request(
            self.corpus, options, now, rules, surface.model, required, all_passed(required)
        )

    def _ranking(self, source: Source, request: Request) -> Ranking:
        options = request.options
        places, excluded = _placing(source, request)
        if options.explain:
            excluded = with_ineligible(request, source, excluded, places)
        return Ranking(
            source,
            source.facets.published <= instant(request.now),
            places[: options.depth],
            options,
            _expires_at(request),
            excluded if options.explain else None,
        )

    def _may_link(self, slot: int, draft: StoredArticle, now: datetime, draft_of: str) -> bool:
        section = next(iter(self.corpus.facets.of(slot).section), None)
        rules = self.rules.for_list(self.corpus.index.ids[slot], section, now)
        kept_away = draft_of in rules.hidden or draft_of in rules.blocked
        blocked = any(section in rules.blocked_sections for section in draft.facets.section)
        return not (rules.silenced or kept_away or blocked)


def _placing(source: Source, request: Request) -> Placing:
    """Rank the related articles, then add pins and what fills the list up."""
    if request.rules.silenced is not None:
        return [], {}
    options = request.options
    pins = _pins(request)
    related, excluded = _related(source, request, pins)
    # Pins take their places last, so a position means that position.
    # Without the other articles at a pinned address, which readers would see twice.
    pinned = _same_pages(request, pins)
    places = [place for place in related if place.slot not in pinned]
    if options.fills_up and len(places) < options.depth:
        kept_out = {*pinned, *excluded}
        places += fallback(request, source, kept_out, places)
        if not places and not pins and _is_alone_in_its_language(request):
            places = _in_other_languages(request, source, kept_out)
    place = 0
    for slot, position in pins.items():
        place = max(place + 1, position)  # of two pins for one place the second follows the first
        places.insert(place - 1, RankedArticle(slot, "pinned"))
        excluded.pop(slot, None)
    return places, excluded


def _is_alone_in_its_language(request: Request) -> bool:
    """Whether nothing else that is published has the language of the source."""
    codes = ("itself", "same_page", "not_published", OTHER_LANGUAGE)
    required = [condition for condition in request.conditions if condition.code in codes]
    return not all_passed(required).any()


def _in_other_languages(
    request: Request, source: Source, kept_out: Collection[int]
) -> list[RankedArticle]:
    """What fills a list that its language alone leaves empty."""
    others = [c for c in request.conditions if c.code != OTHER_LANGUAGE or c.binds_pins]
    places = fallback(replace(request, eligible=all_passed(others)), source, kept_out, [])
    return [place._replace(reason="other_language") for place in places]


def _related(source: Source, request: Request, pins: Collection[int]) -> Placing:
    """
    Rank the articles that share words with the source, as deep as the page needs, and no deeper
    than `MAX_CANDIDATES`.

    Articles below the least similarity keep their place, for they are still the best there is (to
    put them last cost .03 nDCG@10); their reason is `relaxed`. Without fallback they are left out
    before they can represent a story or take up room under a cap.
    """
    options = request.options
    least = least_similarity(request, source)
    depth = POOL
    while True:
        neighbours = nearest(
            request.corpus, source, depth + len(options.page_token), request.eligible
        )
        unseen = without_shown(request, neighbours)
        is_far = unseen.scores < (0.0 if allows_less_similar(options) else least)
        near = Neighbours(unseen.slots[~is_far], unseen.scores[~is_far])
        selection = select(request, source, score_candidates(request, source, near, depth))
        # An explanation needs every candidate, a list only those near its page.
        needed = None if options.explain else options.depth + len(pins)
        places = list(islice(_ranked(selection, least), needed))
        is_full = sum(place.slot not in pins for place in places) >= options.depth
        is_all = bool(is_far.any()) or neighbours.slots.size < depth or depth >= MAX_CANDIDATES
        if is_full or is_all:
            far = unseen.slots[is_far].tolist()
            excluded = dict.fromkeys(far, Exclusion[int]("less_similar"))
            return places, {**excluded, **selection.excluded}
        depth *= DEEPENING


def _ranked(selection: Selection, least: float) -> Iterator[RankedArticle]:
    kept = selection.kept
    columns = (kept.slots, kept.scores, kept.similarity, selection.penalties)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    for number, (slot, score, similarity, penalty) in enumerate(rows):
        factors = {name: float(values[number]) for name, values in kept.factors.items()}
        reason: Reason = "similar" if similarity >= least else "relaxed"
        same_story: Sequence[int] = selection.same_story.get(slot, ())
        yield RankedArticle(slot, reason, score, similarity, factors, same_story, penalty)


def _pins(request: Request) -> dict[int, int]:
    """Slot → position of the pins that apply, the first positions first."""
    binding = [condition for condition in request.conditions if condition.binds_pins]
    pins: dict[int, int] = {}
    for pin in request.rules.pins:
        target = pin.target.article or ""
        slot = request.corpus.index.slot(target)
        if slot is None or target in request.options.page_token:
            continue
        is_new = slot in pins or slot not in _same_pages(request, pins)
        if is_new and first_failed(binding, slot) is None:
            pins[slot] = pin.position or 1
    return pins


def _same_pages(request: Request, pins: Collection[int]) -> set[int]:
    """The pinned articles, and all others at their addresses."""
    if not pins:
        return set()
    facets = request.corpus.facets
    pages = np.unique(facets.pages[np.array(list(pins), np.intp)])
    same_page = np.isin(facets.pages, pages[pages != NO_PAGE])
    return {*pins, *np.flatnonzero(same_page).tolist()}


def _expires_at(request: Request) -> datetime | None:
    upcoming = (request.corpus.facets.next_publication(request.now), request.rules.expires_at)
    return min((moment for moment in upcoming if moment is not None), default=None)
