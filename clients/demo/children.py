"""Processes that the demo starts: asked line by line, and ended in order, whatever happens."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from typing import TYPE_CHECKING, Self

from clients.errors import PacelineError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType

_ANSWER_S = 60.0
_END_S = 15.0
_LINE_BYTES = 1 << 20


class Child:
    """A Python process that speaks in lines and ends with its standard input.

    It has a session of its own, so that a Ctrl-C in the terminal does not reach it.
    """

    def __init__(self, *arguments: str, log: Path | None = None) -> None:
        """Say what to run; entering starts it.

        Args:
            *arguments: Of the Python interpreter.
            log: Where its standard error goes, None: to ours.
        """
        self._arguments = arguments
        self._log = log
        self._process: asyncio.subprocess.Process

    async def __aenter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            log = stack.enter_context(self._log.open("wb")) if self._log else None
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *self._arguments,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                limit=_LINE_BYTES,
                start_new_session=True,
            )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close its input, and wait until it has ended; kill it if it does not."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(_END_S):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    async def line(self) -> str:
        """Return the next line it prints.

        Raises:
            PacelineError: It ended, or is silent for too long.
        """
        assert self._process.stdout is not None  # a pipe was asked for
        try:
            async with asyncio.timeout(_ANSWER_S):
                line = await self._process.stdout.readline()
        except TimeoutError:
            line = b""
        if not line:
            raise PacelineError("child-ended", f"{' '.join(self._arguments[:3])}{self._last()}", "")
        return line.decode().strip()

    async def answer(self) -> Mapping[str, object]:
        """Return the next line it prints, which is a JSON object.

        Raises:
            PacelineError: It says that something went wrong.
        """
        answer: dict[str, object] = json.loads(await self.line())
        if "error" in answer:
            raise PacelineError("demo-world", str(answer["error"]), "")
        return answer

    async def ask(self, command: Mapping[str, object]) -> Mapping[str, object]:
        """Send a command and return its answer."""
        assert self._process.stdin is not None  # a pipe was asked for
        self._process.stdin.write(json.dumps(command).encode() + b"\n")
        await self._process.stdin.drain()
        return await self.answer()

    def _last(self) -> str:
        """Return the end of its log."""
        if self._log is None or not self._log.exists():
            return ""
        return ": " + self._log.read_text(errors="replace")[-2000:].strip()
