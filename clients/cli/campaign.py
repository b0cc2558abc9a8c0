"""``paceline campaign``: configure, start, stop and explain campaigns."""

import json
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
from clients.cli.forms import (
    ModeName,
    RecordingName,
    analysis,
    calling_hours,
    rule_window,
    run_window,
)
from clients.cli.scenarios import scenario
from clients.cli.settings import (
    Clear,
    Given,
    changes,
    choice,
    many,
    number,
    one,
    put_all,
    seconds,
    switch,
    takes,
    text,
    whole,
)
from clients.client import PacelineClient
from clients.naming import full, in_campaign, short
from gateway.pb.paceline.v1 import campaigns_pb2 as pb

app = app_of("Configure, start, stop and explain campaigns.")

Id = Annotated[str, typer.Argument(metavar="CAMPAIGN", help="Id of the campaign.")]
Lists = Annotated[
    list[str] | None,
    typer.Option("--list", metavar="LIST", help="List to dial, disabled at first; repeatable."),
]
MaxUnattended = Annotated[
    float | None,
    typer.Option(
        "--max-unattended-ratio", min=0, max=1, help="Cap on unattended over answered, 0 to 1."
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
SETTINGS = (
    choice("--mode", ModeName, pb.Mode, "How it chooses when to start calls; default preview."),
    many(
        "--team", "Team that takes its calls", field="teams", metavar="TEAM",
        read=lambda name: full("teams", name),
    ),
    many(
        "--trunk", "Trunk or group of trunks, by preference", field="trunks", metavar="TRUNK",
        read=lambda name: full("trunks", name),
    ),
    text("--caller-id", "Number shown where no other is found.", metavar="+E164"),
    text("--caller-name", "Name shown."),
    text("--caller-id-field", "Field of the record that holds the number to show.",
         metavar="FIELD"),
    many(
        "--local-caller-id", "Number to choose by the nearest area", field="caller_ids",
        metavar="+E164",
    ),
    many(
        "--hours", "Calling hours in the called party's zone, such as 'mon-fri 09:00-20:00' or "
        "'sat 10:00-17:00 mobile'", field="calling_hours", metavar="HOURS", read=calling_hours,
    ),
    many(
        "--schedule", "Automatic start and stop in the centre's zone, such as "
        "'mon-fri 14:00-18:00'", field="schedule", metavar="EDGES", read=run_window,
    ),
    text("--display-name", "Name for people."),
    switch("--automatic-answer/--manual-answer", "Whether agents need not accept; default manual."),
    number("--progressive-rate", "Calls per ready agent in progressive mode; default 1.", min=1,
           max=3),
    number("--max-level", "Most calls per ready agent, predictive; default 3.", min=1, max=10),
    number("--max-unattended-ratio", "Cap on unattended over answered, 0 to 1; default 0.03.",
           min=0, max=1),
    many(
        "--false-machines", "Rule window that counts persons whom analysis took for machines: "
        "calendar-day, rolling-24h or rolling-30d", field="false_machine_windows",
        metavar="WINDOW", read=rule_window,
    ),
    number("--false-machine-ratio", "Share of persons thought to be taken for machines; default "
           "0.01.", min=0, max=0.5),
    seconds("--unattended-timeout", "From the answer until a call is unattended; default 2.",
            max=60),
    text("--unattended-prompt", "What an unattended person hears; default nothing.",
         metavar="PROMPT"),
    text("--opt-out-key", "Key that asks for no more calls: 0-9, * or #; default none.",
         metavar="KEY"),
    text("--opt-out-prompt", "What confirms that wish; default nothing.", metavar="PROMPT"),
    text("--hold-prompt", "What is heard on hold; default hold-music.", metavar="PROMPT"),
    one(
        "--analysis", "How answers are analysed: on, off, or pairs such as "
        "machine=message,machine-prompt=call-back,limit=2.5; default off.", field="analysis",
        read=analysis, metavar="HOW",
    ),
    seconds("--no-answer-timeout", "Ring time before CANCEL; default 25.", min=15, max=120),
    whole("--priority", "1 to 100 among campaigns for the same agent; default 50.", min=1, max=100),
    whole("--max-calls", "Most simultaneous attempts; default 0: no limit.", min=0),
    number("--max-calls-per-s", "Most attempts per second; default 0: no limit.", min=0),
    text("--prompt", "Automatic mode: what answered calls hear.", metavar="PROMPT"),
    one(
        "--scenario", "Automatic mode: what is done with answered calls (docs/treatments.md).",
        field="scenario", read=scenario, metavar="FILE.toml",
    ),
    choice(
        "--recording", RecordingName, pb.RecordingRule,
        "Which of its calls are recorded; default inherit.",
    ),
    text("--recording-notice", "Told to the called party before recording; default nothing.",
         metavar="PROMPT"),
)  # fmt: skip
"""What ``create`` and ``update`` set, beside lists."""


@app.command()
@takes(SETTINGS)
def create(
    campaign: Id,
    *,
    given: Given,
    lists: Lists = None,
    from_file: FromFile = None,
    server: Server = SERVER,
    as_json: AsJson = False,
) -> None:
    """Create a campaign, idle; what is not given has its default, such as mode preview.

    Example: paceline campaign create spring --mode predictive --list people --team sales
    --trunk carrier --caller-id +14155550100 --hours 'mon-sat 09:00-20:00'

    Example: paceline campaign create autumn --from spring.json --trunk west
    --local-caller-id +12125550100 --local-caller-id +13105550100
    """
    made, _ = _built(from_file, campaign, given)
    if lists:
        made.ClearField("lists")
        made.lists.extend(pb.CampaignList(name=in_campaign(campaign, each)) for each in lists)

    async def work(client: PacelineClient) -> None:
        created = await client.campaigns.create(campaign, made)
        _tell(created, f"{created.name} created", as_json=as_json)

    talk(server, work)


@app.command()
@takes(SETTINGS)
def update(
    campaign: Id,
    *,
    given: Given,
    from_file: FromFile = None,
    clear: Clear = None,
    server: Server = SERVER,
    as_json: AsJson = False,
) -> None:
    """Change what is given; the rest stays. A campaign may run meanwhile.

    Example: paceline campaign update spring --mode progressive --progressive-rate 1.5

    Example: paceline campaign update spring --analysis machine=message,machine-prompt=call-back
    """
    made, fields = _built(from_file, campaign, given)
    mask = changes(made, fields, clear)
    made.name = full("campaigns", campaign)

    async def work(client: PacelineClient) -> None:
        _tell(await client.campaigns.update(made, mask), f"{made.name} changed", as_json=as_json)

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
    mode: Annotated[
        ModeName | None, typer.Option("--mode", help="How it chooses when to start calls.")
    ] = None,
    progressive_rate: Annotated[
        float | None,
        typer.Option(min=1, max=3, help="Calls per ready agent in progressive mode."),
    ] = None,
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


def _built(from_file: Path | None, campaign: str, given: Given) -> tuple[pb.Campaign, list[str]]:
    """Return a campaign as a file and options say, and the fields that they say."""
    made = _read(from_file) if from_file else pb.Campaign()
    fields = [field.name for field, _ in made.ListFields()]
    fields += put_all(made, SETTINGS, given)
    for link in made.lists:  # a file may tell those of another campaign
        link.name = in_campaign(campaign, short(link.name))
    return made, fields


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
