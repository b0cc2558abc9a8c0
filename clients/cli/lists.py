"""``paceline list``: create lists, import files into them, read and explain; do-not-call."""

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TransferSpeedColumn,
)

from clients.cli.common import (
    SERVER,
    AsJson,
    Server,
    app_of,
    err,
    fail,
    out,
    print_json,
    show,
    show_rows,
    talk,
    told,
    usage,
)
from clients.cli.explain import record_of, show_record
from clients.client import PacelineClient
from clients.lists import import_id_of
from clients.naming import full, short
from gateway.pb.paceline.v1 import lists_pb2 as pb

app = app_of("Create lists, import files into them, read and explain.")
dnc = app_of("The internal do-not-call list: numbers that no campaign calls, such as +14155550100.")
app.add_typer(dnc, name="dnc")

Id = Annotated[str, typer.Argument(metavar="LIST", help="Id of the list.")]
Numbers = Annotated[list[str], typer.Argument(metavar="+E164...", help="Numbers in E.164 form.")]

_ROLES = {
    "phone": pb.COLUMN_ROLE_PHONE,
    "zone": pb.COLUMN_ROLE_ZONE,
    "name": pb.COLUMN_ROLE_NAME,
    "key": pb.COLUMN_ROLE_KEY,
    "custom": pb.COLUMN_ROLE_CUSTOM,
    "ignore": pb.COLUMN_ROLE_IGNORED,
    "priority": pb.COLUMN_ROLE_PRIORITY,
}


@app.command()
def create(
    list_id: Id,
    server: Server = SERVER,
    display_name: Annotated[str, typer.Option(help="Name for people.")] = "",
    region: Annotated[
        str, typer.Option(help="ISO 3166 region of numbers in national form; default US.")
    ] = "",
    zone: Annotated[str, typer.Option(help="IANA zone of records that tell none.")] = "",
) -> None:
    """Create an empty list.

    Example: paceline list create people --region DE --zone Europe/Berlin
    """

    async def work(client: PacelineClient) -> None:
        made = pb.List(display_name=display_name, region=region, default_zone=zone)
        out.print(f"{(await client.lists.create(list_id, made)).name} created")

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


