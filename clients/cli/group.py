"""A group of commands that tells bad usage in two lines: what is wrong, and how it is called."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape
from typer.core import TyperGroup

_INVALID = "Invalid value"

_err = Console(stderr=True, soft_wrap=True, highlight=False)


class Group(TyperGroup):
    """Commands under one name; bad usage begins with ``error:``, as a refusal does."""

    def make_context(self, *args: Any, **extra: Any) -> Any:  # Any: as the library has it
        """Read the words up to the name of a command."""
        with _told():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: Any) -> Any:  # Any: as the library has it
        """Run the command that was named."""
        with _told():
            return super().invoke(ctx)


@contextmanager
def _told() -> Iterator[None]:
    """Print what is wrong with the words that were typed, and end with its exit code."""
    try:
        yield
    except typer.TyperException as error:
        text = _short(error.format_message())
        if text:  # else nothing was said, and the help has been printed
            _err.print(f"[red]error:[/red] {escape(text)}")
            _print_usage(getattr(error, "ctx", None))
        raise typer.Exit(error.exit_code) from None


def _short(text: str) -> str:
    """Return a message of the library as we write them: ``--mode: 'x' is not one of ...``."""
    if text.startswith(_INVALID):
        hint, _, rest = text.removeprefix(_INVALID).partition(": ")
        option = hint.removeprefix(" for ").replace("'", "")
        text = f"{option}: {rest}" if option else rest
    return _one_line(text.replace("Value error, ", ""))


def _one_line(text: str) -> str:
    return text[:1].lower() + " ".join(text[1:].split())


def _print_usage(context: Any) -> None:  # Any: the library's context, whose class it hides
    if context is not None:
        _err.print(escape(f"{_one_line(context.get_usage())}  (--help tells more)"))
