"""``paceline list import``: a file into a list, with a progress bar and the lines refused."""

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

from clients.cli.common import SERVER, AsJson, Server, err, fail, out, print_json, talk, told, usage
from clients.client import PacelineClient
from clients.errors import PacelineError
from clients.lists import import_id_of
from clients.naming import full
from gateway.pb.paceline.v1 import lists_pb2 as pb

_ROLES = {
    "phone": pb.COLUMN_ROLE_PHONE,
    "zone": pb.COLUMN_ROLE_ZONE,
    "name": pb.COLUMN_ROLE_NAME,
    "key": pb.COLUMN_ROLE_KEY,
    "custom": pb.COLUMN_ROLE_CUSTOM,
    "ignore": pb.COLUMN_ROLE_IGNORED,
    "priority": pb.COLUMN_ROLE_PRIORITY,
}


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


def _mapping(text: str) -> pb.ColumnMapping:
    title, sign, role = text.rpartition("=")
    kind, _, field = role.partition(":")
    if not sign or kind not in _ROLES:
        raise usage(f"{text!r} is not TITLE=ROLE; roles are {', '.join(_ROLES)}")
    return pb.ColumnMapping(column=title, role=_ROLES[kind], field=field)
