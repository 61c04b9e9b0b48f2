"""What an editor writes to name an article: its id, or the address of its page."""

import re

from api.http.request import backend, checked_id
from recommender.errors import InvalidInput

_ADDRESS = re.compile(r"https?://", re.IGNORECASE)


def id_named(site: str, text: str) -> str:
    """
    The id of the article that *text* names.

    An address that is the id of an article is taken as the id. One that no article has is returned
    as it is, so what is asked next says that there is no such article.

    Raises:
        InvalidInput: for what can be no id.
    """
    name = text.strip()
    if not _ADDRESS.match(name):
        return checked_id(text)
    known_id = checked_id(name)
    if backend().store.cards(site, [known_id]):
        return known_id
    try:
        return backend().site(site).id_of_url(name) or known_id
    except InvalidInput:  # an address that browsers cannot open
        return known_id
