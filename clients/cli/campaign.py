"""``paceline campaign``: configure, start, stop and explain campaigns."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from google.protobuf.json_format import ParseDict, ParseError

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
    word,
)
from clients.cli.explain import show_campaign
from clients.cli.forms import ModeName, calling_hours, duration, run_window
from clients.client import PacelineClient
from clients.naming import full, in_campaign, short
from gateway.pb.paceline.v1 import campaigns_pb2 as pb

app = app_of("Configure, start, stop and explain campaigns.")

Id = Annotated[str, typer.Argument(metavar="CAMPAIGN", help="Id of the campaign.")]
Title = Annotated[str, typer.Option("--display-name", help="Name for people.")]
ModeOption = Annotated[
    ModeName | None, typer.Option("--mode", help="How it chooses when to start calls.")
]
Lists = Annotated[
    list[str] | None,
    typer.Option("--list", metavar="LIST", help="List to dial, disabled at first; repeatable."),
]
Teams = Annotated[
    list[str] | None,
    typer.Option("--team", metavar="TEAM", help="Team that takes its calls; repeatable."),
]
Trunks = Annotated[
    list[str] | None,
    typer.Option("--trunk", metavar="TRUNK", help="Trunk, by preference; repeatable."),
]
CallerId = Annotated[
    str, typer.Option("--caller-id", metavar="+E164", help="Number shown to called parties.")
]
Hours = Annotated[
    list[str] | None,
    typer.Option(
        "--hours",
        metavar="HOURS",
        help="Calling hours in the called party's zone, such as 'mon-fri 09:00-20:00' or "
        "'sat 10:00-17:00 mobile'; repeatable.",
    ),
]
Schedule = Annotated[
    list[str] | None,
    typer.Option(
        "--schedule",
        metavar="EDGES",
        help="Automatic start and stop in the centre's zone, such as 'mon-fri 14:00-18:00'.",
    ),
]
AutomaticAnswer = Annotated[
    bool | None,
    typer.Option("--automatic-answer/--manual-answer", help="Whether agents need not accept."),
]
ProgressiveRate = Annotated[
    float | None,
    typer.Option(min=1, max=3, help="Calls per ready agent in progressive mode."),
]
MaxUnattended = Annotated[
    float | None,
    typer.Option(
        "--max-unattended-ratio", min=0, max=1, help="Cap on unattended over answered, 0 to 1."
    ),
]
NoAnswer = Annotated[
    float | None,
    typer.Option(
        "--no-answer-timeout", min=15, max=120, help="Ring time before CANCEL, in seconds."
    ),
]
FromFile = Annotated[
    Path | None,
    typer.Option(
        "--from",
        metavar="FILE.json",
        exists=True,
        dir_okay=False,
        help="A campaign as `get --json` prints it; options go before what it says.",
    ),
]


@app.command()
def create(
    campaign: Id,
    server: Server = SERVER,
    mode: ModeOption = None,
    lists: Lists = None,
    teams: Teams = None,
    trunks: Trunks = None,
    caller_id: CallerId = "",
    hours: Hours = None,
    schedule: Schedule = None,
    display_name: Title = "",
    automatic_answer: AutomaticAnswer = None,
    progressive_rate: ProgressiveRate = None,
    max_unattended_ratio: MaxUnattended = None,
    no_answer_timeout: NoAnswer = None,
    from_file: FromFile = None,
    as_json: AsJson = False,
) -> None:
    """Create a campaign, idle.

    Example: paceline campaign create spring --mode predictive --list people --team sales
    --trunk carrier --caller-id +14155550100 --hours 'mon-sat 09:00-20:00'
    """
    made = _built(from_file, campaign, mode, lists, teams, trunks, caller_id, hours, schedule)
    _options(made, display_name, automatic_answer, progressive_rate, no_answer_timeout)
    if max_unattended_ratio is not None:
        made.max_unattended_ratio = max_unattended_ratio

    async def work(client: PacelineClient) -> None:
        created = await client.campaigns.create(campaign, made)
        _tell(created, f"{created.name} created", as_json=as_json)

    talk(server, work)


@app.command()
def update(
    campaign: Id,
    server: Server = SERVER,
    mode: ModeOption = None,
    teams: Teams = None,
    trunks: Trunks = None,
    caller_id: CallerId = "",
    hours: Hours = None,
    schedule: Schedule = None,
    display_name: Title = "",
    automatic_answer: AutomaticAnswer = None,
    progressive_rate: ProgressiveRate = None,
    max_unattended_ratio: MaxUnattended = None,
    no_answer_timeout: NoAnswer = None,
    from_file: FromFile = None,
    as_json: AsJson = False,
) -> None:
    """Change what is given; the rest stays. A campaign may run meanwhile.

    Example: paceline campaign update spring --mode progressive --progressive-rate 1.5
    """
    made = _built(from_file, campaign, mode, None, teams, trunks, caller_id, hours, schedule)
    _options(made, display_name, automatic_answer, progressive_rate, no_answer_timeout)
    if max_unattended_ratio is not None:
        made.max_unattended_ratio = max_unattended_ratio
    fields = [each.name for each, _ in made.ListFields()]
    if automatic_answer is False:
        fields.append("automatic_answer")  # false looks like not set
    if not fields:
        raise usage("nothing to change was given")
    made.name = full("campaigns", campaign)

    async def work(client: PacelineClient) -> None:
        _tell(await client.campaigns.update(made, fields), f"{made.name} changed", as_json=as_json)

    talk(server, work)


@app.command()
def get(campaign: Id, server: Server = SERVER, as_json: AsJson = False) -> None:
    """Show a campaign with all its settings."""

    async def work(client: PacelineClient) -> None:
        show(await client.campaigns.get(campaign), as_json=as_json)

    talk(server, work)


@app.command("list")
def list_(server: Server = SERVER, as_json: AsJson = False) -> None:
    """Show all campaigns."""

    async def work(client: PacelineClient) -> None:
        found = [each async for each in client.campaigns.list()]
        if as_json:
            print_json([told(each) for each in found])
            return
        show_rows(
            ("campaign", "state", "mode", "lists", "teams"),
            (
                (
                    short(each.name),
                    word(pb.RunState.Name(each.run_state), "RUN_STATE_"),
                    word(pb.Mode.Name(each.mode), "MODE_"),
                    " ".join(
                        short(link.name) if link.enabled else f"({short(link.name)})"
                        for link in each.lists
                    ),
                    " ".join(map(short, each.teams)),
                )
                for each in found
            ),
        )

    talk(server, work)


@app.command()
def delete(campaign: Id, server: Server = SERVER) -> None:
    """Delete an idle campaign."""

    async def work(client: PacelineClient) -> None:
        await client.campaigns.delete(campaign)
        out.print(f"{full('campaigns', campaign)} deleted")

    talk(server, work)


@app.command()
def start(campaign: Id, server: Server = SERVER) -> None:
    """Start a campaign at once; with no agent ready it says why nothing is dialed."""

    async def work(client: PacelineClient) -> None:
        answer = await client.campaigns.start(campaign)
        _told(campaign, answer.result, answer.run_state)

    talk(server, work)


@app.command()
def stop(campaign: Id, server: Server = SERVER) -> None:
    """Stop a campaign at once: when this returns, no new call of it leaves."""

    async def work(client: PacelineClient) -> None:
        answer = await client.campaigns.stop(campaign)
        _told(campaign, answer.result, answer.run_state)

    talk(server, work)


@app.command()
def explain(campaign: Id, server: Server = SERVER, as_json: AsJson = False) -> None:
    """Say why nothing, or not more, is dialed."""

    async def work(client: PacelineClient) -> None:
        await show_campaign(client, campaign, as_json=as_json)

    talk(server, work)


ListId = Annotated[str, typer.Argument(metavar="LIST", help="Id of the list.")]
TeamId = Annotated[str, typer.Argument(metavar="TEAM", help="Id of the team.")]


@app.command("add-list")
def add_list(
    campaign: Id,
    list_id: ListId,
    server: Server = SERVER,
    order: Annotated[int | None, typer.Option(min=0, help="Lower orders are used first.")] = None,
    ratio: Annotated[int | None, typer.Option(min=1, help="Records taken per turn.")] = None,
) -> None:
    """Add a list, disabled, or change its order and ratio."""

    async def work(client: PacelineClient) -> None:
        link = await client.campaigns.add_list(campaign, list_id, order=order, ratio=ratio)
        _link(link)

    talk(server, work)


@app.command("enable-list")
def enable_list(campaign: Id, list_id: ListId, server: Server = SERVER) -> None:
    """Let the records of a list be dialed, from now on."""

    async def work(client: PacelineClient) -> None:
        _link((await client.campaigns.enable_list(campaign, list_id)).campaign_list)

    talk(server, work)


@app.command("disable-list")
def disable_list(campaign: Id, list_id: ListId, server: Server = SERVER) -> None:
    """Take nothing new from a list; what is under way ends normally."""

    async def work(client: PacelineClient) -> None:
        _link((await client.campaigns.disable_list(campaign, list_id)).campaign_list)

    talk(server, work)


@app.command("add-team")
def add_team(campaign: Id, team: TeamId, server: Server = SERVER) -> None:
    """Let a team's agents take the campaign's calls."""

    async def work(client: PacelineClient) -> None:
        answer = await client.campaigns.add_team(campaign, team)
        out.print(f"{answer.campaign.name}: teams {' '.join(map(short, answer.campaign.teams))}")

    talk(server, work)


@app.command("remove-team")
def remove_team(campaign: Id, team: TeamId, server: Server = SERVER) -> None:
    """Give a team's agents no more calls of the campaign."""

    async def work(client: PacelineClient) -> None:
        answer = await client.campaigns.remove_team(campaign, team)
        out.print(f"{answer.campaign.name}: teams {' '.join(map(short, answer.campaign.teams))}")

    talk(server, work)


