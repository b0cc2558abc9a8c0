"""Options that set fields of resources: one table a resource, for ``create`` and ``update`` alike.

A command decorated with ``takes(table)`` has an option for each setting of the table and gets those
that were given as ``given``, so that "false" and "empty" can be told from "not said".
"""

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import wraps
from inspect import Parameter, signature
from typing import Annotated, Any, TypeVar

import typer
from google.protobuf.message import Message

from clients.cli.common import usage
from clients.cli.forms import duration

# Any: settings have values of all types, and commands all signatures.
Command = TypeVar("Command", bound=Callable[..., Any])
Put = Callable[[Any, str, Any], None]
Given = Mapping[str, Any]
"""What was typed, by the option's name in Python."""

Clear = Annotated[
    list[str] | None,
    typer.Option(
        "--clear",
        metavar="FIELD",
        help="Set a field, named as in the API, to its default; repeatable.",
    ),
]
"""The option of every update that empties what no other option can."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One option that sets one field.

    Attributes:
        keyword: The option's name in Python.
        kind: What typer takes: a type with its ``typer.Option``.
        field: The field it sets.
        put: Sets it: gets the message, the field and what was typed.
        variable: Of the environment, for a new resource if the option was not given; or empty.
    """

    keyword: str
    kind: Any
    field: str
    put: Put
    variable: str = ""

    @property
    def flag(self) -> str:
        """The option as it is typed."""
        return f"--{self.keyword.replace('_', '-')}"


def text(flag: str, help_text: str, *, field: str = "", **option: Any) -> Setting:
    """Return an option for a field of text."""
    keyword = _keyword(flag)
    kind = Annotated[str | None, typer.Option(flag, help=help_text, **option)]
    return Setting(keyword, kind, field or keyword, setattr)


def secret(flag: str, help_text: str, *, variable: str) -> Setting:
    """Return an option for a password; ``-`` asks for it, so that no shell keeps it.

    A new resource takes it from the environment as well. One that is there already does not: a
    variable that is still set would give it the password of another.

    Args:
        flag: The option.
        help_text: What the password is for.
        variable: The environment's.
    """

    def put(message: Message, field: str, value: str) -> None:
        setattr(message, field, _asked(keyword) if value == "-" else value)

    keyword = _keyword(flag)
    told = f"{help_text} -: asked for. To create, also from the environment: {variable}."
    kind = Annotated[str | None, typer.Option(flag, help=told)]
    return Setting(keyword, kind, keyword, put, variable)


def whole(flag: str, help_text: str, *, field: str = "", **option: Any) -> Setting:
    """Return an option for a whole number."""
    keyword = _keyword(flag)
    kind = Annotated[int | None, typer.Option(flag, help=help_text, **option)]
    return Setting(keyword, kind, field or keyword, setattr)


def number(flag: str, help_text: str, *, field: str = "", **option: Any) -> Setting:
    """Return an option for a number."""
    keyword = _keyword(flag)
    kind = Annotated[float | None, typer.Option(flag, help=help_text, **option)]
    return Setting(keyword, kind, field or keyword, setattr)


def seconds(flag: str, help_text: str, *, field: str = "", **option: Any) -> Setting:
    """Return an option for a duration, typed in seconds."""
    keyword = _keyword(flag)
    kind = Annotated[float | None, typer.Option(flag, help=f"{help_text} [s]", **option)]
    return Setting(keyword, kind, field or keyword, _put_duration)


def switch(flags: str, help_text: str, *, field: str = "") -> Setting:
    """Return an option for yes and no, such as ``--privacy/--no-privacy``."""
    keyword = _keyword(flags.partition("/")[0])
    kind = Annotated[bool | None, typer.Option(flags, help=help_text)]
    return Setting(keyword, kind, field or keyword, setattr)


def choice(
    flag: str, names: type[StrEnum], wire: Any, help_text: str, *, field: str = ""
) -> Setting:
    """Return an option for one of some names.

    Args:
        flag: The option.
        names: What may be typed; members are called as on the wire, less its prefix.
        wire: The enum of the field (its wrapper, which the stubs call a class).
        help_text: What the option is for.
        field: The field, if it is not called like the option.
    """
    keyword = _keyword(flag)
    prefix = wire.keys()[0].removesuffix("UNSPECIFIED")

    def put(message: Message, field: str, value: StrEnum) -> None:
        setattr(message, field, wire.Value(prefix + value.name))

    kind = Annotated[names | None, typer.Option(flag, help=help_text)]  # type: ignore[valid-type]  # for typer to read
    return Setting(keyword, kind, field or keyword, put)


