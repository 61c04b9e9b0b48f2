"""List options on the command line, generated from their declarations."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from api.lists.options import parse_options
from recommender.policy.list_options import ListOptions
from recommender.policy.option import DeclaredOption, ValueKind, declared_options

Command = TypeVar("Command", bound=Callable[..., Any])

METAVARS: dict[ValueKind, str] = {"number": "NUMBER", "duration": "TIME", "moment": "DATE"}


def takes_list_options(command: Command) -> Command:
    """Decorates a command with all list options, each a keyword argument."""
    # Decorators apply from the bottom up, so the last option comes first.
    for option in reversed(declared_options(ListOptions, "command")):
        command = _click_option(option)(command)
    return command


def set_options(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The options that were given on the command line."""
    return {name: value for name, value in arguments.items() if value not in (None, ())}


def read_list_options(arguments: Mapping[str, Any]) -> ListOptions:
    """
    Check the arguments of a command that `takes_list_options`.

    Raises:
        InvalidInput: naming the option as it is typed.
    """
    names = {option.name: _flag(option) for option in declared_options(ListOptions, "command")}
    return parse_options(ListOptions, set_options(arguments), names)


def _click_option(option: DeclaredOption) -> Callable[[Command], Command]:
    flag, text = _flag(option), option.description.replace("`", "") + "."
    if option.kind == "flag" and option.default is False:
        return click.option(flag, is_flag=True, default=None, help=text)
    if option.kind == "flag":
        return click.option(f"{flag}/--no-{flag[2:]}", default=None, help=text)
    # Other values stay text: the model reads and checks them, as for a query string.
    if option.kind == "choice":
        return click.option(flag, type=click.Choice(option.values), help=text)
    metavar = option.about.metavar or METAVARS.get(option.kind) or option.name.upper()
    return click.option(flag, multiple=option.kind == "labels", metavar=metavar, help=text)


def _flag(option: DeclaredOption) -> str:
    return "--" + option.name.replace("_", "-")
