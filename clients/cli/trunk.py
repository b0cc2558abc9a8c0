"""``paceline trunk`` and ``paceline team``: carrier connections and groups of agents."""

from typing import Annotated

import typer

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
)
from clients.cli.forms import duration
from clients.client import PacelineClient
from clients.naming import full, short
from gateway.pb.paceline.v1 import trunks_pb2 as pb

app = app_of("Configure trunks: carrier connections with their caps.")
teams = app_of("Configure teams of agents.")

Id = Annotated[str, typer.Argument(metavar="TRUNK", help="Id of the trunk.")]
TeamId = Annotated[str, typer.Argument(metavar="TEAM", help="Id of the team.")]


@app.command()
def create(
    trunk: Id,
    address: Annotated[
        str, typer.Option("--address", metavar="HOST[:PORT]", help="Where INVITEs go, over UDP.")
    ],
    server: Server = SERVER,
    channels: Annotated[int, typer.Option(min=1, help="Most simultaneous legs.")] = 100,
    calls_per_s: Annotated[float, typer.Option(help="Most INVITEs per second.")] = 50.0,
    domain: Annotated[str, typer.Option(help="Host part of URIs; default: the address.")] = "",
    username: Annotated[str, typer.Option(help="For digest authentication.")] = "",
    password: Annotated[
        str, typer.Option(envvar="PACELINE_TRUNK_PASSWORD", help="For digest authentication.")
    ] = "",
    options_period: Annotated[
        float, typer.Option(min=0, help="Period of OPTIONS keep-alives, 0: none, in seconds.")
    ] = 30.0,
) -> None:
    """Create a trunk; keep-alives to it begin.

    Example: paceline trunk create carrier --address sip.example.net --channels 60 --calls-per-s 10
    """
    made = pb.Trunk(
        address=address,
        channels=channels,
        calls_per_s=calls_per_s,
        domain=domain,
        username=username,
        password=password,
        options_period=duration(options_period),
    )

    async def work(client: PacelineClient) -> None:
        out.print(f"{(await client.trunks.create(trunk, made)).name} created")

    talk(server, work)


@app.command()
def get(trunk: Id, server: Server = SERVER, as_json: AsJson = False) -> None:
    """Show a trunk with its state."""

    async def work(client: PacelineClient) -> None:
        show(await client.trunks.get(trunk), as_json=as_json)

    talk(server, work)


@app.command("list")
def list_(server: Server = SERVER, as_json: AsJson = False) -> None:
    """Show all trunks."""

    async def work(client: PacelineClient) -> None:
        found = [each async for each in client.trunks.list()]
        if as_json:
            print_json([told(each) for each in found])
            return
        show_rows(
            ("trunk", "address", "state", "channels", "calls/s", "waiting"),
            (
                (
                    short(each.name),
                    each.address,
                    "up" if each.state.up else f"down {each.state.reason}",
                    f"{each.state.channels_used}/{each.channels}",
                    f"{each.calls_per_s:g}",
                    str(each.state.waiting_calls),
                )
                for each in found
            ),
        )

    talk(server, work)


@app.command()
def delete(trunk: Id, server: Server = SERVER) -> None:
    """Delete a trunk that no campaign uses."""

    async def work(client: PacelineClient) -> None:
        await client.trunks.delete(trunk)
        out.print(f"{full('trunks', trunk)} deleted")

    talk(server, work)


@teams.command("create")
def create_team(
    team: TeamId,
    server: Server = SERVER,
    display_name: Annotated[str, typer.Option(help="Name for people.")] = "",
) -> None:
    """Create a team."""

    async def work(client: PacelineClient) -> None:
        out.print(f"{(await client.teams.create(team, display_name=display_name)).name} created")

    talk(server, work)


@teams.command("list")
def list_teams(server: Server = SERVER, as_json: AsJson = False) -> None:
    """Show all teams."""

    async def work(client: PacelineClient) -> None:
        found = [each async for each in client.teams.list()]
        if as_json:
            print_json([told(each) for each in found])
        else:
            show_rows(("team", "name"), ((short(each.name), each.display_name) for each in found))

    talk(server, work)


@teams.command("delete")
def delete_team(team: TeamId, server: Server = SERVER) -> None:
    """Delete a team that has no agents and serves no campaign."""

    async def work(client: PacelineClient) -> None:
        await client.teams.delete(team)
        out.print(f"{full('teams', team)} deleted")

    talk(server, work)