def many(
    flag: str, help_text: str, *, field: str, read: Callable[[str], Any] = str, **option: Any
) -> Setting:
    """Return a repeatable option for a repeated field; what is given replaces all there was."""

    def put(message: Message, field: str, values: Sequence[str]) -> None:
        message.ClearField(field)
        getattr(message, field).extend([read(value) for value in values])

    kind = Annotated[
        list[str] | None, typer.Option(flag, help=f"{help_text}; repeatable.", **option)
    ]
    return Setting(_keyword(flag), kind, field, put)


def one(
    flag: str, help_text: str, *, field: str, read: Callable[[str], Any], **option: Any
) -> Setting:
    """Return an option for a field that is a message; ``read`` may return None for none."""

    def put(message: Message, field: str, value: str) -> None:
        message.ClearField(field)
        made = read(value)
        if made is not None:
            getattr(message, field).CopyFrom(made)

    kind = Annotated[str | None, typer.Option(flag, help=help_text, **option)]
    return Setting(_keyword(flag), kind, field, put)


def takes(table: Sequence[Setting], *, new: bool = False) -> Callable[[Command], Command]:
    """Give a command the options of a table; it gets those that were given as ``given``.

    Args:
        table: Of settings.
        new: Whether the command makes a resource: passwords may come from the environment.
    """
    keywords = [setting.keyword for setting in table]

    def decorate(command: Command) -> Command:
        @wraps(command)
        def run(**words: Any) -> Any:
            typed = {keyword: words.pop(keyword) for keyword in keywords}
            if new:
                typed |= {
                    each.keyword: os.environ.get(each.variable)
                    for each in table
                    if each.variable and typed[each.keyword] is None
                }
            given = {key: value for key, value in typed.items() if value not in (None, [], ())}
            return command(**words, given=given)

        known = signature(command, eval_str=True)
        own = [each for each in known.parameters.values() if each.name != "given"]
        options = [
            Parameter(each.keyword, Parameter.KEYWORD_ONLY, default=None, annotation=each.kind)
            for each in table
        ]
        plain = [each.replace(kind=Parameter.KEYWORD_ONLY) for each in own]
        run.__signature__ = known.replace(parameters=[*plain, *options])  # type: ignore[attr-defined]  # what inspect reads
        return run  # type: ignore[return-value]  # takes what typer gives by keyword

    return decorate


def put_all(message: Message, table: Sequence[Setting], given: Given) -> list[str]:
    """Set what was given in a message; return the fields that it concerns.

    Raises:
        typer.BadParameter: What was given to an option cannot be read; it names the option.
    """
    wanted = [setting for setting in table if setting.keyword in given]
    for setting in wanted:
        try:
            setting.put(message, setting.field, given[setting.keyword])
        except typer.BadParameter as error:
            error.param_hint = setting.flag
            raise
    return [setting.field for setting in wanted]


def changes(message: Message, fields: Iterable[str], clear: Sequence[str] | None) -> list[str]:
    """Return the mask of an update: fields that were given, and those to be cleared.

    Raises:
        typer.BadParameter: Nothing was given, or a field to clear is none or given as well.
    """
    given = list(dict.fromkeys(fields))
    for field in clear or ():
        if field not in message.DESCRIPTOR.fields_by_name:
            raise usage(f"--clear {field}: {message.DESCRIPTOR.name} has no such field")
        if field in given:
            raise usage(f"--clear {field}: it is given as well")
    mask = [*given, *(clear or ())]
    if not mask:
        raise usage("nothing to change was given")
    return mask


def _keyword(flag: str) -> str:
    return flag.removeprefix("--").replace("-", "_")


def _asked(what: str) -> str:
    """Return a password typed without an echo, or a line of a pipe."""
    if sys.stdin.isatty():
        return str(typer.prompt(what.replace("_", " "), hide_input=True))
    return sys.stdin.readline().rstrip("\r\n")


def _put_duration(message: Message, field: str, value_s: float) -> None:
    getattr(message, field).CopyFrom(duration(value_s))