@app.command("import")
def import_(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE.csv",
            exists=True,
            dir_okay=False,
            readable=True,
            help="UTF-8, its first line titles.",
        ),
    ],
    list_id: Annotated[
        str,
        typer.Option("--list", metavar="LIST", help="Into which list; default: the file's name."),
    ] = "",
    server: Server = SERVER,
    column: Annotated[
        list[str] | None,
        typer.Option(
            "--column",
            metavar="TITLE=ROLE",
            help="What a column holds: phone[:TYPE], zone, name, key, priority, custom[:NAME], "
            "ignore; repeatable. Usual titles need none.",
        ),
    ] = None,
    region: Annotated[str, typer.Option(help="ISO 3166 region of national numbers.")] = "",
    zone: Annotated[str, typer.Option(help="IANA zone of records that tell none.")] = "",
    import_id: Annotated[
        str, typer.Option(help="Name of this import; default: made from the file's contents.")
    ] = "",
    keep_duplicates: Annotated[bool, typer.Option(help="Add records that are there.")] = False,
    errors: Annotated[int, typer.Option(min=0, help="Most refused lines to show.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Import records from a CSV file, with progress; the list is made if it is not there.

    The same file again adds only what is missing, so a broken import is simply repeated.

    Example: paceline list import people.csv --column 'Mobile no=phone:mobile'
    """
    target = list_id or file.stem.lower().replace("_", "-")
    header = pb.ImportHeader(
        import_id=import_id or import_id_of(file),
        mapping=[_mapping(each) for each in column or ()],
        region=region,
        default_zone=zone,
        keep_duplicates=keep_duplicates,
    )

    async def work(client: PacelineClient) -> None:
        await ensure_list(client, target, region)
        result = await import_with_bar(client, target, file, header, bar=not as_json)
        refused = []
        if result.lines_rejected and errors:
            async for each in client.lists.import_errors(target, header.import_id):
                refused.append(each)
                if len(refused) == errors:
                    break
        if as_json:
            print_json(told(result) | {"errors": [told(each) for each in refused]})
            return
        for each in refused:
            err.print(f"line {each.line}: {each.message}", markup=False)
        if result.lines_rejected > len(refused):
            err.print(f"... and {result.lines_rejected - len(refused)} more lines refused")
        out.print(
            f"{full('lists', target)}: {result.records_added} records added, "
            f"{result.lines_rejected} of {result.lines_read} lines refused"
        )

    try:
        talk(server, work)
    except OSError as error:
        fail(f"cannot-read: {file}: {error}")


async def ensure_list(client: PacelineClient, list_id: str, region: str = "") -> None:
    """Create a list unless it is there."""
    from clients.errors import PacelineError

    try:
        await client.lists.get(list_id)
    except PacelineError as error:
        if error.slug != "unknown-list":
            raise
        await client.lists.create(list_id, pb.List(region=region))


async def import_with_bar(
    client: PacelineClient, list_id: str, file: Path, header: pb.ImportHeader, *, bar: bool
) -> pb.ImportProgress:
    """Import a file and return the result.

    Args:
        client: Of the server.
        list_id: Into which list.
        file: The file.
        header: Mapping and options.
        bar: Whether to show a progress bar.
    """
    result = pb.ImportProgress()
    size = file.stat().st_size  # noqa: ASYNC240 - once, before anything waits
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[records]} records, {task.fields[refused]} refused"),
    )
    with Progress(*columns, console=err, disable=not bar) as progress:
        task = progress.add_task(file.name, total=size, records=0, refused=0)
        async for result in client.lists.import_file(list_id, file, header):
            progress.update(
                task,
                completed=result.bytes_read,
                records=result.records_added,
                refused=result.lines_rejected,
            )
    return result


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


@dnc.command("add")
def dnc_add(
    numbers: Numbers,
    server: Server = SERVER,
    note: Annotated[str, typer.Option(help="Why, for the audit.")] = "",
) -> None:
    """Add numbers, all or none."""

    async def work(client: PacelineClient) -> None:
        out.print(f"{await client.dnc.add(numbers, note=note)} added")

    talk(server, work)


@dnc.command("remove")
def dnc_remove(numbers: Numbers, server: Server = SERVER) -> None:
    """Remove numbers, all or none."""

    async def work(client: PacelineClient) -> None:
        out.print(f"{await client.dnc.remove(numbers)} removed")

    talk(server, work)


@dnc.command("check")
def dnc_check(
    number: Annotated[str, typer.Argument(metavar="+E164", help="In E.164 form.")],
    server: Server = SERVER,
) -> None:
    """Say whether a number is on the list."""

    async def work(client: PacelineClient) -> None:
        listed = await client.dnc.check(number)
        out.print(f"{number} {'is on the list' if listed else 'is not on the list'}")

    talk(server, work)


@dnc.command("list")
def dnc_list(server: Server = SERVER) -> None:
    """Print all numbers, one a line."""

    async def work(client: PacelineClient) -> None:
        async for number in client.dnc.list():
            typer.echo(number)

    talk(server, work)


def _mapping(text: str) -> pb.ColumnMapping:
    title, sign, role = text.rpartition("=")
    kind, _, field = role.partition(":")
    if not sign or kind not in _ROLES:
        raise usage(f"{text!r} is not TITLE=ROLE; roles are {', '.join(_ROLES)}")
    return pb.ColumnMapping(column=title, role=_ROLES[kind], field=field)


def _record(name: str) -> str:
    wanted = record_of(name)
    if not wanted:
        raise usage(f"{name!r} is not LIST/ROW")
    return wanted


def _row(record: pb.Record) -> tuple[str, str, str, str]:
    numbers = " ".join(f"{each.number} ({each.phone_type})" for each in record.phone_numbers)
    zones = sorted({zone for each in record.phone_numbers for zone in each.zones})
    return short(record.name), record.display_name, numbers, " ".join(zones)
