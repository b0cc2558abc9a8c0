"""What all transactions have: octets to send again, and two timers (RFC 3261 §17)."""

from typing import TYPE_CHECKING

from engine.telephony.sip.destination import Destination
from engine.telephony.sip.tables import Input, Phase
from engine.telephony.sip.timers import T1_S, Timer

if TYPE_CHECKING:
    from engine.telephony.sip.transactions import Transactions


class Transaction:
    """A transaction's timers: one that repeats, one that limits."""

    __slots__ = ("destination", "home", "interval_s", "limit", "phase", "repeat", "wire")

    def __init__(self, home: "Transactions", wire: bytes, destination: Destination) -> None:
        self.home = home
        self.wire = wire
        self.destination = destination
        self.interval_s = T1_S
        self.repeat: Timer | None = None
        self.limit: Timer | None = None
        self.phase = Phase.TERMINATED

    def on_timer(self, name: str, now_s: float, /) -> None:
        """Feed a timer that is due to the table."""
        self.step(Input(name), None, now_s)

    def step(self, given: Input, message: None, now_s: float, /) -> None:
        """Take an input; each kind of transaction has its own table."""
        raise TypeError(f"{given} at {now_s} for no table, {message}")

    @property
    def reliable(self) -> bool:
        """Whether the transport itself retransmits."""
        return self.destination.transport != "UDP"

    def start_repeat(self, name: Input, longest_s: float, now_s: float) -> None:
        """Start the retransmission timer and double its interval (RFC 3261 §17.1.1.2)."""
        if self.reliable:
            return
        self.repeat = self.home.timers.start(self.interval_s, now_s, self, name)
        self.interval_s = min(self.interval_s * 2, longest_s)

    def start_limit(self, name: Input, wait_s: float, now_s: float) -> None:
        """Start the timer that ends the phase."""
        self.limit = self.home.timers.start(wait_s, now_s, self, name)

    def start_linger(self, name: Input, wait_s: float, now_s: float) -> None:
        """Start the timer that absorbs retransmissions; without those it takes no time."""
        self.start_limit(name, 0.0 if self.reliable else wait_s, now_s)

    def stop(self) -> None:
        """Stop both timers."""
        if self.repeat is not None:
            self.repeat.stop()
            self.repeat = None
        if self.limit is not None:
            self.limit.stop()
            self.limit = None


def class_of(status: int) -> Input:
    """Return what a status is to a transaction's table."""
    if status < 200:
        return Input.PROVISIONAL
    return Input.SUCCESS if status < 300 else Input.FAILURE
