"""The demo itself: starts an engine and a world, and is a plain client of both.

Three processes: the server (``paceline serve``), the world (``clients.demo.world``) and this one.
The instants of Start and Stop are read here; what was on the wire is read from the carrier's log,
which is stamped by the kernel, so that the two can be compared.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING

from rich.live import Live

from clients.cli.common import err
from clients.cli.forms import calling_hours, duration
from clients.cli.importing import import_with_bar
from clients.cli.watch import Screen, Subject, feed
from clients.client import PacelineClient
from clients.demo.children import Child
from clients.errors import PacelineError
from gateway.pb.paceline.v1 import agents_pb2, lists_pb2, trunks_pb2
from gateway.pb.paceline.v1 import campaigns_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

_CAMPAIGN, _LIST, _TEAM, _TRUNK = "demo", "people", "demo-team", "carrier"
_PASSWORD = "demo"  # noqa: S105 - of phones on loopback that live as long as the demo
_DRAIN_S = 45.0
"""Longest wait for calls in progress after Stop: ringing and talk are bounded by the world. [s]"""
_RECORDED_S = 10.0
"""Longest wait for the recorder to finish what was recorded. [s]"""


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What ``paceline demo`` is told.

    Attributes:
        seconds: Time the campaign runs, None: until Ctrl-C. [s]
        agents: Virtual agents.
        mode: Mode of the campaign.
        answer_ratio: Share of calls that people answer, in [0, 1].
        seed: Of what people do.
        live: Whether to show it.
        record: Whether every call is recorded; recordings go with the demo.
    """

    seconds: float | None = None
    agents: int = 20
    mode: pb.Mode.ValueType = pb.MODE_PREDICTIVE
    answer_ratio: float = 0.35
    seed: int = 1
    live: bool = True
    record: bool = False


Summary = dict[str, object]


def run(options: DemoOptions) -> Summary:
    """Run the demo and return its summary.

    Raises:
        PacelineError: A part of it did not start, or refused.
    """
    return asyncio.run(_run(options))


async def _run(options: DemoOptions) -> Summary:
    enough, hurry = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def interrupt() -> None:
        (hurry if enough.is_set() else enough).set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, interrupt)
    with tempfile.TemporaryDirectory(prefix="paceline-demo-") as folder:
        async with _parts(options, Path(folder)) as (client, server, world):
            demo = Demo(options, client, server, world)
            summary = await demo.run(enough, hurry)
    if options.live:
        demo.show(summary)
    return summary


@contextlib.asynccontextmanager
async def _parts(
    options: DemoOptions, folder: Path
) -> AsyncIterator[tuple[PacelineClient, dict[str, str], Child]]:
    """Start server and world, and end both, whatever happens."""
    _say(options, "starting the engine and its world")
    async with contextlib.AsyncExitStack() as stack:
        world = await stack.enter_async_context(
            Child(
                "-m", "clients.demo.world",
                "--seed", str(options.seed), "--answer-ratio", str(options.answer_ratio),
            )
        )  # fmt: skip
        engine = await stack.enter_async_context(
            Child(
                "-m", "clients.cli", "serve", "--listen", "127.0.0.1:0", "--sip", "127.0.0.1:0",
                "--store", f"sqlite:{folder / 'demo.db'}", "--drain", "2",
                "--log-level", "warning", "--follow-input",
                log=folder / "engine.log",
            )
        )  # fmt: skip
        server = dict(each.split("=", 1) for each in (await engine.line()).split()[1:])
        client = await stack.enter_async_context(PacelineClient(server["api"]))
        await client.wait_serving()
        _say(options, f"the API is at {server['api']}, SIP at {server['sip']}")
        yield client, server, world


