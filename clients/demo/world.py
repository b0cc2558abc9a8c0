"""The world as a process of its own: a carrier, phones and agents, told what to do line by line.

``python -m clients.demo.world`` reads commands from its input, one JSON object a line, and answers
each with one line. It ends with its input, so that it never outlives who started it.

    {"do": "staff", "server": "127.0.0.1:50051", "registrar": "127.0.0.1:5060",
     "agents": ["agent-01"], "password": "..."}      ->  {"ready": 1}
    {"do": "clear"}                                  ->  {}
    {"do": "report", "since_s": 0, "stop_s": 0}      ->  counts
    {"do": "quit"}                                   ->  ends
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from typing import TYPE_CHECKING

from clients.client import PacelineClient
from clients.demo.carrier import Carrier
from clients.demo.desks import Manners, Staff
from clients.demo.people import Habits, People
from clients.demo.phones import Account, Phones
from clients.demo.rtp import Voices

if TYPE_CHECKING:
    from collections.abc import Coroutine

HOST = "127.0.0.1"
_READY_S = 20.0

Answer = dict[str, object]


class World:
    """Everything the engine meets in the demo, and what it saw."""

    def __init__(self, habits: Habits, seed: int) -> None:
        """Open the carrier and the phones.

        Args:
            habits: How called people are.
            seed: Of all they do.
        """
        self._seed = seed
        self._voices = Voices()
        self.carrier = Carrier(HOST, People(habits, seed), self._voices)
        self.phones = Phones(HOST, self._voices)
        self._client: PacelineClient | None = None
        self._staff: Staff | None = None

    async def obey(self, command: dict[str, object]) -> Answer:
        """Carry out a command and return the answer."""
        match command:
            case {"do": "staff"}:
                return await self._hire(command)
            case {"do": "clear"}:
                if self._staff is not None:
                    self._staff.clear()
                return {}
            case {"do": "report"}:
                return self._report(_number(command, "since_s"), _number(command, "stop_s"))
            case _:
                return {"error": f"unknown command {command.get('do')!r}"}

    async def close(self) -> None:
        """Send everybody home."""
        if self._staff is not None:
            await self._staff.stop()
        self.carrier.close()
        self.phones.close()
        await self._voices.stop()
        if self._client is not None:
            await self._client.close()

    async def _hire(self, command: dict[str, object]) -> Answer:
        host, _, port = str(command["registrar"]).rpartition(":")
        names = command["agents"]
        agents = [str(each) for each in names] if isinstance(names, list) else []
        registrar, password = (host, int(port)), str(command["password"])
        await asyncio.gather(
            *(self.phones.register(Account(each, password, registrar)) for each in agents)
        )
        self._client = PacelineClient(str(command["server"]))
        self._staff = Staff(self._client, agents, Manners(), self._seed)
        return {"ready": await self._staff.wait_ready(_READY_S), "faults": self._staff.faults}

    def _report(self, since_s: float, stop_s: float) -> Answer:
        log, staff = self.carrier.log, self._staff
        return {
            "invites": len(log.invites_s),
            "first_invite_s": log.first_after(since_s),
            "invites_after": log.invites_after(stop_s) if stop_s else 0,
            "answered": log.answered,
            "heard": log.heard,
            "most_per_number": max(log.numbers.values(), default=0),
            "calls": self.carrier.calls,
            "phones": self.phones.calls,
            "phones_heard": self.phones.heard,
            "busy_share": staff.busy_share() if staff else 0.0,
            "faults": staff.faults if staff else [],
        }


def _number(command: dict[str, object], key: str) -> float:
    value = command.get(key, 0.0)
    return float(value) if isinstance(value, int | float) else 0.0


async def serve(world: World) -> None:
    """Obey commands from standard input until it ends or says quit."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    _say({"trunk": world.carrier.address})
    while line := await reader.readline():
        command = json.loads(line)
        if command.get("do") == "quit":
            break
        try:
            _say(await world.obey(command))
        except Exception as error:  # noqa: BLE001 - who asked must hear of it, whatever it is
            _say({"error": f"{type(error).__name__}: {error}"})


def _say(answer: Answer) -> None:
    print(json.dumps(answer), flush=True)


async def _run(habits: Habits, seed: int) -> None:
    world = World(habits, seed)
    serving = asyncio.create_task(serve(world))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, serving.cancel)
    try:
        await asyncio.gather(serving, return_exceptions=True)
    finally:
        await world.close()


def run(main: Coroutine[object, object, None]) -> None:
    """Run on uvloop where there is one."""
    try:
        import uvloop
    except ImportError:
        asyncio.run(main)
    else:
        uvloop.run(main)


def main() -> None:
    """Run a world until its input ends."""
    parser = argparse.ArgumentParser(description="The demo's carrier, phones and agents.")
    parser.add_argument("--seed", type=int, default=1, help="of all that people do")
    parser.add_argument("--answer-ratio", type=float, default=0.35, help="share in [0, 1]")
    options = parser.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started it ends it in order
    run(_run(Habits(answer_ratio=options.answer_ratio), options.seed))


if __name__ == "__main__":
    main()
