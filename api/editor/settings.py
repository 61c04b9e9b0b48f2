"""The settings page of the desk: two settings, compared for an article or a sample, and saved."""

from typing import Any, NamedTuple

from flask import Blueprint, Response, request, url_for

from api.editor.article_names import id_named
from api.editor.pages import leave_note, page, redirect_to, sentence, take_note
from api.editor.session import require
from api.editor.settings_form import Side, form_fields, side_of
from api.http.request import backend
from recommender.errors import FieldProblem, InvalidInput, NotFound
from recommender.pipeline import compare
from recommender.pipeline.compare import MAX_SAMPLE, Compared, Sampled
from recommender.policy.site_settings import ListDefaults, SiteSettings, parse_settings
from recommender.replica.sampling import compare_over_sample
from recommender.storage.rule_changes import StoredSettings
from recommender.storage.rulebook import RulesChanged

blueprint = Blueprint("settings", __name__, url_prefix="/<site>")

SURFACE = "surface"  # field of the page and of its address


class Figure(NamedTuple):
    """A figure of a sample: its field of `SampleFigures`, and how the page shows it."""

    field: str
    label: str
    factor: float = 1.0
    unit: str = ""


FIGURES = (
    Figure("items", "Items in a list"),
    Figure("age_days", "Age of an item, median", unit="days"),
    Figure("distance_days", "Distance in time to the article, median", unit="days"),
    Figure("cosine", "Similarity between items (lower is more diverse)"),
    Figure("sections", "Sections in a list"),
    Figure("fallback", "Filler items", 100.0, "%"),
)


@blueprint.get("/settings")
def settings(site: str) -> Response:
    stored = backend().store.rulebook.settings(site)
    return _page(site, stored, note=take_note("settings"))


@blueprint.post("/settings")
def save(site: str) -> Response:
    """Save settings B for the site or a surface."""
    user = require("admin")
    book = backend().store.rulebook
    stored = book.settings(site)
    surface = _surface()
    side = side_of("b", request.form)
    if side.problems:
        return _page(site, stored, 400)
    editor = user.as_editor(request.form.get("note", ""))
    try:
        changed = _with_defaults(stored.settings, surface, side.defaults)
        # Refused if someone saved since this page was shown.
        seen = {request.form.get("revision", "")}
        book.replace_settings(site, changed, editor, backend().clock.now(), seen)
    except RulesChanged as error:
        advice = "Your changes are not saved yet. Check them again, then save."
        return _page(site, stored, 412, message=f"{sentence(error)} {advice}")
    except InvalidInput as error:
        return _page(site, stored, 400, problems=error.problems)
    where = f"the surface “{surface}”" if surface else "the whole site"
    leave_note("settings", message=f"Saved for {where}, from the next request on.")
    return redirect_to(url_for("editor.settings.settings", site=site, surface=surface))


def _page(site: str, stored: StoredSettings, status: int = 200, **more: Any) -> Response:
    surface = _surface()
    # Both sides start with what is stored, so that B differs from A only by what is typed.
    own = stored.settings.surfaces.get(surface, ListDefaults()) if surface else stored.settings.site
    a = side_of("a", request.values, own)
    b = side_of("b", request.values, own)
    comparison = _comparison(site, stored.settings, a, b)
    values: dict[str, Any] = {"note": None, "problems": [], **comparison, **more}
    return page(
        "settings.html",
        status,
        revision=stored.revision,
        surface=surface,
        surfaces=sorted(stored.settings.surfaces),
        sides=(a, b),
        fields=form_fields(backend().model(site)),
        article=request.values.get("article", ""),
        **values,
    )


def _comparison(site: str, stored: SiteSettings, a: Side, b: Side) -> dict[str, Any]:
    """The comparison that the page shows, if any was requested."""
    comparison: dict[str, Any] = {"both": None, "sample": None}
    kind = request.values.get("compare", "")
    if not kind or a.problems or b.problems:
        return comparison
    live = backend().site(site)
    now = backend().clock.now()
    defaults_a = stored.trying(a.defaults, _surface())
    defaults_b = stored.trying(b.defaults, _surface())
    if kind == "sample":
        sampled = compare_over_sample(live, defaults_a, defaults_b, MAX_SAMPLE, now)
        return {**comparison, "sample": _sample_figures(sampled)}
    article_id = request.values.get("article", "")
    if not article_id:
        problem = FieldProblem("article", "expected the id or the address of an article")
        return {**comparison, "problems": [problem]}
    try:
        known_id = id_named(site, article_id)
        compared, _ = live.read_with_cards(
            lambda recommender: compare.compared(recommender, known_id, defaults_a, defaults_b, now)
        )
    except NotFound:
        problem = FieldProblem("article", "the archive has no article with this id or address")
        return {**comparison, "problems": [problem]}
    return {**comparison, "both": _both_lists(compared)}


def _both_lists(compared: Compared) -> dict[str, Any]:
    """Cards and movements of the two lists."""
    lists: dict[str, Any] = {"source": compared.a.source, "overlap": compared.overlap}
    for name, related_list in (("a", compared.a), ("b", compared.b)):
        cards = [item.card for item in related_list.items]
        lists[name] = [(card, compared.movements[card["id"]]) for card in cards]
    return lists


def _sample_figures(sampled: Sampled) -> dict[str, Any]:
    """The figures of a sample as text; *rows* are lines of a table: label, A, B."""
    rows = []
    for figure in FIGURES:
        value_a = getattr(sampled.a, figure.field)
        value_b = getattr(sampled.b, figure.field)
        rows.append((figure.label, _text(value_a, figure), _text(value_b, figure)))
    percentage = Figure("", "", 100.0, "%")
    return {
        "articles": sampled.articles,
        "changed": _text(sampled.changed, percentage),
        "overlap": _text(sampled.overlap, percentage),
        "moved": _text(sampled.moved, Figure("", "")),
        "rows": rows,
    }


def _text(value: float | None, figure: Figure) -> str:
    if value is None:
        return "–"
    number = value * figure.factor
    # Decimals of large numbers and percentages would only distract.
    if abs(number) >= 20 or figure.unit == "%":
        return f"{number:.0f} {figure.unit}".strip()
    return f"{number:.2f}"


def _with_defaults(
    stored: SiteSettings, surface: str | None, defaults: ListDefaults
) -> SiteSettings:
    """
    The settings with other defaults for the surface, or for the site if it is None.

    A surface without any defaults is removed. Raises InvalidInput.
    """
    if surface is None:
        return stored.model_copy(update={"site": defaults})
    surfaces = {name: own for name, own in stored.surfaces.items() if name != surface}
    if defaults != ListDefaults():
        surfaces[surface] = defaults
    kept = {"articles": stored.articles, "site": stored.site}
    return parse_settings(SiteSettings, {**kept, "surfaces": surfaces})


def _surface() -> str | None:
    return request.values.get(SURFACE, "").strip() or None
