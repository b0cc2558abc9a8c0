"""sipp as the far end: started on a free port of loopback, stopped by its own process id."""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Self, TypeVar

import pytest

from engine.telephony.sip.destination import Destination
from engine.telephony.sip.events import AnyEvent
from engine.telephony.sip.outgoing_call import OutgoingCall
from engine.telephony.sip.sdp import LocalMedia
from engine.telephony.sip.tokens import Tokens
from engine.telephony.sip.transport import UdpTransport
from engine.telephony.sip.user_agent import UserAgent
from tests.support.load import PATIENCE_S
from tests.support.ports import free_port

E = TypeVar("E")
T = TypeVar("T")
SCENARIOS = Path(__file__).parent / "scenarios"
LONGEST_S = PATIENCE_S


class Sipp:
    """One run of sipp."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.port = free_port()
        self.destination = Destination("127.0.0.1", self.port)
        self._folder = folder
        self._arguments = arguments
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        program = shutil.which("sipp")
        if program is None:
            pytest.skip("sipp is not installed")
        self._process = await asyncio.create_subprocess_exec(
            program,
            *("-i", "127.0.0.1", "-p", str(self.port), "-nostdin", "-timeout", "120s"),
            *self._arguments,
            cwd=self._folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        await self._bound()
        return self

    async def __aexit__(self, *_: object) -> None:
        process = self._process
        if process is not None and process.returncode is None:
            process.kill()
            await process.wait()

    async def _bound(self) -> None:
        """Wait until the kernel shows its socket; it tells nobody by itself."""
        async with asyncio.timeout(LONGEST_S):
            while not self._is_bound():  # noqa: ASYNC110 - another process, no event
                await asyncio.sleep(0.005)

    def _is_bound(self) -> bool:
        table = "tcp" if "t1" in self._arguments else "udp"
        return f":{self.port:04X} " in Path(f"/proc/net/{table}").read_text(encoding="ascii")

    async def result(self) -> int:
        """Wait for its end; 0 says that each call went as its scenario says."""
        assert self._process is not None
        async with asyncio.timeout(LONGEST_S):
            _, errors = await self._process.communicate()
        if self._process.returncode:
            print(errors.decode(errors="replace")[-2000:])
        return self._process.returncode or 0


def scenario(name: str, calls: int = 1) -> tuple[str, ...]:
    """Return the arguments that let sipp play one of our scenarios."""
    return ("-sf", str(SCENARIOS / f"{name}.xml"), "-m", str(calls))


class Phone:
    """Our user agent on a real socket."""

    def __init__(self) -> None:
        self.events: list[AnyEvent] = []
        self._changed = asyncio.Event()
        loop = asyncio.get_running_loop()
        self.transport = UdpTransport(loop.time)
        self.now = loop.time
        self.screen = 403

    async def open(self) -> Self:
        """Bind."""
        host, port = await self.transport.open("127.0.0.1", 0)
        self.ua = UserAgent(
            host,
            port,
            Tokens(b"a secret of the tests", "1"),
            self.transport.send,
            self._take,
            lambda _: True,
            lambda _request, _source: self.screen,
            find_password=lambda user: "secret" if user == "anna" else None,
        )
        self.transport.attach(self.ua)
        return self

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(self, *_: object) -> None:
        self.transport.close()

    def _take(self, event: AnyEvent) -> None:
        self.events.append(event)
        self._changed.set()

    def call(
        self, destination: Destination, leg_id: str = "a1-0001-00000001", **more: object
    ) -> None:
        """Call a number over the far end."""
        call = OutgoingCall(
            leg_id,
            f"sip:+14155550100@{destination.host}:{destination.port}",
            "sip:+14155550199@127.0.0.1",
            destination,
            LocalMedia("127.0.0.1", 4000),
            **more,  # type: ignore[arg-type]
        )
        self.ua.invite(call, self.now())
        self.transport.rearm()

    def hang_up(self, leg_id: str = "a1-0001-00000001") -> None:
        """End a leg."""
        self.ua.hang_up(leg_id, self.now())
        self.transport.rearm()

    async def wait_for(self, kind: type[E]) -> E:
        """Return the first event of a kind, when it has come."""
        return await self.wait_until(
            lambda: next((e for e in self.events if type(e) is kind), None)
        )

    async def wait_until(self, find: Callable[[], T | None]) -> T:
        """Return what is found after some event."""
        async with asyncio.timeout(LONGEST_S):
            while True:
                found = find()
                if found is not None:
                    return found
                self._changed.clear()
                await self._changed.wait()
