"""A process of a pool does not outlive an engine that was killed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

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


def test_a_worker_ends_when_its_engine_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "engine_of_test.py"
    script.write_text(_ENGINE, "utf-8")
    around = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    with subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, text=True, env=around
    ) as engine:
        assert engine.stdout is not None
        worker = int(engine.stdout.readline())
        assert runs(worker)
        engine.kill()
        engine.wait()
        until_s = time.monotonic() + PATIENCE_S
        while runs(worker) and time.monotonic() < until_s:
            time.sleep(0.05)
        ended = not runs(worker)
        if not ended:
            os.kill(worker, signal.SIGKILL)
        assert ended
