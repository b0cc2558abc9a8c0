"""``paceline trunk`` and ``paceline team``: carrier connections and groups of agents."""

from enum import StrEnum
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
from clients.cli.settings import (
    Clear,
    Given,
    changes,
    choice,
    number,
    put_all,
    seconds,
    secret,
    switch,
    takes,
    text,
    whole,
)
from clients.client import PacelineClient
from clients.naming import full, short
from gateway.pb.paceline.v1 import trunks_pb2 as pb

app = app_of("Configure trunks: carrier connections with their caps.")
teams = app_of("Configure teams of agents.")

Id = Annotated[str, typer.Argument(metavar="TRUNK", help="Id of the trunk.")]
TeamId = Annotated[str, typer.Argument(metavar="TEAM", help="Id of the team.")]


class KindName(StrEnum):
    """Which adapter places the calls."""

    SIP = "sip"
    PYVOIP = "pyvoip"


class TransportName(StrEnum):
    """How SIP travels."""

    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"


class NeedName(StrEnum):
    """Whether something is used with the carrier."""

    OFF = "off"
    OFFERED = "offered"
    REQUIRED = "required"


SETTINGS = (
    text("--display-name", "Name for people."),
    choice("--transport", TransportName, pb.Transport, "How SIP travels; default udp."),
    choice("--kind", KindName, pb.TrunkKind, "Which adapter places its calls; default sip."),
    text("--group", "Group it belongs to; campaigns may name the group.", metavar="GROUP"),
    whole("--priority", "In its group: lowest first; default 1.", min=1, max=100),
    whole("--weight", "In its group: share among equal priorities; default 1.", min=1, max=1000),
    whole("--channels", "Most simultaneous legs; default 100.", min=1),
    number("--calls-per-s", "Most INVITEs per second; default 50."),
    text("--domain", "Host part of URIs; default: the address.", metavar="HOST"),
    text("--username", "For digest authentication and registration."),
    secret("--password", "For digest authentication.", variable="PACELINE_TRUNK_PASSWORD"),
    text("--realm", "Realm that credentials are given to; default: the first one met."),
    seconds(
        "--register", "Register at the carrier for this time; 0: not.",
        field="register_interval", min=0, max=86_400,
    ),
    seconds(
        "--options-period", "Period of OPTIONS keep-alives, 0: none; default 30.",
        min=0, max=3_600,
    ),
    seconds(
        "--session", "Session interval asked for, at least 90, 0: none; default 1800.",
        field="session_interval", min=0, max=86_400,
    ),
    choice("--reliable", NeedName, pb.Need, "Reliable provisional responses; default off."),
    switch(
        "--assert-identity/--no-assert-identity", "Whether the caller id is also asserted."
    ),
    switch("--privacy/--no-privacy", "Whether the called party is not to see the caller id."),
    text("--diversion", "Number calls are said to be diverted from.", metavar="+E164"),
    choice("--srtp", NeedName, pb.Need, "Encrypted audio, over TLS alone; default off."),
    text("--tls-ca", "PEM file, on the server, of trusted authorities.", metavar="PATH"),
    text("--tls-certificate", "PEM file, on the server, of our certificate.", metavar="PATH"),
    text("--tls-key", "PEM file, on the server, of its key.", metavar="PATH"),
    text("--tls-name", "Name its certificate must carry; default: the address.", metavar="HOST"),
)  # fmt: skip
"""What ``create`` and ``update`` set, beside the address."""

Address = Annotated[
    str,
    typer.Option(
        "--address",
        metavar="HOST[:PORT]",
        help="Where INVITEs go; without a port by DNS SRV, else 5060, over TLS 5061.",
    ),
]


@app.command()
@takes(SETTINGS, new=True)
def create(trunk: Id, address: Address, *, given: Given, server: Server = SERVER) -> None:
    """Create a trunk; keep-alives to it begin.

    Example: paceline trunk create carrier --address sip.example.net --channels 60 --calls-per-s 10

    Example: paceline trunk create west-1 --address tls.example.net --transport tls
    --group west --weight 3
    """
    made = pb.Trunk(address=address)
    put_all(made, SETTINGS, given)

    async def work(client: PacelineClient) -> None:
        out.print(f"{(await client.trunks.create(trunk, made)).name} created")

    talk(server, work)


@app.command()
@takes((text("--address", "Where INVITEs go.", metavar="HOST[:PORT]"), *SETTINGS))
def update(
    trunk: Id,
    *,
    given: Given,
    clear: Clear = None,
    server: Server = SERVER,
    as_json: AsJson = False,
) -> None:
    """Change what is given; the rest stays. Open legs go on; new calls heed it at once.

    Example: paceline trunk update carrier --group west --priority 2 --clear realm
    """
    made = pb.Trunk(name=full("trunks", trunk), address=given.get("address", ""))
    fields = ["address"] if "address" in given else []
    mask = changes(made, [*fields, *put_all(made, SETTINGS, given)], clear)

    async def work(client: PacelineClient) -> None:
        changed = await client.trunks.update(made, mask)
        if as_json:
            print_json(told(changed))
        else:
            out.print(f"{changed.name} changed")

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
            ("trunk", "address", "group", "state", "channels", "calls/s", "waiting"),
            (
                (
                    short(each.name),
                    each.address,
                    f"{each.group} {each.priority}/{each.weight}" if each.group else "",
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
