"""A world for an engine under test: a carrier that books every call, phones with ears, agents.

The carrier and the phones speak SIP and RTP through ``clients.demo``, which shares nothing with the
engine; what they book comes from their own sockets, with the kernel's time of each datagram.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from google.protobuf.duration_pb2 import Duration

from clients import PacelineClient, PacelineError
from clients.agents import Desk
from clients.demo import sip
from clients.demo.endpoint import Call, Endpoint
from clients.demo.phones import Account, Phones, RegistrationError
from clients.demo.rtp import FRAME_SAMPLES, Voice, Voices, share_of, tone_wave
from clients.demo.wire import Wire
from gateway.pb.paceline.v1 import agent_session_pb2 as desk_pb
from gateway.pb.paceline.v1 import agents_pb2, campaigns_pb2, events_pb2, lists_pb2, trunks_pb2
from tests.support.load import PATIENCE_S
from tests.support.ports import HOST
from tests.support.serving import Server

PASSWORD = "secret"
CAMPAIGN, LIST, TEAM, TRUNK = "spring", "people", "floor", "carrier"
TONES_HZ = tuple(range(400, 2000, 50))
"""Tones that 20 ms can tell apart exactly, and that ears look for."""
_WAVES = {hz: tone_wave(hz) for hz in TONES_HZ}
_LEAST_SHARE = 0.1
_EAR_FRAMES = 250


class Ear(Voice):
    """A voice that keeps the last frames it heard."""

    def __init__(self, speaks_hz: int) -> None:
        super().__init__(HOST, speaks_hz, speaks_hz)
        self.frames: deque[tuple[float, bytes]] = deque(maxlen=_EAR_FRAMES)

    def read(self) -> None:
        """Take what has come."""
        with contextlib.suppress(BlockingIOError, ConnectionRefusedError):
            while True:
                packet = self._socket.recv(2048)
                self.received += 1
                if len(packet) == 12 + FRAME_SAMPLES:
                    self.frames.append((time.time(), packet[12:]))

    def first_s(self, hz: int) -> float:
        """Return when the first frame kept with a tone came. [s since the epoch]"""
        wave = _WAVES[hz]
        return next(at_s for at_s, frame in self.frames if share_of(frame, wave) > _LEAST_SHARE)

    def hears(self, since_s: float, least: int = 5) -> set[int] | None:
        """Return the tones in most frames since an instant, None if there are too few frames."""
        frames = [frame for at_s, frame in self.frames if at_s >= since_s]
        if len(frames) < least:
            return None
        return {
            hz
            for hz, wave in _WAVES.items()
            if np.mean([share_of(frame, wave) > _LEAST_SHARE for frame in frames]) > 0.5
        }


class Ears(Voices):
    """Opens an ear for each call, all speaking one tone.

    Args:
        speaks_hz: Their tone.
    """

    def __init__(self, speaks_hz: int) -> None:
        super().__init__()
        self.speaks_hz = speaks_hz
        self.ears: list[Ear] = []

    def open(
        self, host: str, speaks_hz: int, hears_hz: int, on_heard: Callable[[], None]
    ) -> Voice | None:
        """Return a new ear."""
        del host, speaks_hz, hears_hz, on_heard
        ear = Ear(self.speaks_hz)
        self._open.add(ear)
        self._loop.add_reader(ear.fileno(), ear.read)
        self.ears.append(ear)
        return ear

    @property
    def in_calls(self) -> set[Voice]:
        """The ears of calls that go on."""
        return set(self._open)

    @property
    def last(self) -> Ear:
        """The ear of the newest call."""
        return self.ears[-1]


class Extensions(Phones):
    """Phones that are called by their address."""

    @property
    def address(self) -> str:
        """``host:port``."""
        return f"{self._wire.host}:{self._wire.port}"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a called party does.

    Attributes:
        status: Final response: 200 is an answer; 0: none, it rings until it is cancelled.
        ring_s: From the INVITE to the final response. [s]
        talk_s: From the answer to hanging up; 0: never. [s]
    """

    status: int = 200
    ring_s: float = 0.1
    talk_s: float = 0.0


@dataclass(eq=False, slots=True)
class Seen:
    """One call as the carrier saw it.

    Attributes:
        number: Called number.
        call_id: SIP Call-ID.
        invited_s: When the kernel had the INVITE. [s since the epoch]
        answered_s: When it was answered, 0: not. [s since the epoch]
        ended_s: When it ended, 0: it goes on. [s since the epoch]
        by_us: Whether the called party ended it.
        ear: The called party's ear, once it answered.
    """

    number: str
    call_id: str
    invited_s: float
    answered_s: float = 0.0
    ended_s: float = 0.0
    by_us: bool = False
    ear: Voice | None = None


