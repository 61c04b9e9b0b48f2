"""The articles that the lists of a page have shown, so that none appears twice on it."""

from base64 import b64decode, urlsafe_b64encode
from collections.abc import Iterable
from hashlib import blake2b
from typing import Any, Self

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

DIGEST_BYTES = 6  # 48 bits, so that two articles of a page are never confused
MAX_ARTICLES = 400


class PageToken:
    """
    A set of articles, the last added first. With more than `MAX_ARTICLES` it forgets the oldest.

    It holds a digest of each id instead of the id, so that a token fits into an address.
    """

    __slots__ = ("_digests",)

    def __init__(self, digests: Iterable[bytes] = ()) -> None:
        unique = dict.fromkeys(digests)  # a set that keeps the order
        self._digests = dict.fromkeys(list(unique)[:MAX_ARTICLES])

    @classmethod
    def of(cls, *article_ids: str) -> Self:
        return cls(map(_digest, article_ids))

    @classmethod
    def parse(cls, value: Any) -> Self:
        """
        Read a token from its text.

        Raises:
            ValueError: when it is not the text of a token.
        """
        if isinstance(value, cls):
            return value
        try:
            content = b64decode(value, altchars=b"-_", validate=True)
        except (TypeError, ValueError):
            content = b"?"
        if len(content) % DIGEST_BYTES or len(content) > MAX_ARTICLES * DIGEST_BYTES:
            raise ValueError("expected the page_token of another list on this page, unchanged")
        starts = range(0, len(content), DIGEST_BYTES)
        return cls(content[start : start + DIGEST_BYTES] for start in starts)

    def adding(self, article_ids: Iterable[str]) -> "PageToken":
        """This token and *article_ids*, which become the first of it."""
        return PageToken((*map(_digest, article_ids), *self._digests))

    def __contains__(self, article_id: str) -> bool:
        return _digest(article_id) in self._digests

    def __len__(self) -> int:
        return len(self._digests)

    def __str__(self) -> str:
        return urlsafe_b64encode(b"".join(self._digests)).decode()

    def __repr__(self) -> str:
        return f"PageToken.parse({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PageToken) and list(self._digests) == list(other._digests)

    def __hash__(self) -> int:
        return hash(tuple(self._digests))

    @classmethod
    def __get_pydantic_core_schema__(cls, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls.parse, serialization=core_schema.to_string_ser_schema()
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, _: CoreSchema, __: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"type": "string"}


def _digest(article_id: str) -> bytes:
    return blake2b(article_id.encode(), digest_size=DIGEST_BYTES).digest()
