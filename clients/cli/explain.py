"""``paceline explain``: why a campaign dials no more, and whether a record may be called."""

from typing import Annotated

import typer

from clients.cli.common import (
    SERVER,
    AsJson,
    Server,
    instant,
    out,
    print_json,
    show_rows,
    talk,
    told,
    usage,
    word,
)
from clients.cli.words import words
from clients.client import PacelineClient
from clients.naming import short
from gateway.pb.paceline.v1 import campaigns_pb2 as pb
from gateway.pb.paceline.v1 import lists_pb2


def explain(
    subject: Annotated[
        str, typer.Argument(metavar="CAMPAIGN|RECORD", help="A campaign, or LIST/ROW.")
    ],
    server: Server = SERVER,
    campaign: Annotated[
        str, typer.Option("--campaign", metavar="CAMPAIGN", help="For a record: in which campaign.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Say why a campaign dials nothing, or not more; or whether a record may be called now.

    Examples: paceline explain spring; paceline explain people/17 --campaign spring
    """
    record = record_of(subject)
    if record and not campaign:
        raise usage("for a record, say --campaign CAMPAIGN")

    async def work(client: PacelineClient) -> None:
        if record:
            await show_record(client, record, campaign, as_json=as_json)
        else:
            await show_campaign(client, subject, as_json=as_json)

    talk(server, work)


def record_of(subject: str) -> str:
    """Return the full name of a record given as ``list/row`` or in full, empty for a campaign."""
    parts = subject.split("/")
    if len(parts) == 4 and parts[0] == "lists" and parts[2] == "records":
        return subject
    if len(parts) == 2 and parts[1].isdigit():
        return f"lists/{parts[0]}/records/{parts[1]}"
    return ""


async def show_campaign(client: PacelineClient, campaign: str, *, as_json: bool) -> None:
    """Print what holds a campaign back."""
    answer = await client.campaigns.explain(campaign)
    if as_json:
        print_json(told(answer))
        return
    state = word(pb.RunState.Name(answer.run_state), "RUN_STATE_")
    mode = word(pb.Mode.Name(answer.effective_mode), "MODE_")
    out.print(f"[bold]{short(campaign)}[/bold] is {state}, {mode}: {answer.summary}")
    out.print(
        f"{answer.ready_agents} agents ready, {answer.attempts_in_progress} attempts under way"
    )
    if answer.HasField("next_edge_time"):
        verb = "starts" if answer.next_edge_starts else "stops"
        out.print(f"{verb} by its schedule at {instant(answer.next_edge_time)}")
    show_rows(
        ("held back by", "what", "records", "until", "such as", "which means"),
        (
            (
                each.reason,
                each.detail,
                str(each.record_count or ""),
                instant(each.until_time),
                " ".join(map(_list_row, each.sample_records[:3])),
                words(each.reason),
            )
            for each in answer.hindrances
        ),
    )
    show_rows(
        ("list", "", "records", "untouched", "callable", "waiting", "in progress", "done"),
        (
            (
                short(each.campaign_list.name),
                "enabled" if each.campaign_list.enabled else "disabled",
                *map(
                    str,
                    (
                        each.record_count,
                        each.untouched_count,
                        each.callable_count,
                        each.waiting_count,
                        each.in_progress_count,
                        each.done_count,
                    ),
                ),
            )
            for each in answer.supplies
        ),
    )


async def show_record(client: PacelineClient, record: str, campaign: str, *, as_json: bool) -> None:
    """Print whether a record may be called now, and what stands against each number."""
    answer = await client.lists.explain_record(record, campaign)
    if as_json:
        print_json(told(answer))
        return
    verdict = "may be called now" if answer.callable else f"not now: {_told(answer.reason)}"
    later = not answer.callable and answer.HasField("next_time")
    following = f"; next at {instant(answer.next_time)}" if later else ""
    phase = word(lists_pb2.RecordPhase.Name(answer.standing.phase), "RECORD_PHASE_")
    out.print(f"[bold]{record}[/bold] {verdict}{following}")
    out.print(
        f"{phase}, {answer.standing.attempts} attempts, last {answer.standing.disposition or '-'}"
    )
    show_rows(
        ("number", "type", "zones", "attempts", "", "next"),
        (
            (
                each.phone_number.number,
                each.phone_number.phone_type,
                " ".join(each.phone_number.zones),
                str(each.standing.attempts),
                "callable" if each.callable else _told(each.reason),
                "" if each.callable else instant(each.next_time),
            )
            for each in answer.numbers
        ),
    )


def _told(reason: str) -> str:
    """Return a reason with what it means."""
    meant = words(reason)
    return f"{reason}, {meant}" if meant else reason


def _list_row(record: str) -> str:
    """Return a record as this command takes it: ``lists/people/records/7`` is ``people/7``."""
    parts = record.split("/")
    return f"{parts[1]}/{parts[3]}" if len(parts) == 4 else record