@app.command()
def pacing(
    campaign: Id,
    server: Server = SERVER,
    mode: ModeOption = None,
    progressive_rate: ProgressiveRate = None,
    max_level: Annotated[
        float | None, typer.Option(min=1, max=10, help="Most calls per ready agent, predictive.")
    ] = None,
    max_unattended_ratio: MaxUnattended = None,
    as_json: AsJson = False,
) -> None:
    """Change how a campaign is paced while it runs; what is not given stays.

    Example: paceline campaign pacing spring --mode predictive --max-unattended-ratio 0.02
    """
    request = pb.SetPacingRequest(
        name=campaign,
        mode=mode.value_of if mode else None,
        progressive_rate=progressive_rate,
        max_level=max_level,
        max_unattended_ratio=max_unattended_ratio,
    )

    async def work(client: PacelineClient) -> None:
        changed = await client.campaigns.set_pacing(request)
        _tell(changed, f"{changed.name}: {pb.Mode.Name(changed.mode)}", as_json=as_json)

    talk(server, work)


def _built(
    from_file: Path | None,
    campaign: str,
    mode: ModeName | None,
    lists: Sequence[str] | None,
    teams: Sequence[str] | None,
    trunks: Sequence[str] | None,
    caller_id: str,
    hours: Sequence[str] | None,
    schedule: Sequence[str] | None,
) -> pb.Campaign:
    made = _read(from_file) if from_file else pb.Campaign()
    given = pb.Campaign(
        mode=mode.value_of if mode else pb.MODE_UNSPECIFIED,
        teams=[full("teams", each) for each in teams or ()],
        trunks=[full("trunks", each) for each in trunks or ()],
        caller_id=caller_id,
        calling_hours=[calling_hours(each) for each in hours or ()],
        schedule=[run_window(each) for each in schedule or ()],
        lists=[pb.CampaignList(name=in_campaign(campaign, each)) for each in lists or ()],
    )
    for field, _ in given.ListFields():
        made.ClearField(field.name)  # type: ignore[arg-type]  # of this very message
    made.MergeFrom(given)
    for link in made.lists:  # a file may tell those of another campaign
        link.name = in_campaign(campaign, short(link.name))
    return made


