"""The sources of a list for several: the articles and texts that a request names."""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Annotated, Any, NamedTuple

from pydantic import Field, TypeAdapter, ValidationError

from api.lists.links import SentDraft
from features.article import UNSAVED_ID, Article, parse_draft
from features.errors import FieldProblem
from features.fields import sender_names
from features.schemas import accepts, text
from features.site_defaults import SiteDefaults
from features.values import check_article_id
from recommender.articles import StoredArticle
from recommender.errors import InvalidInput, NotFound
from recommender.pipeline.several import Example
from recommender.replica.site import SiteReplica

MAX_EXAMPLES = 20
Weight = Annotated[
    float, Field(gt=0, le=100, description="Its share in the list, relative to the others")
]
_WEIGHT: TypeAdapter[float] = TypeAdapter(Weight)


class SentExample(SentDraft):
    """A stored article by `id` or `url`, or a text with `title` or `body`."""

    weight: Weight = 1.0


Examples = Annotated[
    tuple[str | SentExample, ...],
    Field(max_length=MAX_EXAMPLES, description="Ids of articles, or objects"),
]


class SentSources(SentDraft):
    """A story that is being written, articles that the list is to be like or unlike, or both."""

    title: Annotated[
        str, accepts(text("Text or HTML; may be missing if there is a body or `like`"))
    ] = ""
    like: Examples = ()
    unlike: Examples = ()


class Sources(NamedTuple):
    """
    The sources of one list.

    Fields:
        ids: of the stored articles that the list is to be like.
        drafts: the texts that it is to be like.
    """

    examples: list[Example]
    ids: list[str]
    drafts: list[Article]

    def own_ids(self) -> list[str]:
        """The ids of the texts: they may be drafts of stored articles, which no list holds then."""
        return [draft.id for draft in self.drafts if draft.id != UNSAVED_ID]

    def text(self, stored: Mapping[str, Article]) -> Article:
        """
        One text of all that the list is to be like, in which shared terms are looked up.

        Args:
            stored: the whole articles by id.
        """
        articles = [*self.drafts, *(stored[i] for i in self.ids if i in stored)]
        return Article.model_construct(
            id=UNSAVED_ID,
            title=" / ".join(one.title for one in articles if one.title),
            body="\n\n".join(one.body for one in articles if one.body),
            tags=tuple(dict.fromkeys(chain.from_iterable(one.tags for one in articles))),
            language=next((one.language for one in articles if one.language), None),
        )


def sources_of_ids(article_ids: Sequence[str]) -> Sources:
    """Stored articles that all count the same."""
    return Sources([Example(one) for one in article_ids], list(article_ids), [])


def read_sources(data: Mapping[str, Any], live: SiteReplica, defaults: SiteDefaults) -> Sources:
    """
    Read the sources from the body of a request.

    Raises:
        InvalidInput: naming the example with a bad value.
        NotFound: when the site has no article at the address of an example.
    """
    sources = Sources([], [], [])
    if _has_text(data, defaults):
        _add_draft(sources, parse_draft(data, defaults), 1.0)
    for field, sign in (("like", 1.0), ("unlike", -1.0)):
        for number, sent in enumerate(_sent(data, field)):
            with_pointer = f"{field}/{number}"
            _add(sources, sent, sign, with_pointer, live, defaults)
    if not any(example.weight > 0 for example in sources.examples):
        raise InvalidInput.at("like", "expected at least one article or text")
    if len(sources.examples) > MAX_EXAMPLES:
        raise InvalidInput.at("like", f"expected at most {MAX_EXAMPLES} articles and texts in all")
    return sources


def _sent(data: Mapping[str, Any], field: str) -> list[object]:
    value = data.get(field) or []
    if not isinstance(value, list):
        raise InvalidInput.at(field, "expected a list of article ids or objects")
    return value


def _add(
    sources: Sources,
    sent: object,
    sign: float,
    pointer: str,
    live: SiteReplica,
    defaults: SiteDefaults,
) -> None:
    fields = {"id": sent} if isinstance(sent, str) else sent
    if not isinstance(fields, dict):
        raise InvalidInput.at(pointer, "expected an article id or an object")
    weight = sign * _weight(fields, pointer)
    if _has_text(fields, defaults):
        _add_draft(sources, _draft(fields, pointer, defaults), weight)
        return
    article_id = _article_id(fields, pointer, live)
    sources.examples.append(Example(article_id, weight))
    if sign > 0:
        sources.ids.append(article_id)


def _add_draft(sources: Sources, draft: Article, weight: float) -> None:
    sources.examples.append(Example(StoredArticle.of_draft(draft), weight))
    if weight > 0:
        sources.drafts.append(draft)


def _has_text(fields: Mapping[str, Any], defaults: SiteDefaults) -> bool:
    names = sender_names(fields, defaults.fields)
    return any(fields[names[field]] for field in ("title", "body") if field in names)


def _weight(fields: Mapping[str, Any], pointer: str) -> float:
    value = fields.get("weight")
    if value is None:
        return 1.0
    try:
        return _WEIGHT.validate_python(value, strict=True)
    except ValidationError:
        raise InvalidInput.at(
            f"{pointer}/weight", "expected a number above 0 and up to 100"
        ) from None


def _draft(fields: Mapping[str, Any], pointer: str, defaults: SiteDefaults) -> Article:
    try:
        return parse_draft(fields, defaults)
    except InvalidInput as error:
        problems = []
        for problem in error.problems:
            path = f"/{pointer}{problem.pointer}"
            problems.append(FieldProblem(path, problem.detail))
        raise InvalidInput(problems) from None


def _article_id(fields: Mapping[str, Any], pointer: str, live: SiteReplica) -> str:
    article_id = fields.get("id")
    if isinstance(article_id, str) and article_id:
        try:
            return check_article_id(article_id)
        except ValueError as error:
            raise InvalidInput.at(pointer, str(error)) from None
    url = fields.get("url")
    if not isinstance(url, str) or not url:
        raise InvalidInput.at(pointer, "expected an id, a url, a title or a body")
    at_address = live.id_of_url(url)
    if at_address is None:
        raise NotFound(f"no article with the address {url!r}")
    return at_address