class Carrier:
    """The far end of a trunk."""

    def __init__(self, plan: Callable[[str], Plan], voices: Voices) -> None:
        """Bind and answer from now on.

        Args:
            plan: What the party at a number does.
            voices: Their sound.
        """
        self.seen: list[Seen] = []
        self.plan = plan
        self.voices = voices
        self._loop = asyncio.get_running_loop()
        self._open: dict[Call, Seen] = {}
        self._wire = Wire(HOST, self._receive)
        self._endpoint = Endpoint(
            self._wire.send, self._loop.call_later, self._on_invite, self._on_ended
        )
        self._at_s = 0.0
        self._hanging_up = False

    @property
    def address(self) -> str:
        """``host:port``."""
        return f"{HOST}:{self._wire.port}"

    @property
    def open(self) -> list[Seen]:
        """Calls that go on."""
        return list(self._open.values())

    def close(self) -> None:
        """Hang up all and close."""
        self.hang_up_all()
        self._open.clear()  # who rings is not answered any more
        self._wire.close()

    def hang_up_all(self) -> None:
        """Let every called party hang up."""
        for call in tuple(self._open):
            self._hang_up(call)

    def after(self, instant_s: float) -> list[Seen]:
        """Return the calls whose INVITE came in after an instant. [s since the epoch]"""
        return [seen for seen in self.seen if seen.invited_s > instant_s]

    def _receive(self, datagram: bytes, source: tuple[str, int], at_s: float) -> None:
        self._at_s = at_s
        self._endpoint.receive(datagram, source)

    def _on_invite(self, call: Call) -> None:
        number = sip.user_in(call.invite.uri)
        seen = self._open[call] = Seen(number, call.invite.call_id, self._at_s)
        self.seen.append(seen)
        plan = self.plan(number)
        self._endpoint.ring(call)
        if plan.status == 200:
            self._loop.call_later(plan.ring_s, self._answer, call, plan)
        elif plan.status:
            self._loop.call_later(plan.ring_s, self._endpoint.reject, call, plan.status)

    def _answer(self, call: Call, plan: Plan) -> None:
        seen = self._open.get(call)
        if seen is None:
            return
        seen.answered_s = time.time()
        voice = self.voices.open(HOST, 450, 650, lambda: None)
        seen.ear = voice
        if voice is not None:
            voice.speak_to(sip.audio_in(call.invite.body))
        body = describe_with_keys(voice.port if voice else 9)
        self._endpoint.answer(call, f"sip:{seen.number}@{self.address}", body)
        if plan.talk_s:
            self._loop.call_later(plan.talk_s, self._hang_up, call)

    def _hang_up(self, call: Call) -> None:
        self._hanging_up = True
        self._endpoint.hang_up(call)
        self._hanging_up = False

    def _on_ended(self, call: Call) -> None:
        seen = self._open.pop(call)
        seen.ended_s, seen.by_us = time.time(), self._hanging_up
        if seen.ear is not None:
            self.voices.close(seen.ear)


@dataclass
class Seat:
    """An agent at work, with a book of what the engine acknowledged.

    Attributes:
        agent: Id.
        talk_s: From the connection to hanging up; 0: the agent never does. [s]
        slug: Disposition given to every call.
        works: Whether the agent does after-call work, and is ready again after it.
        nailed: Whether the agent's phone is called at login; if not, for each call.
        acknowledged: Disposition by call, once the engine said that it is durable.
        connected: Calls, in order.
        told: Events, in order.
        desk: The session there is.
    """

    agent: str
    talk_s: float = 0.5
    slug: str = "success"
    works: bool = True
    nailed: bool = True
    acknowledged: dict[str, str] = field(default_factory=dict)
    connected: list[str] = field(default_factory=list)
    told: list[desk_pb.AgentSessionResponse] = field(default_factory=list)
    faults: list[PacelineError] = field(default_factory=list)
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    desk: Desk | None = None

    async def run(self, client: PacelineClient) -> None:
        """Work until cancelled; a session that breaks is begun anew."""
        while True:
            desk = client.agents.open_desk()
            try:
                await desk.login(self.agent, state=desk_pb.AGENT_STATE_READY)
                self.desk = desk
                await self._work(desk)
            except PacelineError as error:
                self.faults.append(error)
            finally:
                self.ready.clear()
                self.desk = None
                await desk.close()
            await asyncio.sleep(0.2)

    async def _work(self, desk: Desk) -> None:
        async with asyncio.TaskGroup() as tasks:
            try:
                async for event in desk.events():
                    self._take(desk, event, tasks)
            except PacelineError as error:
                self.faults.append(error)

    def _take(
        self, desk: Desk, event: desk_pb.AgentSessionResponse, tasks: asyncio.TaskGroup
    ) -> None:
        self.told.append(event)
        match event.WhichOneof("event"):
            case "state_changed":
                status = event.state_changed.status
                up = status.phone_up or not self.nailed
                if status.state == desk_pb.AGENT_STATE_READY and up:
                    self.ready.set()
                else:
                    self.ready.clear()
            case "call_connected":
                self.connected.append(event.call_connected.call)
                if self.talk_s:
                    tasks.create_task(self._talk(desk, event.call_connected.call))
            case "call_ended" if self.works:
                tasks.create_task(self._finish(desk, event.call_ended.call))
            case _:
                pass

    async def _talk(self, desk: Desk, call: str) -> None:
        await asyncio.sleep(self.talk_s)
        with contextlib.suppress(PacelineError):  # the other side was faster
            await desk.hang_up(call)

    async def _finish(self, desk: Desk, call: str) -> None:
        try:
            await desk.dispose(self.slug, call=call)
            self.acknowledged[call] = self.slug
            await desk.set_state(desk_pb.AGENT_STATE_READY)
        except PacelineError as error:
            self.faults.append(error)


