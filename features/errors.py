"""The errors that every layer shares: the common base, and input that cannot be used."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from pydantic import ValidationError


class AlsoSeeError(Exception):
    """Base of every error whose text is a sentence for the person who meets it."""


class FieldProblem(NamedTuple):
    """What is wrong with one field; *pointer* is a JSON Pointer (RFC 6901), in sender's names."""

    pointer: str
    detail: str

    @property
    def field(self) -> str:
        """The field as people write it; empty when the problem is the input as a whole."""
        return self.pointer.removeprefix("/")

    def __str__(self) -> str:
        return f"{self.field}: {self.detail}" if self.field else self.detail


class InvalidInput(AlsoSeeError, ValueError):
    """Input from outside that cannot be accepted, with every problem in it."""

    def __init__(self, problems: Sequence[FieldProblem]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = list(problems)

    @classmethod
    def at(cls, field: str, detail: str) -> Self:
        """One problem with one field or parameter; an empty *field* means the whole input."""
        return cls([FieldProblem(f"/{field}" if field else "", detail)])


def field_problems(
    error: "ValidationError", names: Mapping[str, str] = MappingProxyType({})
) -> list[FieldProblem]:
    """Pydantic's errors as JSON Pointers in the sender's *names*."""
    problems = []
    for details in error.errors(include_url=False, include_context=False, include_input=False):
        # Pydantic marks a problem with a key of a dictionary, whose name comes before.
        location = [str(part) for part in details["loc"] if part != "[key]"]
        first, *rest = location or [""]
        path = [names.get(first, first), *rest] if first else []
        pointer = "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in path)
        problems.append(FieldProblem(pointer, details["msg"].removeprefix("Value error, ")))
    return problems
