"""The calls of one pyVoIP phone, looked at 50 times a second; it does not know the library itself.

The library tells nobody that a call was answered or ended, so its state is read at each tick.
``call()`` may hang for ever: a thread of its own makes calls, one after another.
"""

import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from engine.telephony.pyvoip import messages

FRAME_OCTETS: Final = 160
"""Twenty milliseconds as the library takes and gives them: unsigned linear 8 bit at 8 kHz."""
MOST_BEHIND: Final = 5
"""Frames that may wait to be sent; the library sends a little less than 50 a second."""
LINGER_S: Final = 180.0
"""How long a call that was left ringing is watched (RFC 3261 §16.6, Timer C). [s]"""


class State(Protocol):
    """State of a call; ``name`` is DIALING, ANSWERED or ENDED."""

    @property
    def name(self) -> str:
        """Its name."""
        ...


class Stream(Protocol):
    """An RTP stream of a call."""

    outSequence: int  # noqa: N815 - as the library names it


class PhoneCall(Protocol):
    """What is used of a call of the library."""

    @property
    def state(self) -> State:
        """How it stands."""
        ...

    @property
    def RTPClients(self) -> Sequence[Stream]:  # noqa: N802 - as the library names it
        """Its streams, once it is answered."""
        ...

    def hangup(self) -> None:
        """Send BYE."""
        ...

    def read_audio(self, length: int, blocking: bool) -> bytes:
        """Return what was heard; silence where there is nothing."""
        ...

    def write_audio(self, data: bytes) -> None:
        """Say something."""
        ...

    def get_dtmf(self, length: int) -> str:
        """Return the next digit, or nothing."""
        ...


class Phone(Protocol):
    """What is used of a phone of the library."""

    def call(self, number: str) -> PhoneCall:
        """Call a number; returns with its first provisional response, or never."""
        ...


@dataclass(slots=True)
class _Open:
    """A call that goes on.

    Attributes:
        call: The library's.
        answered: Whether its answer was told.
        behind: Frames written that have not been sent. [frames]
        sent: Sequence number of the stream when it was last looked at.
        left_s: Since when nobody wants it, 0: it is wanted. [s]
    """

    call: PhoneCall
    answered: bool = False
    behind: int = 0
    sent: int = 0
    left_s: float = 0.0


class Calls:
    """All calls of a phone.

    Args:
        phone: The library's phone.
        tell: Takes events.
    """

    def __init__(self, phone: Phone, tell: Callable[[messages.Event], None]) -> None:
        self._phone = phone
        self._tell = tell
        self._wanted: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()
        self._made: queue.SimpleQueue[tuple[str, PhoneCall | str]] = queue.SimpleQueue()
        self._open: dict[str, _Open] = {}
        self._dialing: set[str] = set()
        self._left: set[str] = set()

    @property
    def idle(self) -> bool:
        """Whether nobody wants anything of it; a ``call()`` hanging for nobody is passed over."""
        return not self._open and self._dialing <= self._left

    def begin(self) -> None:
        """Let a thread make the calls."""
        threading.Thread(target=self.dial, name="dial", daemon=True).start()

    def dial(self) -> None:
        """Make the calls that are wanted, one after another, for ever."""
        while True:
            self.dial_next()

    def dial_next(self) -> None:
        """Wait for a wish, and make that call."""
        leg, number = self._wanted.get()
        try:
            self._made.put((leg, self._phone.call(number)))
        except Exception as error:  # noqa: BLE001 - whatever the library raises ends this call
            self._made.put((leg, f"{type(error).__name__}: {error}"))

    # --- commands --------------------------------------------------------------------------

    def call(self, leg: str, number: str) -> None:
        """Call a number."""
        self._dialing.add(leg)
        self._wanted.put((leg, number))

    def leave(self, leg: str, now_s: float) -> None:
        """End a leg; one that rings cannot be cancelled, and is hung up once it is answered."""
        known = self._open.get(leg)
        if leg in self._dialing:
            self._left.add(leg)
        elif known is None:
            return
        elif known.call.state.name == "DIALING":
            known.left_s = now_s
        else:
            del self._open[leg]
            _hang_up(known.call)

    def say(self, leg: str, pcm: bytes) -> None:
        """Say 20 ms of PCM16, unless too much waits already."""
        known = self._open.get(leg)
        if known is None or not known.answered or not known.call.RTPClients:
            return
        sent = known.call.RTPClients[0].outSequence
        known.behind = max(0, known.behind - max(0, sent - known.sent))
        known.sent = sent
        if known.behind < MOST_BEHIND:
            known.behind += 1
            known.call.write_audio(to_8_bit(pcm))

    def end(self) -> None:
        """Hang up all that was answered."""
        for known in self._open.values():
            if known.call.state.name == "ANSWERED":
                _hang_up(known.call)
        self._open.clear()

    # --- the clock -------------------------------------------------------------------------

    def tick(self, now_s: float) -> None:
        """Look at each call, and tell what has changed and what is heard."""
        self._take_made(now_s)
        for leg, known in list(self._open.items()):
            if known.left_s:
                self._watch_left(leg, known, now_s)
            else:
                self._watch(leg, known)

    def _take_made(self, now_s: float) -> None:
        while not self._made.empty():
            leg, made = self._made.get()
            self._dialing.discard(leg)
            if isinstance(made, str):
                self._left.discard(leg)
                self._tell(messages.CallFailed(leg, made))
                continue
            self._tell(messages.Called(leg))
            self._open[leg] = _Open(made, left_s=now_s if leg in self._left else 0.0)
            self._left.discard(leg)

    def _watch_left(self, leg: str, known: _Open, now_s: float) -> None:
        name = known.call.state.name
        if name == "ANSWERED":
            _hang_up(known.call)
        if name != "DIALING" or now_s - known.left_s > LINGER_S:
            del self._open[leg]

    def _watch(self, leg: str, known: _Open) -> None:
        name = known.call.state.name
        if name == "ENDED":
            del self._open[leg]
            self._tell(messages.Over(leg, known.answered))
        elif name == "ANSWERED":
            if not known.answered:
                known.answered = True
                self._tell(messages.Answered(leg))
            self._hear(leg, known.call)

    def _hear(self, leg: str, call: PhoneCall) -> None:
        if not call.RTPClients:
            return
        heard = call.read_audio(FRAME_OCTETS, blocking=False)
        self._tell(messages.Audio(leg, to_16_bit(heard)))
        while digit := call.get_dtmf(1):
            self._tell(messages.Digit(leg, digit))


def _hang_up(call: PhoneCall) -> None:
    try:
        call.hangup()
    except Exception:  # noqa: BLE001 - it ended at this very moment, or its socket is gone
        return


def to_8_bit(pcm: bytes) -> bytes:
    """Return PCM16 as unsigned linear 8 bit."""
    samples = np.frombuffer(pcm, np.int16)
    return ((samples >> 8) + 128).astype(np.uint8).tobytes()


def to_16_bit(heard: bytes) -> bytes:
    """Return unsigned linear 8 bit as PCM16."""
    samples = np.frombuffer(heard, np.uint8).astype(np.int16)
    return ((samples - 128) << 8).astype(np.int16).tobytes()
