"""``paceline recording``: recordings found, fetched and deleted; calls recorded or not."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer

from clients.cli.common import (
    SERVER,
    AsJson,
    Server,
    app_of,
    fail,
    instant,
    out,
    print_json,
    seconds,
    show,
    show_rows,
    talk,
    told,
    word,
)
from clients.client import PacelineClient
from clients.naming import short
from gateway.pb.paceline.v1 import recordings_pb2 as pb

app = app_of("Find, fetch and delete recordings, and say whether a call is recorded.")

Id = Annotated[
    str, typer.Argument(metavar="RECORDING", help="Id of the recording (paceline recording list).")
]
Call = Annotated[
    str, typer.Argument(metavar="CALL", help="Id of a call in progress (paceline agent list).")
]
_SEAM_OCTETS = 1_024
"""So much of a file that is there is fetched again, to see that it fits."""
Change = Callable[[PacelineClient], Coroutine[Any, Any, pb.CallRecording]]


@app.command("list")
def recording_list(
    server: Server = SERVER,
    call: Annotated[str, typer.Option(help="Of this call only.")] = "",
    campaign: Annotated[str, typer.Option(help="Of this campaign only.")] = "",
    agent: Annotated[str, typer.Option(help="Of this agent only.")] = "",
    most: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
    *,
    deleted: Annotated[bool, typer.Option("--deleted", help="Deleted ones, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show recordings, newest first.

    Example: paceline recording list --campaign spring --most 10
    """

    async def work(client: PacelineClient) -> None:
        found: list[pb.Recording] = []
        async for each in client.recordings.list(
            call=call, campaign=campaign, agent=agent, deleted=deleted
        ):
            found.append(each)
            if len(found) >= most:
                break
        if as_json:
            print_json([told(each) for each in found])
            return
        columns = ("recording", "began", "call", "campaign", "agent", "length", "lost", "state")
        show_rows(columns, [_row(each) for each in found])

    talk(server, work)


@app.command("get")
def recording_get(recording: Id, server: Server = SERVER, *, as_json: AsJson = False) -> None:
    """Show what is known of a recording."""

    async def work(client: PacelineClient) -> None:
        show(await client.recordings.get(recording), as_json=as_json)

    talk(server, work)


@app.command("download")
def recording_download(
    recording: Id,
    to: Annotated[Path, typer.Argument(metavar="FILE", help="Where it is written.")],
    server: Server = SERVER,
) -> None:
    """Fetch a recording as FLAC or WAV; what is there of the file already is not fetched again.

    Example: paceline recording download a1-0001-0000002d call.flac
    """

    async def work(client: PacelineClient) -> None:
        kind = await _fetch(client, recording, to)
        out.print(f"{to}: {to.stat().st_size} octets of {kind}")

    try:
        talk(server, work)
    except OSError as error:
        fail(f"{to}: {error.strerror}")


async def _fetch(client: PacelineClient, recording: str, to: Path) -> str:
    """Write what a file lacks of a recording, made if it is not there; return what it holds.

    The last octets that it has are fetched again: it may be the file of another recording.
    """
    have = await asyncio.to_thread(to.read_bytes) if await asyncio.to_thread(to.exists) else b""
    seam = have[-_SEAM_OCTETS:]
    pieces = client.recordings.download(recording, offset=len(have) - len(seam))
    first = await anext(pieces)
    if not first.content.startswith(seam):
        fail(f"{to} holds something else than the beginning of {short(recording)}")
    with to.open("ab") as file:
        file.write(first.content[len(seam) :])
        async for piece in pieces:
            file.write(piece.content)
    return first.content_type


@app.command("delete")
def recording_delete(recording: Id, server: Server = SERVER) -> None:
    """Delete a recording for good; the log keeps that it was there.

    Example: paceline recording delete a1-0001-0000002d
    """

    async def work(client: PacelineClient) -> None:
        await client.recordings.delete(recording)
        out.print(f"{short(recording)} is deleted")

    talk(server, work)


@app.command("start")
def recording_start(call: Call, server: Server = SERVER) -> None:
    """Record a call from now on.

    Example: paceline recording start a1-0001-00000029
    """
    _change(server, lambda client: client.recordings.start(call))


@app.command("stop")
def recording_stop(call: Call, server: Server = SERVER) -> None:
    """Record a call no more."""
    _change(server, lambda client: client.recordings.stop(call))


@app.command("pause")
def recording_pause(call: Call, server: Server = SERVER) -> None:
    """Keep nothing of a call for a while."""
    _change(server, lambda client: client.recordings.pause(call))


@app.command("resume")
def recording_resume(call: Call, server: Server = SERVER) -> None:
    """Go on with a paused recording."""
    _change(server, lambda client: client.recordings.resume(call))


def _change(server: str, change: Change) -> None:
    async def work(client: PacelineClient) -> None:
        now = await change(client)
        state = word(pb.RecordingState.Name(now.state), "RECORDING_STATE_")
        out.print(f"{short(now.call)}: recording {state}, because of {now.reason}")

    talk(server, work)


def _row(recording: pb.Recording) -> tuple[str, ...]:
    state = "complete" if recording.complete else "goes on"
    if recording.complete and not recording.sha256:
        state = "no file"
    if recording.HasField("delete_time"):
        state = "deleted"
    return (
        short(recording.name),
        instant(recording.start_time),
        short(recording.call),
        short(recording.campaign),
        short(recording.agent),
        f"{seconds(recording.length):.1f} s",
        f"{seconds(recording.lost):.1f} s",
        state,
    )
