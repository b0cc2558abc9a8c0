"""``paceline list``: create lists, import files into them, read and explain; do-not-call."""

from typing import Annotated

import typer

from clients.cli import dnc
from clients.cli.common import (
    SERVER,
    AsJson,
    Server,
    app_of,
    out,
    print_json,
    show,
    show_rows,
    talk,
    told,
    usage,
)
from clients.cli.explain import record_of, show_record
from clients.cli.importing import import_
from clients.cli.settings import Clear, Given, changes, put_all, takes, text
from clients.client import PacelineClient
from clients.naming import full, short
from gateway.pb.paceline.v1 import lists_pb2 as pb

app = app_of("Create lists, import files into them, read and explain.")
app.add_typer(dnc.app, name="dnc")
app.command("import")(import_)

Id = Annotated[str, typer.Argument(metavar="LIST", help="Id of the list.")]


SETTINGS = (
    text("--display-name", "Name for people."),
    text("--region", "ISO 3166 region of numbers in national form; default US."),
    text("--zone", "IANA zone of records that tell none.", field="default_zone"),
)
"""What ``create`` and ``update`` set."""


@app.command()
@takes(SETTINGS)
def create(list_id: Id, *, given: Given, server: Server = SERVER) -> None:
    """Create an empty list.

    Example: paceline list create people --region DE --zone Europe/Berlin
    """
    made = pb.List()
    put_all(made, SETTINGS, given)

    async def work(client: PacelineClient) -> None:
        out.print(f"{(await client.lists.create(list_id, made)).name} created")

    talk(server, work)


@app.command()
@takes(SETTINGS)
def update(
    list_id: Id,
    *,
    given: Given,
    clear: Clear = None,
    server: Server = SERVER,
    as_json: AsJson = False,
) -> None:
    """Change what is given; the rest stays. Records already in the list stay as they are.

    Example: paceline list update people --zone Europe/Berlin
    """
    made = pb.List(name=full("lists", list_id))
    mask = changes(made, put_all(made, SETTINGS, given), clear)

    async def work(client: PacelineClient) -> None:
        changed = await client.lists.update(made, mask)
        if as_json:
            print_json(told(changed))
        else:
            out.print(f"{changed.name} changed")

    talk(server, work)


@app.command()
def get(list_id: Id, server: Server = SERVER, as_json: AsJson = False) -> None:
    """Show a list."""

    async def work(client: PacelineClient) -> None:
        show(await client.lists.get(list_id), as_json=as_json)

    talk(server, work)


@app.command("list")
def list_(server: Server = SERVER, as_json: AsJson = False) -> None:
    """Show all lists."""

    async def work(client: PacelineClient) -> None:
        found = [each async for each in client.lists.list()]
        if as_json:
            print_json([told(each) for each in found])
            return
        show_rows(
            ("list", "records", "region", "name"),
            (
                (short(each.name), str(each.record_count), each.region, each.display_name)
                for each in found
            ),
        )

    talk(server, work)


@app.command()
def delete(list_id: Id, server: Server = SERVER) -> None:
    """Delete a list that no campaign dials, with its records."""

    async def work(client: PacelineClient) -> None:
        await client.lists.delete(list_id)
        out.print(f"{full('lists', list_id)} deleted")

    talk(server, work)


@app.command()
def records(
    list_id: Id,
    server: Server = SERVER,
    count: Annotated[int, typer.Option(min=1, help="Most records to show.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Show records in the order of their rows."""

    async def work(client: PacelineClient) -> None:
        found: list[pb.Record] = []
        async for each in client.lists.records(list_id, page_size=min(count, 1000)):
            found.append(each)
            if len(found) == count:
                break
        if as_json:
            print_json([told(each) for each in found])
            return
        show_rows(("record", "name", "numbers", "zones"), map(_row, found))

    talk(server, work)


@app.command()
def record(
    name: Annotated[str, typer.Argument(metavar="LIST/ROW", help="Such as people/17.")],
    server: Server = SERVER,
    as_json: AsJson = False,
) -> None:
    """Show a record with custom fields and its standing in each campaign."""
    wanted = _record(name)

    async def work(client: PacelineClient) -> None:
        show(await client.lists.get_record(wanted), as_json=as_json)

    talk(server, work)


@app.command()
def explain(
    name: Annotated[str, typer.Argument(metavar="LIST/ROW", help="Such as people/17.")],
    campaign: Annotated[str, typer.Option("--campaign", metavar="CAMPAIGN", help="In which.")],
    server: Server = SERVER,
    as_json: AsJson = False,
) -> None:
    """Say whether a record may be called now in a campaign; if not, why, and when next."""
    wanted = _record(name)

    async def work(client: PacelineClient) -> None:
        await show_record(client, wanted, campaign, as_json=as_json)

    talk(server, work)


@app.command()
def reset(
    name: Annotated[str, typer.Argument(metavar="LIST/ROW", help="Such as people/17.")],
    campaign: Annotated[str, typer.Option("--campaign", metavar="CAMPAIGN", help="In which.")],
    server: Server = SERVER,
    as_json: AsJson = False,
) -> None:
    """Let a final or waiting record be called again; attempts counted stay counted."""
    wanted = _record(name)

    async def work(client: PacelineClient) -> None:
        show(await client.lists.reset_record(wanted, campaign), as_json=as_json)

    talk(server, work)


def _record(name: str) -> str:
    wanted = record_of(name)
    if not wanted:
        raise usage(f"{name!r} is not LIST/ROW")
    return wanted


def _row(record: pb.Record) -> tuple[str, str, str, str]:
    numbers = " ".join(f"{each.number} ({each.phone_type})" for each in record.phone_numbers)
    zones = sorted({zone for each in record.phone_numbers for zone in each.zones})
    return short(record.name), record.display_name, numbers, " ".join(zones)
