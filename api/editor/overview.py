"""The overview page: archive, lists, readers and service in figures."""

from collections.abc import Iterable
from datetime import datetime

from flask import Blueprint, Response, url_for

from api.editor.labels import OUTLIERS
from api.editor.pages import leave_note, page, redirect_to, take_note
from api.editor.session import require
from api.http.request import backend
from api.http.responses import json_response
from recommender.overview import Band, BandOfLists, EvaluationSummary, Overview, Value, overview_of
from recommender.policy.list_options import ListOptions
from recommender.policy.option_types import ANY_LANGUAGE
from recommender.replica.index_files import FILE_FROM
from recommender.replica.site import SiteReplica

blueprint = Blueprint("overview", __name__, url_prefix="/<site>")

MEASURES = {
    "nDCG@10": "order of the first ten (nDCG@10)",
    "recall@10": "found among ten (recall@10)",
    "hit@5": "one or more among five (hit@5)",
}
_DURATIONS = {
    1: "a day",
    7: "a week",
    30: "a month",
    90: "3 months",
    365: "a year",
    1825: "5 years",
}

Rows = list[tuple[str, int]]
"""The lines of a plot: label and number."""


@blueprint.get("/overview")
def overview(site: str) -> Response:
    live = backend().site(site)
    now = backend().clock.now()
    figures = overview_of(backend(), live, now)
    # Sections are counted in lower case, but editors know them as they are written.
    for section in figures["archive"]["sections"]:
        section["name"] = _as_written(live, section["name"], now)
    return page(
        "overview.html",
        **figures,
        rows=_rows(figures),
        outliers=OUTLIERS,
        measures=_measures(figures["evaluation"]),
        note=take_note("overview"),
        file_from=FILE_FROM,
    )


@blueprint.post("/survey")
def survey(site: str) -> Response:
    """Start a survey. It needs only `look`, because readers do not notice it."""
    require("look")
    if not backend().surveyor.start(backend().site(site)):
        leave_note("overview", message="A survey of the lists is running already.")
    return redirect_to(url_for("editor.overview.overview", site=site) + "#lists")


@blueprint.get("/survey.json")
def survey_progress(site: str) -> Response:
    """The progress of the survey, for the script; null if none is running."""
    progress = backend().surveys.progress(site)
    return json_response(None if progress is None else progress._asdict())


def _as_written(live: SiteReplica, section: str | None, now: datetime) -> str | None:
    """A section in lower case, as its newest article writes it."""
    if section is None:
        return None
    options = ListOptions(limit=1, section=(section,), tag=(), author=(), lang=(ANY_LANGUAGE,))
    newest, _ = live.read_with_cards(lambda recommender: recommender.recent(options, now))
    return newest.items[0].card["section"] if newest.items else section


def _rows(figures: Overview) -> dict[str, Rows]:
    archive = figures["archive"]
    days = figures["readers"]["days"]
    rows = {
        "sections": _value_rows(archive["sections"], "others, or none"),
        "languages": _value_rows(archive["languages"], "others, or unknown"),
        "years": _value_rows(archive["years"], "earlier"),
        "fresh": [(day["day"], day["articles"]) for day in figures["fresh"]["days"]],
        "impressions": [(day["day"], day["impressions"]) for day in days],
        "clicks": [(day["day"], day["clicks"]) for day in days],
    }
    survey = figures["survey"]
    if survey is not None:
        numbers = map(_related_label, range(len(survey["related"])))
        rows["related"] = [*zip(numbers, survey["related"], strict=True)]
        recommended = survey["recommended"]
        rows["recommended"] = [(_lists_label(band), band["articles"]) for band in recommended]
        rows["ages"] = _age_rows(survey["ages"])
        rows["gaps"] = _age_rows(survey["gaps"])
    return rows


def _age_rows(bands: Iterable[BandOfLists]) -> Rows:
    return [(_age_label(band), band["lists"]) for band in bands]


def _measures(evaluation: EvaluationSummary | None) -> dict[str, str]:
    """Labels of the measures to show: the best known ones, or else the first ones."""
    systems = evaluation["systems"] if evaluation else {}
    names = list(next(iter(systems.values()), {}))
    known = {name: label for name, label in MEASURES.items() if name in names}
    if known:
        return known
    # An evaluation may have been made with other measures.
    return {name: name for name in names[: len(MEASURES)]}


def _value_rows(values: Iterable[Value], others: str) -> Rows:
    return [(value["name"] or others, value["articles"]) for value in values]


def _age_label(band: Band) -> str:
    start = band["from"]
    end = band["below"]
    if start is None:
        return "newer than the article"
    if end is None:
        return f"more than {_DURATIONS[start]}"
    return f"{'up to' if start else 'less than'} {_DURATIONS[end]}"


def _lists_label(band: Band) -> str:
    start = band["from"] or 0
    end = band["below"]
    if end is None:
        return f"in more than {start - 1} lists"
    if end > start + 1:
        return f"in {start} to {end - 1} lists"
    if start == 0:
        return "in none"
    return f"in {start} list{'' if start == 1 else 's'}"


def _related_label(number: int) -> str:
    return f"{number or 'no'} related article{'' if number == 1 else 's'}"
