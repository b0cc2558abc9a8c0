"""``paceline agent``: configure agents, force states, and work as one in the terminal."""

from enum import StrEnum
from typing import Annotated

import typer

from clients.cli.common import (
    SERVER,
    AsJson,
    Server,
    app_of,
    instant,
    out,
    print_json,
    show,
    show_rows,
    talk,
    told,
)
from clients.cli.forms import RecordingName
from clients.cli.seat import sit, state_of, work_alone
from clients.cli.settings import Clear, Given, changes, choice, put_all, secret, takes, text
from clients.client import PacelineClient
from clients.naming import full, short
from gateway.pb.paceline.v1 import agent_session_pb2 as session_pb
from gateway.pb.paceline.v1 import agents_pb2 as pb
from gateway.pb.paceline.v1 import campaigns_pb2

app = app_of("Configure agents, force states, and work as one.")

Id = Annotated[str, typer.Argument(metavar="AGENT", help="Id of the agent.")]


class StateName(StrEnum):
    """States that can be asked for."""

    READY = "ready"
    NOT_READY = "not-ready"
    SUPERVISING = "supervising"
    LOGGED_OUT = "logged-out"

    @property
    def value_of(self) -> session_pb.AgentState.ValueType:
        """The API's value."""
        return session_pb.AgentState.Value(f"AGENT_STATE_{self.name}")


SETTINGS = (
    text("--display-name", "Name for people."),
    text("--phone", "Fixed phone; default: one that registers.", metavar="SIP-URI"),
    secret(
        "--phone-password", "Password the phone registers with (digest).",
        variable="PACELINE_PHONE_PASSWORD",
    ),
    choice(
        "--recording", RecordingName, campaigns_pb2.RecordingRule,
        "Which of the agent's calls are recorded; default inherit.",
    ),
)  # fmt: skip
"""What ``create`` and ``update`` set, beside team and leg."""

Team = Annotated[
    str | None, typer.Option("--team", metavar="TEAM", help="Team; made if not there.")
]
PerCall = Annotated[
    bool | None,
    typer.Option(
        "--per-call/--nailed-up",
        help="Ring the phone for each call, or call it at login and keep it (default).",
    ),
]


@app.command()
@takes(SETTINGS, new=True)
def create(
    agent: Id,
    *,
    given: Given,
    team: Team = None,
    per_call: PerCall = None,
    server: Server = SERVER,
) -> None:
    """Create an agent, logged out.

    Example: paceline agent create ada --team sales --phone sip:ada@192.0.2.7:5060
    """
    made, _ = _built(given, team, per_call)

    async def work(client: PacelineClient) -> None:
        if team:
            await ensure_team(client, team)
        out.print(f"{(await client.agents.create(agent, made)).name} created")

    talk(server, work)


@app.command()
@takes(SETTINGS)
def update(
    agent: Id,
    *,
    given: Given,
    team: Team = None,
    per_call: PerCall = None,
    clear: Clear = None,
    server: Server = SERVER,
    as_json: AsJson = False,
) -> None:
    """Change what is given; the rest stays.

    Example: paceline agent update ada --team night --recording none --clear phone
    """
    made, fields = _built(given, team, per_call)
    made.name = full("agents", agent)
    mask = changes(made, fields, clear)

    async def work(client: PacelineClient) -> None:
        if team:
            await ensure_team(client, team)
        changed = await client.agents.update(made, mask)
        if as_json:
            print_json(told(changed))
        else:
            out.print(f"{changed.name} changed")

    talk(server, work)


def _built(given: Given, team: str | None, per_call: bool | None) -> tuple[pb.Agent, list[str]]:
    made = pb.Agent()
    fields = put_all(made, SETTINGS, given)
    if team is not None:
        made.team = full("teams", team)
        fields.append("team")
    if per_call is not None:
        made.leg = pb.AGENT_LEG_PER_CALL if per_call else pb.AGENT_LEG_NAILED_UP
        fields.append("leg")
    return made, fields


