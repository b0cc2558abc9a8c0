"""One pyVoIP phone in a process: commands come over a local socket, events go back every 20 ms.

Its process ends when the engine's does: then it hangs up what was answered.
"""

import contextlib
import os
import socket
import threading
import time
import warnings
from collections import deque
from typing import Any, Final, Protocol, assert_never, cast

import msgspec

from engine.telephony.pyvoip import messages
from engine.telephony.pyvoip.calls import Calls, PhoneCall

TICK_S: Final = 0.02
SIGN_S: Final = 0.5
"""How often a sign of life is given if there is nothing to tell. [s]"""
REGISTER_S: Final = 8.0
"""How long a registration may take. [s]"""
END_S: Final = 1.5
"""How long the library may take to give its registration back. [s]"""


class Library(Protocol):
    """What is used of the library's phone."""

    def start(self) -> None:
        """Bind and register."""
        ...

    def stop(self) -> None:
        """Hang up all and give the registration back."""
        ...

    def get_status(self) -> Any:
        """Return how the registration stands."""
        ...

    def call(self, number: str) -> PhoneCall:
        """Call a number."""
        ...


def open_phone(begin: messages.Begin) -> Library:
    """Return a phone of the library, not started yet.

    Raises:
        ImportError: The extra is not installed.
        OSError: The PBX has no address.
    """
    # The only place where pyVoIP is imported; it is under the GPL, version 3.
    from pyVoIP.VoIP import VoIPPhone

    host = own_address(begin.host, begin.port)
    phone = VoIPPhone(
        begin.host, begin.port, begin.username, begin.password,
        myIP=host, callCallback=None, sipPort=free_port(host),
    )  # fmt: skip
    return cast("Library", phone)  # its calls are told apart by what is used of them


def own_address(host: str, port: int) -> str:
    """Return the address of this machine that a PBX is reached from.

    Raises:
        OSError: It has no address, or no way leads there.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((host, port))
        address: str = probe.getsockname()[0]
        return address


def free_port(host: str) -> int:
    """Return a UDP port that is free now.

    Another one in each life: the library's Call-IDs begin again with each process, and differ by
    the port alone.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


class Outbox:
    """Events on their way to the engine; audio that finds no room is dropped, nothing else is."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._events: list[messages.Event] = []
        self._unsent: deque[bytes] = deque()
        self._encoder = msgspec.msgpack.Encoder()
        self._last_s = 0.0

    def tell(self, event: messages.Event) -> None:
        """Keep an event until the end of the tick."""
        self._events.append(event)

    def flush(self, now_s: float) -> None:
        """Send what there is; from time to time also nothing, as a sign of life."""
        events, self._events = self._events, []
        if self._unsent:
            events = [event for event in events if not isinstance(event, messages.Audio)]
        for at in range(0, len(events), messages.MESSAGES_A_BATCH):
            self._unsent.append(self._encoder.encode(events[at : at + messages.MESSAGES_A_BATCH]))
        if not self._unsent and now_s - self._last_s >= SIGN_S:
            self._unsent.append(self._encoder.encode([]))
        with contextlib.suppress(BlockingIOError):
            while self._unsent:
                self._control.send(self._unsent[0], socket.MSG_DONTWAIT)
                self._unsent.popleft()
                self._last_s = now_s


class Worker:
    """The process: a phone, its calls, and the way to the engine."""

    def __init__(self, control: socket.socket, phone: Library) -> None:
        self._control = control
        self._phone = phone
        self._outbox = Outbox(control)
        self._calls = Calls(phone, self._outbox.tell)
        self._decoder = msgspec.msgpack.Decoder(list[messages.Command])
        self._up = False
        self._failed = ""
        self._began_s = time.monotonic()
        self._retired = False
        self._ending = False

    def run(self) -> None:
        """Work until the engine wants an end, or is gone."""
        self._calls.begin()
        threading.Thread(target=self._start_phone, name="start", daemon=True).start()
        due_s = time.monotonic()
        while not self._ending:
            due_s = max(due_s + TICK_S, time.monotonic() - 5 * TICK_S)
            self._read_until(due_s)
            now_s = time.monotonic()
            self._watch_registration(now_s)
            self._calls.tick(now_s)
            self._ending |= self._retired and self._calls.idle
            try:
                self._outbox.flush(now_s)
            except OSError:
                self._ending = True
        self._end()

    def _read_until(self, due_s: float) -> None:
        while not self._ending and (left_s := due_s - time.monotonic()) > 0:
            self._control.settimeout(left_s)
            try:
                datagram = self._control.recv(messages.MOST_BYTES)
            except TimeoutError:
                return
            except OSError:
                datagram = b""
            if not datagram:
                self._ending = True
                return
            for command in self._decoder.decode(datagram):
                self._obey(command)

    def _obey(self, command: messages.Command) -> None:
        match command:
            case messages.Call(leg, number):
                self._calls.call(leg, number)
            case messages.Leave(leg):
                self._calls.leave(leg, time.monotonic())
            case messages.Audio(leg, pcm):
                self._calls.say(leg, pcm)
            case messages.Retire():
                self._retired = True
            case messages.Begin():
                pass  # was obeyed before the worker was made
            case _:
                assert_never(command)

    def _watch_registration(self, now_s: float) -> None:
        name = self._phone.get_status().name
        if name == "REGISTERED" and not self._up:
            self._up = True
            self._outbox.tell(messages.Up())
            return
        late = not self._up and now_s - self._began_s > REGISTER_S
        if late or self._failed or name == "FAILED":
            self._outbox.tell(messages.Down(self._failed or "the PBX does not let it register"))
            self._ending = True
            self._outbox.flush(now_s)

    def _start_phone(self) -> None:
        try:
            self._phone.start()  # returns once it is registered, or has waited long
        except Exception as error:  # noqa: BLE001 - whatever the library raises, it does not work
            self._failed = f"{type(error).__name__}: {error}"

    def _end(self) -> None:
        self._calls.end()
        leaving = threading.Thread(target=self._stop_phone, daemon=True)
        leaving.start()
        leaving.join(END_S)

    def _stop_phone(self) -> None:
        with contextlib.suppress(
            Exception
        ):  # what the library finds at its end is its own business
            self._phone.stop()


def main(control: socket.socket) -> None:
    """Be a phone for the engine at the other end of a socket; does not return."""
    warnings.simplefilter("ignore")
    try:
        begin = msgspec.msgpack.decode(
            control.recv(messages.MOST_BYTES), type=list[messages.Begin]
        )[0]
        phone = open_phone(begin)
        Worker(control, phone).run()
    except ImportError as error:
        _fail(control, f"the extra pyvoip is not installed: {error}")
    except OSError as error:
        _fail(control, f"the PBX cannot be reached: {error}")
    finally:
        os._exit(0)  # the library's threads would go on for ever


def _fail(control: socket.socket, reason: str) -> None:
    with contextlib.suppress(OSError):
        control.send(msgspec.msgpack.encode([messages.Down(reason)]))
