"""The far end of the path benchmark with agents: people who are called, and the agents' phones.

``python -m benchmarks.path_people`` is a process of its own: it speaks SIP and RTP on loopback,
with a tone for each party, and notes who hears whom. Commands as in ``benchmarks.path_world``:

    {"do": "where"}   ->  {"trunk": "HOST:PORT", "phones": "HOST:PORT"}
    {"do": "count"}   ->  calls, answers and sound since the last time
"""

import asyncio
import json
import sys
import time

import uvloop

from clients.demo.carrier import Carrier
from clients.demo.people import Habits, People
from clients.demo.phones import Phones
from clients.demo.rtp import Voices

HOST = "127.0.0.1"
HABITS = Habits(
    answer_ratio=0.6, busy_ratio=0.9, unknown_ratio=0.1, ring_s=(1.0, 4.0), talk_s=(10.0, 20.0)
)


class PhonesHere(Phones):
    """Phones that tell where they are."""

    @property
    def address(self) -> str:
        """``host:port`` of all of them."""
        return f"{self._wire.host}:{self._wire.port}"


class Far:
    """A carrier with its people, and the phones."""

    def __init__(self) -> None:
        voices = Voices()
        self.carrier = Carrier(HOST, People(HABITS, 1), voices)
        self.phones = PhonesHere(HOST, voices)
        self._before = dict.fromkeys(("invites", "answered", "heard", "phones_heard"), 0)
        self._cpu_s = time.process_time()

    def obey(self, command: dict[str, object]) -> dict[str, object]:
        """Carry out a command and return the answer."""
        match command:
            case {"do": "where"}:
                return {"trunk": self.carrier.address, "phones": self.phones.address}
            case {"do": "count"}:
                return self._count()
            case _:
                raise ValueError(f"unknown command {command}")

    def _count(self) -> dict[str, object]:
        log = self.carrier.log
        now = {
            "invites": len(log.invites_s),
            "answered": log.answered,
            "heard": log.heard,
            "phones_heard": self.phones.heard,
        }
        cpu_s, self._cpu_s = time.process_time() - self._cpu_s, time.process_time()
        answer: dict[str, object] = {name: now[name] - self._before[name] for name in now}
        self._before = now
        most = max(log.numbers.values(), default=0)
        return answer | {"cpu_s": cpu_s, "calls": self.carrier.calls, "most_per_number": most}


async def serve() -> None:
    """Obey commands from standard input until it ends."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    far = Far()
    while line := await reader.readline():
        print(json.dumps(far.obey(json.loads(line))), flush=True)
    far.carrier.close()
    far.phones.close()


if __name__ == "__main__":
    uvloop.run(serve())