async def ensure_team(client: PacelineClient, team: str) -> None:
    """Create a team unless it is there."""
    if full("teams", team) not in {each.name async for each in client.teams.list()}:
        await client.teams.create(short(team))


@app.command()
def get(agent: Id, server: Server = SERVER, as_json: AsJson = False) -> None:
    """Show an agent with what the agent is doing."""

    async def work(client: PacelineClient) -> None:
        show(await client.agents.get(agent), as_json=as_json)

    talk(server, work)


@app.command("list")
def list_(
    server: Server = SERVER,
    team: Annotated[str, typer.Option(metavar="TEAM", help="Only of this team.")] = "",
    as_json: AsJson = False,
) -> None:
    """Show all agents, or those of one team."""

    async def work(client: PacelineClient) -> None:
        found = [each async for each in client.agents.list(team=team)]
        if as_json:
            print_json([told(each) for each in found])
            return
        show_rows(("agent", "team", "state", "since", "phone", "call"), map(_row, found))

    talk(server, work)


@app.command()
def delete(agent: Id, server: Server = SERVER) -> None:
    """Delete an agent who is logged out."""

    async def work(client: PacelineClient) -> None:
        await client.agents.delete(agent)
        out.print(f"{full('agents', agent)} deleted")

    talk(server, work)


@app.command()
def state(
    agent: Id,
    wanted: Annotated[StateName, typer.Argument(metavar="STATE", help="ready, not-ready, ...")],
    server: Server = SERVER,
    reason: Annotated[str, typer.Option(help="Reason of not-ready.")] = "",
    supervisor: Annotated[str, typer.Option(help="Who forces it, for the audit.")] = "",
) -> None:
    """Force an agent into a state; refused while the agent handles an interaction.

    Example: paceline agent state ada not-ready --reason meeting --supervisor eve
    """

    async def work(client: PacelineClient) -> None:
        status = await client.agents.set_state(
            agent, wanted.value_of, reason=reason, supervisor=supervisor
        )
        out.print(f"{full('agents', agent)}: {state_of(status)}")

    talk(server, work)


@app.command()
def login(
    agent: Id,
    server: Server = SERVER,
    phone: Annotated[str, typer.Option(metavar="SIP-URI", help="Phone for this session.")] = "",
    ready: Annotated[bool, typer.Option("--ready", help="Begin ready, not not-ready.")] = False,
    automatic: Annotated[
        bool, typer.Option("--auto", help="Work by itself: talk, hang up, dispose, go on.")
    ] = False,
    talk_s: Annotated[float, typer.Option("--talk", min=0, help="With --auto, in seconds.")] = 20.0,
    acw_s: Annotated[
        float, typer.Option("--acw", min=0, help="With --auto: after-call work, in seconds.")
    ] = 5.0,
    disposition: Annotated[str, typer.Option(help="With --auto: of every call.")] = "success",
) -> None:
    """Work as an agent: events are printed, commands are read from the terminal or a pipe.

    Commands: ready, not-ready [REASON], accept, reject, hangup, hold, resume,
    dispose SLUG [NOTES], call, skip, complete [SLUG], quit.

    Example: paceline agent login ada --ready
    """

    async def work(client: PacelineClient) -> None:
        desk = client.agents.open_desk()
        first = StateName.READY if ready or automatic else StateName.NOT_READY
        try:
            await desk.login(agent, phone=phone, state=first.value_of)
            if automatic:
                await work_alone(desk, talk_s, acw_s, disposition)
            else:
                await sit(desk)
        finally:
            await desk.close()

    talk(server, work)


def _row(agent: pb.Agent) -> tuple[str, ...]:
    status = agent.status
    return (
        short(agent.name),
        short(agent.team),
        state_of(status),
        instant(status.since_time),
        "up" if status.phone_up else "down",
        short(status.call),
    )
