"""What all commands share: the server option, one way to run, one way to print, one to fail."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, cast

import typer
from google.protobuf.json_format import MessageToDict
from rich.console import Console
from rich.table import Table

from clients.channel import DEFAULT_SERVER
from clients.cli.group import Group
from clients.client import PacelineClient
from clients.errors import PacelineError

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor
    from google.protobuf.duration_pb2 import Duration
    from google.protobuf.message import Message
    from google.protobuf.timestamp_pb2 import Timestamp

Server = Annotated[
    str,
    typer.Option(
        "--server", envvar="PACELINE_SERVER", metavar="HOST:PORT", help="Address of the server."
    ),
]
"""The option that every command takes."""

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
"""The option that every reading command takes."""

SERVER = DEFAULT_SERVER

out = Console(soft_wrap=True, highlight=False)
err = Console(stderr=True, soft_wrap=True, highlight=False)


def app_of(help_text: str) -> typer.Typer:
    """Return a group of commands."""
    return typer.Typer(cls=Group, help=help_text, no_args_is_help=True, rich_markup_mode="rich")


def talk(server: str, work: Callable[[PacelineClient], Awaitable[None]]) -> None:
    """Run a command against a server; a refusal is one clear line and exit code 1.

    Args:
        server: ``host:port``.
        work: What to do with a client of it.
    """

    async def run() -> None:
        async with client_of(server) as client:
            await work(client)

    try:
        asyncio.run(run())
    except PacelineError as error:
        fail(error)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def client_of(server: str) -> PacelineClient:
    """Return a client, with TLS, a certificate, a token and who acts if the environment says so."""
    chain, key = _file_of("PACELINE_CERTIFICATE"), _file_of("PACELINE_KEY")
    if (chain is None) != (key is None):
        message = "PACELINE_CERTIFICATE and PACELINE_KEY go together"
        raise PacelineError("invalid-config", message, "")
    return PacelineClient(
        server,
        root_ca=_file_of("PACELINE_ROOT_CA"),
        certificate=(chain, key) if chain is not None and key is not None else None,
        token=os.environ.get("PACELINE_TOKEN", ""),
        user=os.environ.get("PACELINE_USER", ""),
    )


def _file_of(variable: str) -> bytes | None:
    """Return what is in the file that a variable names, None if it names none."""
    name = os.environ.get(variable, "")
    try:
        return Path(name).read_bytes() if name else None
    except OSError as error:
        raise PacelineError("invalid-config", f"{variable}: {error}", "") from error


def fail(error: PacelineError | str) -> NoReturn:
    """Print one line about an error and end with exit code 1."""
    err.print(f"[red]error:[/red] {_plain(str(error))}")
    raise typer.Exit(1)


def show(message: Message, *, as_json: bool) -> None:
    """Print a message: its fields in two columns, or as JSON."""
    if as_json:
        print_json(told(message))
        return
    table = Table(show_header=False, box=None, pad_edge=False)
    for key, value in told(message).items():
        table.add_row(f"[bold]{key}[/bold]", _plain(_text(value)))
    out.print(table)


def show_rows(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table."""
    table = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*map(_plain, row))
    out.print(table)


def print_json(value: object) -> None:
    """Print a value as one line of JSON on standard output."""
    typer.echo(json.dumps(value, ensure_ascii=False))


def told(message: Message) -> dict[str, object]:
    """Return a message as JSON has it: field names of the .proto, and whole numbers as numbers.

    The JSON form of protobuf writes 64-bit numbers as text, for readers that know only floats.
    """
    fields: dict[str, object] = MessageToDict(message, preserving_proto_field_name=True)
    # The stubs know a second class of descriptors, which has the same fields.
    return _with_numbers(fields, cast("Descriptor", message.DESCRIPTOR))


def _with_numbers(fields: dict[str, object], descriptor: Descriptor) -> dict[str, object]:
    for field in descriptor.fields:
        value, inner = fields.get(field.name), field.message_type
        if isinstance(value, str) and field.cpp_type == field.CPPTYPE_INT64:
            fields[field.name] = int(value)
        elif inner is not None and isinstance(value, dict) and inner.GetOptions().map_entry:
            if inner.fields_by_name["value"].cpp_type == field.CPPTYPE_INT64:
                fields[field.name] = {key: int(each) for key, each in value.items()}
        elif inner is not None:
            for each in value if isinstance(value, list) else [value]:
                if isinstance(each, dict):
                    _with_numbers(each, inner)
    return fields


def word(name: str, prefix: str) -> str:
    """Return an enum value's name as people write it: ``RUN_STATE_IDLE`` is ``idle``."""
    return name.removeprefix(prefix).lower().replace("_", "-")


def instant(stamp: Timestamp) -> str:
    """Return an instant in UTC, empty if it is not set."""
    if not stamp.ToNanoseconds():
        return ""
    return datetime.fromtimestamp(stamp.ToNanoseconds() / 1e9, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def seconds(duration: Duration) -> float:
    """Return a duration in seconds."""
    return float(duration.ToNanoseconds()) / 1e9


def usage(text: str) -> typer.BadParameter:
    """Return an error about how a command was called: exit code 2."""
    return typer.BadParameter(text)


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _plain(text: str) -> str:
    return text.replace("[", "\\[")
