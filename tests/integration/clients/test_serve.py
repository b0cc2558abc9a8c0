"""``paceline serve`` as a process: ready, refusing, draining, stopping."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from clients import PacelineClient
from tests.support.load import PATIENCE_S

pytestmark = pytest.mark.asyncio


@contextlib.asynccontextmanager
async def serving(
    *words: str, folder: Path, listen: str = "127.0.0.1:0"
) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "clients.cli", "serve", "--listen", listen, "--sip", "127.0.0.1:0",
        "--store", f"sqlite:{folder / 'p.db'}", "--drain", "1", "--log-level", "error", *words,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        stdin=asyncio.subprocess.PIPE, env=os.environ | {"COLUMNS": "300"},
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def api_of(process: asyncio.subprocess.Process) -> str:
    """Return the address of the API, as the process prints it when it is ready."""
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE_S):
        line = (await process.stdout.readline()).decode()
    assert line.startswith("serving api=127.0.0.1:"), line
    return line.split()[1].removeprefix("api=")


async def ended(process: asyncio.subprocess.Process) -> int:
    async with asyncio.timeout(PATIENCE_S):
        return await process.wait()


async def test_a_server_serves_keeps_what_it_is_told_and_stops_by_sigterm(tmp_path: Path) -> None:
    async with serving(folder=tmp_path) as process:
        async with PacelineClient(await api_of(process)) as client:
            await client.wait_serving(PATIENCE_S)
            await client.lists.create("people")
        process.send_signal(signal.SIGTERM)
        assert await ended(process) == 0
    async with serving(folder=tmp_path) as process, PacelineClient(await api_of(process)) as client:
        assert (await client.lists.get("people")).name == "lists/people"
        assert (await client.engine.get()).epoch == 2


async def test_a_drain_ends_the_process(tmp_path: Path) -> None:
    async with serving(folder=tmp_path) as process:
        async with PacelineClient(await api_of(process)) as client:
            assert (await client.engine.drain()).draining
        assert await ended(process) == 0


async def test_a_server_that_follows_its_input_ends_with_it(tmp_path: Path) -> None:
    async with serving("--follow-input", folder=tmp_path) as process:
        await api_of(process)
        assert process.stdin is not None
        process.stdin.close()
        assert await ended(process) == 0


async def test_a_taken_port_is_one_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        async with serving(folder=tmp_path, listen=listen) as process:
            assert await ended(process) == 1
            assert process.stderr is not None
            last = (await process.stderr.read()).decode().splitlines()[-1]
            assert last.startswith("error: cannot-listen: ")


async def test_plain_text_for_others_is_refused(tmp_path: Path) -> None:
    async with serving(folder=tmp_path, listen="0.0.0.0:0") as process:
        assert await ended(process) == 1
        assert process.stderr is not None
        assert "error: tls-required: " in (await process.stderr.read()).decode()


async def test_a_wrong_setting_is_named(tmp_path: Path) -> None:
    config = tmp_path / "paceline.toml"
    config.write_text("[sip]\nprot = 5060\n")
    async with serving("--config", str(config), folder=tmp_path) as process:
        assert await ended(process) == 1
        assert process.stderr is not None
        text = (await process.stderr.read()).decode()
        assert text.startswith("error: invalid-config: ")
        assert "sip.prot" in text