class Demo:
    """One run: prepare, start, show, stop, drain, count."""

    def __init__(
        self, options: DemoOptions, client: PacelineClient, server: Mapping[str, str], world: Child
    ) -> None:
        """Take the parts.

        Args:
            options: What was asked.
            client: Of the engine.
            server: Addresses of the engine: ``api`` and ``sip``.
            world: The world's process.
        """
        self._options = options
        self._client = client
        self._server = server
        self._world = world

    async def run(self, enough: asyncio.Event, hurry: asyncio.Event) -> Summary:
        """Run it all and return the summary.

        Args:
            enough: Set when the campaign shall stop.
            hurry: Set when calls in progress shall not be waited for.
        """
        await self._prepare()
        await self._world.ask({"do": "clear"})
        started_s = time.time()
        await self._client.campaigns.start(_CAMPAIGN)
        _say(self._options, "the campaign runs; Ctrl-C stops it")
        await self._let_run(enough)
        stopping_s = time.monotonic()
        await self._client.campaigns.stop(_CAMPAIGN)
        stopped_s = time.time()
        stop_ack_s = time.monotonic() - stopping_s
        busy = await self._world.ask({"do": "report"})
        _say(self._options, "stopped: calls in progress end; Ctrl-C does not wait for them")
        await self._drain(hurry)
        seen = await self._world.ask({"do": "report", "since_s": started_s, "stop_s": stopped_s})
        return await self._summary(seen, busy, started_s, stop_ack_s)

    async def _prepare(self) -> None:
        client, agents = self._client, self._agents()
        trunk = str((await self._world.answer())["trunk"])
        await client.trunks.create(
            _TRUNK,
            trunks_pb2.Trunk(
                display_name="Virtual carrier", address=trunk, channels=500, calls_per_s=100
            ),
        )
        await client.teams.create(_TEAM, display_name="Virtual agents")
        for agent in agents:
            await client.agents.create(
                agent, agents_pb2.Agent(team=f"teams/{_TEAM}", phone_password=_PASSWORD)
            )
        await client.lists.create(_LIST, lists_pb2.List(display_name="Sample list", region="US"))
        with as_file(files("clients.data") / "sample.csv") as sample:
            await import_with_bar(
                client, _LIST, sample, lists_pb2.ImportHeader(), bar=self._options.live
            )
        await client.campaigns.create(_CAMPAIGN, self._campaign())
        await client.campaigns.add_list(_CAMPAIGN, _LIST)
        await client.campaigns.enable_list(_CAMPAIGN, _LIST)
        _say(self._options, f"{len(agents)} phones register and agents log in")
        answer = await self._world.ask(
            {
                "do": "staff",
                "server": self._server["api"],
                "registrar": self._server["sip"],
                "agents": agents,
                "password": _PASSWORD,
            }
        )
        if answer["ready"] != len(agents):
            raise PacelineError(
                "agents-not-ready",
                f"{answer['ready']} of {len(agents)} agents are ready: {answer}",
                "",
            )

    def _campaign(self) -> pb.Campaign:
        return pb.Campaign(
            display_name="Demo",
            mode=self._options.mode,
            teams=[f"teams/{_TEAM}"],
            trunks=[f"trunks/{_TRUNK}"],
            caller_id="+12025550100",
            calling_hours=[calling_hours("00:00-24:00")],
            end_guard=duration(0),
            automatic_answer=True,
            no_answer_timeout=duration(15),
            recording=pb.RECORDING_RULE_ALL if self._options.record else pb.RECORDING_RULE_NONE,
        )

    def _agents(self) -> list[str]:
        return [f"agent-{number:03d}" for number in range(1, self._options.agents + 1)]

    async def _let_run(self, enough: asyncio.Event) -> None:
        showing = asyncio.create_task(self._show_live()) if self._options.live else None
        waiting = asyncio.create_task(enough.wait())
        tasks = {waiting, showing} if showing else {waiting}
        try:
            await asyncio.wait(
                tasks, timeout=self._options.seconds, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _show_live(self) -> None:
        screen = Screen()
        with Live(console=err, get_renderable=screen.render, refresh_per_second=4):
            async with asyncio.TaskGroup() as tasks:
                for subject in (
                    Subject.CAMPAIGNS, Subject.PACING, Subject.AGENTS, Subject.EVENTS
                ):  # fmt: skip
                    tasks.create_task(feed(self._client, screen, subject, _CAMPAIGN, 0.5))

    async def _drain(self, hurry: asyncio.Event) -> None:
        """Wait until the campaign is idle, and the last attempt closed."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_DRAIN_S):
                while not hurry.is_set():
                    campaign = await self._client.campaigns.get(_CAMPAIGN)
                    if campaign.run_state == pb.RUN_STATE_IDLE:
                        return
                    await asyncio.sleep(0.1)

    async def _summary(
        self,
        seen: Mapping[str, object],
        busy: Mapping[str, object],
        started_s: float,
        stop_ack_s: float,
    ) -> Summary:
        counts = await self._count()
        first_s = seen["first_invite_s"]
        waited_s = round(first_s - started_s, 4) if isinstance(first_s, float) else None
        answered = counts["answered"]
        recorded = await self._recorded() if self._options.record else {}
        return {
            "attempts": counts["attempt_started"],
            "answered": answered,
            "connected": counts["call_connected"],
            "unattended": counts["unattended"],
            "busy_share": round(_float(busy["busy_share"]), 4),
            "invites_after_stop_ack": seen["invites_after"],
            "start_to_first_invite_s": waited_s,
            "stop_ack_s": round(stop_ack_s, 4),
            "closed": counts["attempt_closed"],
            "invites": seen["invites"],
            "customers_heard_agent": seen["heard"],
            "agents_heard_customer": seen["phones_heard"],
            "agents": self._options.agents,
            "events": counts["events"],
            "session_faults": seen["faults"],
        } | recorded

    async def _recorded(self) -> Summary:
        """Return what was recorded, once the recorder has finished the last of it."""
        until_s = time.monotonic() + _RECORDED_S
        found = [each async for each in self._client.recordings.list()]
        while not all(each.complete for each in found) and time.monotonic() < until_s:
            await asyncio.sleep(0.1)
            found = [each async for each in self._client.recordings.list()]
        return {
            "recordings": sum(each.complete and bool(each.sha256) for each in found),
            "recorded_s": round(sum(each.length.ToNanoseconds() for each in found) / 1e9, 1),
        }

    async def _count(self) -> Counter[str]:
        """Count what happened, from the first event to the last."""
        counts: Counter[str] = Counter()
        after = 0
        while events := await self._client.events.read(after):
            after = events[-1].sequence
            for event in events:
                counts[event.WhichOneof("fact") or ""] += 1
                counts["unattended"] += event.attempt_closed.unattended
        counts["answered"], counts["events"] = counts["attempt_answered"], after
        return counts

    def show(self, summary: Summary) -> None:
        """Print the summary."""
        err.rule("summary")
        for key, value in summary.items():
            err.print(f"{key:<25} {value}", markup=False)


def _say(options: DemoOptions, text: str) -> None:
    if options.live:
        err.print(f"[bold]*[/bold] {text}")


def _float(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