class World:
    """An engine in its own process, and all it meets: built, watched and taken down.

    Args:
        folder: Of the engine's store, and of files.
        plan: What called parties do.
        customer_hz: Their tone.
        settings: TOML of the engine's settings that differ from the usual ones.
    """

    def __init__(
        self,
        folder: Path,
        plan: Callable[[str], Plan] = lambda _: Plan(),
        *,
        customer_hz: int = 450,
        settings: str = "",
    ) -> None:
        self.folder = folder
        self.server = Server(folder, settings)
        self.client = PacelineClient(self.server.api, deadline_s=PATIENCE_S)
        self.voices = Ears(customer_hz)
        self.carrier = Carrier(plan, self.voices)
        self.seats: list[Seat] = []
        self.phones: dict[str, Phones] = {}
        self.ears: dict[str, Ears] = {}
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        try:
            await self.server.start()
        except BaseException:
            await self._take_down()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._take_down()
        if kind is not None:
            print(self.server.tail())

    async def _take_down(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.client.close()
        try:
            await self.server.stop()
        finally:
            self.carrier.close()
            for phones in set(self.phones.values()):
                phones.close()
            for voices in (self.voices, *self.ears.values()):
                await voices.stop()

    # --- what there is ---------------------------------------------------------------------

    async def add_trunk(self, address: str = "", **more: object) -> None:
        """Create the trunk, to the carrier unless another address is said."""
        trunk = trunks_pb2.Trunk(address=address or self.carrier.address, **more)  # type: ignore[arg-type]
        await self.client.trunks.create(TRUNK, trunk)

    async def add_list(self, count: int, *, first: int = 0) -> None:
        """Create the list if need be, and import numbers into it."""
        with contextlib.suppress(PacelineError):
            await self.client.lists.create(LIST)
        assert await self.import_text(table(first, count)) == (count, 0)

    async def import_text(self, text: str) -> tuple[int, int]:
        """Import a file; return how many records were added and how many lines refused."""
        path = self.folder / f"import-{time.monotonic_ns()}.csv"
        path.write_text(text, encoding="utf-8")
        result = lists_pb2.ImportProgress()
        async for progress in self.client.lists.import_file(LIST, path):
            result = progress
        return result.records_added, result.lines_rejected

    async def add_campaign(self, campaign: campaigns_pb2.Campaign | None = None) -> None:
        """Create the campaign over list, team and trunk; its list is enabled."""
        await self.add_agents(())
        whole = campaigns_pb2.Campaign(
            mode=campaigns_pb2.MODE_PROGRESSIVE,
            teams=[f"teams/{TEAM}"],
            trunks=[f"trunks/{TRUNK}"],
            caller_id="+14155550199",
            calling_hours=[around_the_clock()],
            end_guard=seconds(0),
            min_gap=seconds(3600),
            unattended_timeout=seconds(30),  # a slow machine leaves nobody unattended
            automatic_answer=True,
            prompt="beep",
        )
        if campaign is not None:
            whole.MergeFrom(campaign)
        await self.client.campaigns.create(CAMPAIGN, whole)
        await self.client.campaigns.add_list(CAMPAIGN, LIST)
        await self.client.campaigns.enable_list(CAMPAIGN, LIST)

    async def add_agents(self, names: Sequence[str], **more: object) -> None:
        """Create the team and its agents."""
        with contextlib.suppress(PacelineError):
            await self.client.teams.create(TEAM)
        for name in names:
            agent = agents_pb2.Agent(
                team=f"teams/{TEAM}", phone_password=PASSWORD, **more  # type: ignore[arg-type]
            )  # fmt: skip
            await self.client.agents.create(name, agent)

    async def add_phone(self, name: str, hz: int) -> None:
        """Register a phone of its own socket and tone for an agent."""
        self.ears[name] = Ears(hz)
        self.phones[name] = Phones(HOST, self.ears[name])
        await self.register([name])

    async def add_extension(self, name: str, hz: int) -> str:
        """Open a phone that is not registered; return its URI."""
        self.ears[name] = Ears(hz)
        self.phones[name] = phones = Extensions(HOST, self.ears[name])
        return f"sip:{name}@{phones.address}"

    async def register(self, names: Iterable[str]) -> None:
        """Register phones, with digest."""
        accounts = [(self.phones[name], Account(name, PASSWORD, self.server.sip)) for name in names]
        await asyncio.gather(*(_register(phones, account) for phones, account in accounts))

    async def seat(self, *seats: Seat) -> None:
        """Put agents to work and wait until all are ready."""
        self.seats += seats
        self._tasks += [asyncio.create_task(seat.run(self.client)) for seat in seats]
        await self.all_ready(seats)

    async def staff(self, count: int, **manners: object) -> None:
        """Create agents with phones that share one socket, and put them to work."""
        names = [f"agent-{number:02}" for number in range(count)]
        await self.add_agents(names)
        self.ears["all"] = Ears(650)
        shared = Phones(HOST, self.ears["all"])
        self.phones |= dict.fromkeys(names, shared)
        await self.register(names)
        await self.seat(*(Seat(name, **manners) for name in names))  # type: ignore[arg-type]

    async def all_ready(self, seats: Sequence[Seat], timeout_s: float = PATIENCE_S) -> None:
        """Wait until agents are ready with their phones up."""
        async with asyncio.timeout(timeout_s):
            await asyncio.gather(*(seat.ready.wait() for seat in seats))

    # --- what happened ---------------------------------------------------------------------

    async def events(self) -> list[events_pb2.Event]:
        """Return the whole log."""
        events: list[events_pb2.Event] = []
        while page := await self.client.events.read(events[-1].sequence if events else 0):
            events += page
        assert [event.sequence for event in events] == list(range(1, len(events) + 1))
        return events

    async def explain(self) -> set[str]:
        """Return the slugs of what holds the campaign back."""
        explained = await self.client.campaigns.explain(CAMPAIGN)
        return {hindrance.reason for hindrance in explained.hindrances}

    async def idle(self) -> None:
        """Wait until no attempt is under way."""
        async with asyncio.timeout(PATIENCE_S):
            while (await self.client.engine.get()).calls_in_progress:  # noqa: ASYNC110 - elsewhere
                await asyncio.sleep(0.05)

    async def start(self) -> None:
        """Start the campaign."""
        await self.client.campaigns.start(CAMPAIGN)

    async def stop(self) -> None:
        """Stop the campaign."""
        await self.client.campaigns.stop(CAMPAIGN)


async def _register(phones: Phones, account: Account) -> None:
    """Register, and again for as long as nobody answers: a server may be slow to come."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                return await phones.register(account)
            except RegistrationError as error:
                if "no answer" not in str(error):
                    raise


def describe_with_keys(port: int) -> bytes:
    """Return a description of µ-law audio and telephone-event (RFC 4733 §7.1.1)."""
    keys = b"RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n"
    return sip.describe(HOST, port).replace(b"RTP/AVP 0\r\n", keys)


async def until(
    met: Callable[[], object], timeout_s: float = PATIENCE_S, what: str | Callable[[], str] = ""
) -> None:
    """Wait until something is so: another process does it, and tells nobody.

    Raises:
        AssertionError: It is not so in time.
    """
    deadline_s = time.monotonic() + timeout_s
    while not met():
        if time.monotonic() > deadline_s:
            told = what() if callable(what) else what
            raise AssertionError(f"not within {timeout_s:g} s: {told or met}")
        await asyncio.sleep(0.01)


def table(first: int, count: int) -> str:
    """Return a file of numbers."""
    rows = (f"p{row},Person {row},{number(row)}" for row in range(first, first + count))
    return "\n".join(["id,name,phone", *rows, ""])


def number(row: int) -> str:
    """Return the number of a record."""
    return f"+1212{2_000_000 + row}"


def seconds(count: float) -> Duration:
    """Return a duration."""
    return Duration(seconds=int(count), nanos=round(count % 1 * 1e9))


def around_the_clock() -> campaigns_pb2.CallingHours:
    """Return hours without end."""
    return campaigns_pb2.CallingHours(opens=seconds(0), closes=seconds(86_400))