def _options(
    made: pb.Campaign,
    display_name: str,
    automatic_answer: bool | None,
    progressive_rate: float | None,
    no_answer_timeout_s: float | None,
) -> None:
    if display_name:
        made.display_name = display_name
    if automatic_answer is not None:
        made.automatic_answer = automatic_answer
    if progressive_rate is not None:
        made.progressive_rate = progressive_rate
    if no_answer_timeout_s is not None:
        made.no_answer_timeout.CopyFrom(duration(no_answer_timeout_s))


def _read(path: Path) -> pb.Campaign:
    try:
        made = ParseDict(json.loads(path.read_text(encoding="utf-8")), pb.Campaign())
    except (ValueError, ParseError) as error:
        raise usage(f"{path}: {error}") from error
    for told_by_server in ("name", "run_state", "etag"):
        made.ClearField(told_by_server)
    return made


def _tell(campaign: pb.Campaign, text: str, *, as_json: bool) -> None:
    if as_json:
        print_json(told(campaign))
    else:
        out.print(text)


def _told(
    campaign: str, result: pb.CommandResult.ValueType, run_state: pb.RunState.ValueType
) -> None:
    state = word(pb.RunState.Name(run_state), "RUN_STATE_")
    already = "already " if result == pb.COMMAND_RESULT_ALREADY else ""
    out.print(f"{full('campaigns', campaign)}: {already}{state}")


def _link(link: pb.CampaignList) -> None:
    state = "enabled" if link.enabled else "disabled"
    out.print(f"{link.name}: {state}, order {link.order}, ratio {link.ratio}")
