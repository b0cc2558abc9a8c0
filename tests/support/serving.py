"""A server for tests: the whole engine with its gateway in a process of its own, on loopback."""

import asyncio
import os
import signal
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from clients import PacelineClient
from tests.support.load import PATIENCE_S
from tests.support.ports import HOST, free_port

_TAIL = 4000


class Server:
    """One installation: a folder with its store, two ports, and one life after another.

    Attributes:
        api: ``host:port`` of the API.
        sip: Host and port of SIP.
        log: What the engine wrote, all lives after one another.
    """

    def __init__(self, folder: Path, settings: str = "") -> None:
        """Choose ports.

        Args:
            folder: Of its store and its log.
            settings: TOML of settings that differ from the usual ones.
        """
        self.api = f"{HOST}:{free_port()}"
        self.sip = (HOST, free_port())
        self.log = folder / "engine.log"
        self._store = folder / "paceline.db"
        self._config = folder / "paceline.toml"
        self._config.write_text(settings, encoding="utf-8")
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Begin a life; return when the health service says SERVING."""
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "clients.cli", "serve", "--listen", self.api),
                *("--store", f"sqlite:{self._store}", "--sip", f"{self.sip[0]}:{self.sip[1]}"),
                *("--drain", "0", "--follow-input"),
                *("--config", str(self._config)),
                stdin=asyncio.subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        async with PacelineClient(self.api) as client:
            serving = asyncio.create_task(client.wait_serving(PATIENCE_S))
            ended = asyncio.create_task(self._process.wait())
            await asyncio.wait({serving, ended}, return_when=asyncio.FIRST_COMPLETED)
            if not serving.done():
                serving.cancel()
                await asyncio.gather(serving, return_exceptions=True)
                raise AssertionError(f"the engine ended at its start:\n{self.tail()}")
            ended.cancel()
            await asyncio.gather(ended, return_exceptions=True)
            serving.result()

    @property
    def pid(self) -> int:
        """The engine's process."""
        assert self._process is not None
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the engine's process runs."""
        return self._process is not None and self._process.returncode is None

    async def kill(self) -> None:
        """End this life as a power cut does: the engine gets no chance to do anything."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGKILL)
        await self._process.wait()

    async def stop(self) -> None:
        """End this life in order, and by force if that takes too long."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            async with asyncio.timeout(PATIENCE_S):
                await process.wait()
        except TimeoutError:
            await self.kill()
            raise AssertionError(f"the engine does not stop:\n{self.tail()}") from None

    def tail(self) -> str:
        """Return the end of what the engine wrote."""
        return self.log.read_text(encoding="utf-8", errors="replace")[-_TAIL:]

    def faults(self) -> list[str]:
        """Return lines of the log that tell of a failure inside the engine."""
        signs = ("Traceback (most recent call last)", "actor failed", "INTERNAL")
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return [line for line in lines if any(sign in line for sign in signs)]
