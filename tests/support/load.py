"""How crowded and how slow this machine is while a test runs: what its bounds of time go by.

A process of its own sleeps and works by turns. What it tells has nothing to do with the process
under test, nor with the test's own, so a bound that goes by it still means something::

    with Load() as load:
        ...
        assert took_s < load.allow(2.0)
"""

import os
import struct
import subprocess
import sys
import time
from types import TracebackType
from typing import Final, Self

PATIENCE_S: Final = 60.0
"""How long to wait for what must come: far longer than it takes, on any machine. [s]"""

_FORM: Final = struct.Struct("<dd")
_NAP_S: Final = 0.01
_NAPS: Final = 30
_LOOPS: Final = 1_000_000
_WORK_S: Final = 0.02
"""What ``_LOOPS`` take on a machine at rest, rather more than less. [s]"""


class Load:
    """A probe that runs while its block does.

    Attributes:
        latest_s: How late the latest of its sleeps ended. [s]
        slowness: How many times longer its work took than at rest, at worst; at least 1.
    """

    def __init__(self) -> None:
        self.latest_s = 0.0
        self.slowness = 1.0
        self._rest = b""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._process.stdout is not None
        self._out = self._process.stdout.fileno()
        self._take(os.read(self._out, 4096))  # it has begun
        os.set_blocking(self._out, False)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._look()
        self._process.kill()
        self._process.communicate()

    def allow(self, bound_s: float) -> float:
        """Return what a bound of a machine at rest comes to under the load there was. [s]"""
        self._look()
        return bound_s * self.slowness + 4 * self.latest_s

    def _look(self) -> None:
        while self._process.returncode is None:
            try:
                octets = os.read(self._out, 4096)
            except BlockingIOError:
                return
            if not octets:
                return
            self._take(octets)

    def _take(self, octets: bytes) -> None:
        octets = self._rest + octets
        whole = len(octets) - len(octets) % _FORM.size
        self._rest = octets[whole:]
        for late_s, slowness in _FORM.iter_unpack(octets[:whole]):
            self.latest_s = max(self.latest_s, late_s)
            self.slowness = max(self.slowness, slowness)


def main() -> None:
    """Tell each new worst lateness and slowness, until nobody listens or the parent is gone."""
    parent = os.getppid()
    worst = (0.0, 0.0)
    os.write(1, _FORM.pack(*worst))
    while os.getppid() == parent:
        late_s = 0.0
        for _ in range(_NAPS):
            began_s = time.monotonic()
            time.sleep(_NAP_S)
            late_s = max(late_s, time.monotonic() - began_s - _NAP_S)
        began_s = time.monotonic()
        for _ in range(_LOOPS):
            pass
        now = (late_s, (time.monotonic() - began_s) / _WORK_S)
        if any(new > old for new, old in zip(now, worst, strict=True)):
            worst = (max(now[0], worst[0]), max(now[1], worst[1]))
            os.write(1, _FORM.pack(*worst))


if __name__ == "__main__":
    main()
