"""A process of a pool does not outlive an engine that was killed."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from tests.support.load import PATIENCE_S

_ENGINE = """
import os, time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from engine.worker_life import end_with_engine

if __name__ == "__main__":
    context = get_context("spawn")
    pool = ProcessPoolExecutor(1, mp_context=context, initializer=end_with_engine)
    print(pool.submit(os.getpid).result(), flush=True)
    time.sleep(600)
"""


def runs(pid: int) -> bool:
    """Whether a process runs; one that nobody has waited for does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("ascii", errors="replace")
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


@pytest.mark.asyncio
async def test_a_worker_ends_when_its_engine_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "engine_of_test.py"
    script.write_text(_ENGINE, "utf-8")
    engine = await asyncio.create_subprocess_exec(
        sys.executable,
        str(script),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )
    try:
        assert engine.stdout is not None
        async with asyncio.timeout(PATIENCE_S):
            worker = int(await engine.stdout.readline())
        assert runs(worker)
        engine.send_signal(signal.SIGKILL)
        await engine.wait()
        async with asyncio.timeout(PATIENCE_S):
            while runs(worker):  # noqa: ASYNC110 - the system tells of no orphan
                await asyncio.sleep(0.05)
    finally:
        if engine.returncode is None:
            engine.kill()
            await engine.wait()
