"""``paceline list dnc``: the internal do-not-call list."""

from typing import Annotated

import typer

from clients.cli.common import SERVER, AsJson, Server, app_of, out, print_json, talk
from clients.client import PacelineClient

app = app_of("The internal do-not-call list: numbers that no campaign calls, such as +14155550100.")

Numbers = Annotated[list[str], typer.Argument(metavar="+E164...", help="Numbers in E.164 form.")]


@app.command("add")
def dnc_add(
    numbers: Numbers,
    server: Server = SERVER,
    note: Annotated[str, typer.Option(help="Why, for the audit.")] = "",
) -> None:
    """Add numbers, all or none.

    Example: paceline list dnc add +14155550100 +14155550101 --note 'asked by letter'
    """

    async def work(client: PacelineClient) -> None:
        out.print(f"{await client.dnc.add(numbers, note=note)} added")

    talk(server, work)


@app.command("remove")
def dnc_remove(numbers: Numbers, server: Server = SERVER) -> None:
    """Remove numbers, all or none.

    Example: paceline list dnc remove +14155550100
    """

    async def work(client: PacelineClient) -> None:
        out.print(f"{await client.dnc.remove(numbers)} removed")

    talk(server, work)


@app.command("check")
def dnc_check(
    number: Annotated[str, typer.Argument(metavar="+E164", help="In E.164 form.")],
    server: Server = SERVER,
    as_json: AsJson = False,
) -> None:
    """Say whether a number is on the list.

    Example: paceline list dnc check +14155550100
    """

    async def work(client: PacelineClient) -> None:
        listed = await client.dnc.check(number)
        if as_json:
            print_json({"number": number, "listed": listed})
        else:
            out.print(f"{number} {'is on the list' if listed else 'is not on the list'}")

    talk(server, work)


@app.command("list")
def dnc_list(server: Server = SERVER, as_json: AsJson = False) -> None:
    """Print all numbers, one a line.

    Example: paceline list dnc list > numbers.txt
    """

    async def work(client: PacelineClient) -> None:
        async for number in client.dnc.list():
            if as_json:
                print_json({"number": number})
            else:
                typer.echo(number)

    talk(server, work)
