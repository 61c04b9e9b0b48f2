"""An article's list before and after a change."""

from api.http.request import backend
from recommender.errors import NotFound
from recommender.pipeline.compare import Movement, movements
from recommender.policy.list_options import ListOptions
from recommender.storage.sessions import SessionNote, TitledArticle

SHOWN = 10  # places of the list before and after


def current_list(site: str, article_id: str, limit: int = SHOWN) -> list[TitledArticle]:
    """Ids and titles of the list as readers get it; empty for a deleted article."""
    options = ListOptions(limit=limit)
    now = backend().clock.now()
    live = backend().site(site)
    try:
        related, _ = live.read_with_cards(
            lambda recommender: recommender.related(article_id, options, now)
        )
    except NotFound:
        return []
    return [TitledArticle(id=i.card["id"], title=i.card["title"]) for i in related.items]


def movements_since(
    site: str, article_id: str, note: SessionNote | None
) -> list[tuple[str, Movement]]:
    """How the change of a *note* moved the items, by title; removed items come last."""
    if note is None or note.before is None:
        return []
    after = current_list(site, article_id)
    ids_before = [item.id for item in note.before]
    ids_after = [item.id for item in after]
    moves = movements(ids_before, ids_after)
    removed = [item for item in note.before if moves[item.id].code == "out"]
    return [(item.title, moves[item.id]) for item in (*after, *removed)]
