"""Errors of every layer: the common base class, and input that cannot be used."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from pydantic import ValidationError


class AlsoSeeError(Exception):
    """Base of every error whose text is written for the person who sees it."""


class FieldProblem(NamedTuple):
    """A problem with one field; *pointer* is a JSON Pointer (RFC 6901), in the sender's names."""

    pointer: str
    detail: str

    @property
    def field(self) -> str:
        """The name of the field; empty if the problem is with the whole input."""
        return self.pointer.removeprefix("/")

    def __str__(self) -> str:
        return f"{self.field}: {self.detail}" if self.field else self.detail


class InvalidInput(AlsoSeeError, ValueError):
    """Input from outside that cannot be accepted, with all its problems."""

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
        # Pydantic adds "[key]" after the name of a dictionary key that has the problem.
        location = [str(part) for part in details["loc"] if part != "[key]"]
        first, *rest = location or [""]
        path = [names.get(first, first), *rest] if first else []
        pointer = "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in path)
        # Pydantic's own prefix of the texts of validators.
        problems.append(FieldProblem(pointer, details["msg"].removeprefix("Value error, ")))
    return problems
