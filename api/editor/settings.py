"""Other settings, tried before they hold: two side by side, beside one article or over a sample."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from flask import Blueprint, Response, request, url_for

from api.editor import desk
from api.http.context import backend
from api.http.request import checked_id
from recommender.errors import FieldProblem, InvalidInput, NotFound
from recommender.pipeline.compare import MAX_SAMPLE, Compared, Sampled
from recommender.policy.ranking_model import SignalWeights
from recommender.policy.site_settings import ListDefaults, SiteSettings, parse_settings
from recommender.storage.rule_changes import StoredSettings
from recommender.storage.rulebook import RulesChanged

blueprint = Blueprint("settings", __name__, url_prefix="/<site>")

SIGNALS = tuple(SignalWeights.model_fields)
LISTS = ("section", "tag", "author", "lang")  # several values, one a line
ANY = "*"  # in their stead: none in particular, whatever the site has settled
FIELDS = (
    *("limit", "mode", "half_life_days", "diversity", "min_score", "max_age", "story"),
    *("max_per_section", "max_per_author", "max_per_source", *LISTS, "sort", "fallback"),
)
FIRST = ("mode", "half_life_days", "diversity", "min_score", "max_age")  # in the form
SURFACE = "surface"


class Side(NamedTuple):
    """
    One of two settings, as the form has it.

    Fields:
        typed: by field, as text; weights as `weights.<signal>`.
        problems: by field; without any, *defaults* is what was typed.
    """

    name: str
    typed: dict[str, str]
    defaults: ListDefaults
    problems: list[FieldProblem]

    @property
    def has_more(self) -> bool:
        """Whether anything is said that the form shows only when asked for more."""
        return any(value for name, value in self.typed.items() if name not in FIRST)


@blueprint.get("/settings")
def settings(site: str) -> Response:
    kept = backend().store.rulebook.settings(site)
    return _page(site, kept, note=desk.take_note("settings"))


@blueprint.post("/settings")
def save(site: str) -> Response:
    """Make settings B those of the site or of a surface."""
    seat = desk.require("admin")
    book = backend().store.rulebook
    kept, tried = book.settings(site), _side("b", request.form)
    if tried.problems:
        return _page(site, kept, 400)
    editor = seat.editor(request.form.get("note", ""))
    try:
        wanted = _with(kept.settings, _surface(), tried.defaults)
        seen = {request.form.get("revision", "")}
        book.replace_settings(site, wanted, editor, datetime.now(UTC), seen)
    except RulesChanged as error:
        waits = "Yours are not saved yet, and not lost: look once more, then save again."
        return _page(site, kept, 412, said=f"{desk.sentence(error)} {waits}")
    except InvalidInput as error:
        return _page(site, kept, 400, problems=error.problems)
    where = f"the surface “{_surface()}”" if _surface() else "the whole site"
    desk.leave_note("settings", said=f"Saved for {where}, from the next request on.")
    return desk.go(url_for("editor.settings.settings", site=site, surface=_surface() or None))


def _page(site: str, kept: StoredSettings, status: int = 200, **more: Any) -> Response:
    surface, settled = _surface(), kept.settings
    own = settled.surfaces.get(surface, ListDefaults()) if surface else settled.site
    a, b = (_side(name, request.values, own) for name in "ab")
    shown = {"note": None, "problems": [], **_compared(site, settled, a, b), **more}
    return desk.page(
        "settings.html",
        status,
        revision=kept.revision,
        surface=surface,
        surfaces=sorted(settled.surfaces),
        sides=(a, b),
        signals=SIGNALS,
        article=request.values.get("article", ""),
        model=backend().model(site),
        **shown,
    )


def _compared(site: str, stored: SiteSettings, a: Side, b: Side) -> dict[str, Any]:
    """What the page was asked to hold against each other."""
    asked = request.values.get("compare", "")
    nothing: dict[str, Any] = {"both": None, "sample": None}
    if not asked or a.problems or b.problems:
        return nothing
    live, now = backend().site(site), datetime.now(UTC)
    one, other = (stored.trying(side.defaults, _surface()) for side in (a, b))
    if asked == "sample":
        return {**nothing, "sample": _rows(live.sampled(one, other, MAX_SAMPLE, now))}
    article_id = request.values.get("article", "")
    if not article_id:
        return {**nothing, "problems": [FieldProblem("article", "name one by its id")]}
    try:
        made, _ = live.compared(checked_id(article_id), one, other, now)
    except NotFound:
        return {**nothing, "problems": [FieldProblem("article", "the archive has no such one")]}
    return {**nothing, "both": _lists(made)}


def _lists(made: Compared) -> dict[str, Any]:
    sides = {"a": made.a.items, "b": made.b.items}
    return {
        "source": made.a.source,
        "overlap": made.overlap,
        **{
            name: [(item.card, made.movements[item.card["id"]]) for item in items]
            for name, items in sides.items()
        },
    }


def _rows(found: Sampled) -> dict[str, Any]:
    """The figures of a sample as lines of a table: what, A, B."""
    names = {
        "items": ("Items in a list", 1.0, ""),
        "age_days": ("Age of an item, median", 1.0, "days"),
        "distance_days": ("Distance in time to the story, median", 1.0, "days"),
        "cosine": ("Likeness of the items to each other (less is more diverse)", 1.0, ""),
        "sections": ("Sections in a list", 1.0, ""),
        "fallback": ("Items that only fill up", 100.0, "%"),
    }
    rows = [
        (what, *(_shown(getattr(side, name), times, unit) for side in (found.a, found.b)))
        for name, (what, times, unit) in names.items()
    ]
    return {
        "articles": found.articles,
        "changed": _shown(found.changed, 100, "%"),
        "overlap": _shown(found.overlap, 100, "%"),
        "moved": _shown(found.moved, 1, ""),
        "rows": rows,
    }


def _shown(value: float | None, times: float, unit: str) -> str:
    if value is None:
        return "–"
    number = value * times
    return f"{number:.0f} {unit}".strip() if abs(number) >= 20 or unit == "%" else f"{number:.2f}"


def _with(stored: SiteSettings, surface: str | None, wanted: ListDefaults) -> SiteSettings:
    """A surface that says nothing is none. Raises InvalidInput."""
    if surface is None:
        return stored.model_copy(update={"site": wanted})
    others = {name: one for name, one in stored.surfaces.items() if name != surface}
    own = {} if wanted == ListDefaults() else {surface: wanted}
    return parse_settings(SiteSettings, {"site": stored.site, "surfaces": {**others, **own}})


def _surface() -> str | None:
    return request.values.get(SURFACE, "").strip() or None


def _side(name: str, sent: Mapping[str, str], stored: ListDefaults | None = None) -> Side:
    """What the form says of settings A or B; what is stored, where the form has not been sent."""
    fields = [*FIELDS, *(f"weights.{signal}" for signal in SIGNALS)]
    if stored is not None and not any(f"{name}.{field}" in sent for field in fields):
        return Side(name, _typed(stored), stored, [])
    typed = {field: sent.get(f"{name}.{field}", "").strip() for field in fields}
    try:
        return Side(name, typed, parse_settings(ListDefaults, _data(typed)), [])
    except InvalidInput as error:
        return Side(name, typed, ListDefaults(), error.problems)


def _typed(defaults: ListDefaults) -> dict[str, str]:
    said = defaults.model_dump(mode="json", exclude_none=True)
    weights = said.pop("weights", {})
    found = {name: _text(value) for name, value in said.items()}
    return found | {f"weights.{name}": _text(value) for name, value in weights.items()}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "\n".join(value) or ANY if isinstance(value, list) else str(value)


def _data(typed: Mapping[str, str]) -> dict[str, Any]:
    """What was typed, as the API takes it."""
    said = {name: value for name, value in typed.items() if value}
    weights = {name.removeprefix("weights."): said.pop(name) for name in list(said) if "." in name}
    several = {
        name: [line.strip() for line in said[name].splitlines() if line.strip() not in ("", ANY)]
        for name in LISTS
        if name in said
    }
    return {**said, **several, **({"weights": weights} if weights else {})}
