"""An agent's desk in the terminal: what happens is printed, what is typed is done."""

import asyncio
import contextlib
import random
import sys
import threading
from collections.abc import AsyncIterator, Callable

from clients.agents import Desk
from clients.cli.common import instant, out, told, word
from clients.errors import PacelineError
from gateway.pb.paceline.v1 import agent_session_pb2 as session_pb


async def sit(desk: Desk) -> None:
    """Print events and carry out typed commands, until either side ends it."""
    seat = _Seat(desk)
    listening = asyncio.create_task(seat.listen())
    typing = asyncio.create_task(seat.read_commands())
    try:
        await asyncio.wait({listening, typing}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (listening, typing):
            task.cancel()
        await asyncio.gather(listening, typing, return_exceptions=True)
    for task in (listening, typing):
        if not task.cancelled() and task.exception():
            task.result()


async def _typed() -> AsyncIterator[str]:
    """Yield lines of standard input, be it a terminal, a pipe or a file.

    A daemon thread reads them: a session that ends must not wait for a key.
    """
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[str] = asyncio.Queue()

    def read() -> None:
        with contextlib.suppress(RuntimeError, ValueError):  # the loop, or the input, is closed
            for line in sys.stdin:
                loop.call_soon_threadsafe(lines.put_nowait, line)
            loop.call_soon_threadsafe(lines.put_nowait, "")

    threading.Thread(target=read, daemon=True).start()
    while line := await lines.get():
        yield line


class _Seat:
    """A desk in the terminal: knows the record in review, so that commands can be short."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._call = ""
        self._record = ""

    async def listen(self) -> None:
        async for event in self._desk.events():
            kind = event.WhichOneof("event") or ""
            if kind == "call_offered":
                self._call = event.call_offered.call
            elif kind == "preview_offered":
                self._record = event.preview_offered.record.name
            out.print(f"{instant(event.event_time)} {describe(event)}", markup=False)

    async def read_commands(self) -> None:
        """Carry out what is typed, until it ends or says quit."""
        async for line in _typed():
            words = line.split(maxsplit=2)
            if not words:
                continue
            if words[0] in ("quit", "logout"):
                with contextlib.suppress(PacelineError):
                    await self._desk.set_state(session_pb.AGENT_STATE_LOGGED_OUT)
                return
            await self._obey(words[0], words[1:])

    async def _obey(self, verb: str, rest: list[str]) -> None:
        message = session_pb.AgentSessionRequest()
        make = self._verbs().get(verb)
        if make is None:
            out.print(f"unknown command {verb!r}", markup=False)
            return
        make(message, rest)
        try:
            await self._desk.say(message)
        except PacelineError as error:
            out.print(f"refused: {error}", markup=False)
        else:
            out.print("ok")

    def _verbs(self) -> dict[str, "_Fill"]:
        return {
            "ready": lambda to, _: _state(to, session_pb.AGENT_STATE_READY, ""),
            "not-ready": lambda to, rest: _state(
                to, session_pb.AGENT_STATE_NOT_READY, " ".join(rest)
            ),
            "accept": lambda to, _: to.accept_offer.MergeFrom(
                session_pb.AgentSessionRequest.AcceptOffer(call=self._call)
            ),
            "reject": lambda to, _: self._reject(to),
            "hangup": lambda to, _: to.hang_up.SetInParent(),
            "hold": lambda to, _: to.hold.SetInParent(),
            "resume": lambda to, _: to.resume.SetInParent(),
            "dispose": _dispose,
            "call": lambda to, _: to.call_preview.MergeFrom(
                session_pb.AgentSessionRequest.CallPreview(record=self._record)
            ),
            "skip": lambda to, _: to.skip_preview.MergeFrom(
                session_pb.AgentSessionRequest.SkipPreview(record=self._record)
            ),
            "complete": lambda to, rest: to.complete_preview.MergeFrom(
                session_pb.AgentSessionRequest.CompletePreview(
                    record=self._record, disposition=rest[0] if rest else ""
                )
            ),
        }

    def _reject(self, message: session_pb.AgentSessionRequest) -> None:
        if self._record:
            message.reject_preview.record = self._record
        else:
            message.reject_offer.call = self._call


_Fill = Callable[[session_pb.AgentSessionRequest, list[str]], None]


def _state(
    message: session_pb.AgentSessionRequest, state: session_pb.AgentState.ValueType, reason: str
) -> None:
    message.set_state.state = state
    message.set_state.reason = reason


def _dispose(message: session_pb.AgentSessionRequest, rest: list[str]) -> None:
    message.set_disposition.disposition = rest[0] if rest else ""
    message.set_disposition.notes = rest[1] if len(rest) > 1 else ""


def state_of(status: session_pb.AgentStatus) -> str:
    """Return a state in words."""
    name = word(session_pb.AgentState.Name(status.state), "AGENT_STATE_")
    activity = "" if status.activity == name else status.activity
    detail = " ".join(each for each in (activity, status.reason) if each)
    return f"{name} ({detail})" if detail else name


def describe(event: session_pb.AgentSessionResponse) -> str:
    """Return one line about what an agent is told."""
    match event.WhichOneof("event"):
        case "state_changed":
            return f"you are {state_of(event.state_changed.status)}"
        case "call_offered":
            offer = event.call_offered
            return f"call offered: {offer.record.display_name} {offer.number} ({offer.campaign})"
        case "call_connected":
            joined = event.call_connected
            fields = " ".join(
                f"{key}={value}" for key, value in joined.record.custom_fields.items()
            )
            return f"connected: {joined.record.display_name} {joined.number} {fields}"
        case "call_ended":
            return f"call ended by {event.call_ended.ended_by}; dispose SLUG, then ready"
        case "preview_offered":
            review = event.preview_offered
            return f"preview: {review.record.display_name} {review.number}; call, skip or complete"
        case kind:
            detail = " ".join(f"{key}={value}" for key, value in told(event).items() if key == kind)
            return f"{(kind or 'nothing').replace('_', ' ')} {detail}"


async def work_alone(desk: Desk, talk_s: float, acw_s: float, disposition: str) -> None:
    """Take calls for ever, as the demo's agents do, and print what happens."""
    from clients.demo.desks import Manners, Worker

    worker = Worker(
        agent="",
        manners=Manners((talk_s, talk_s), (acw_s, acw_s), (disposition,)),
        draw=random.Random(0),  # noqa: S311 - spans of no width
        note=lambda event: out.print(
            f"{instant(event.event_time)} {describe(event)}", markup=False
        ),
    )
    await worker.work(desk)
