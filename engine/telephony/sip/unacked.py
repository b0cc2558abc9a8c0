"""A 2xx of ours that waits for its ACK, sent again until then (RFC 3261 §13.3.1.4)."""

from collections.abc import Callable

from engine.telephony.sip.destination import Destination, Send
from engine.telephony.sip.timers import GIVE_UP_S, T1_S, T2_S, TimerQueue

AGAIN = "again"
GIVE_UP = "give-up"


class UnackedOk:
    """Retransmits a 2xx, whatever the transport, for a proxy may have changed it on the way.

    Attributes:
        cseq: CSeq of the INVITE it answers.
        wants_answer: Whether it carried our offer, so that ACK must carry the answer.
    """

    __slots__ = (
        "_destination",
        "_give_up",
        "_interval_s",
        "_on_gave_up",
        "_repeat",
        "_send",
        "_timers",
        "_wire",
        "cseq",
        "wants_answer",
    )

    def __init__(
        self,
        timers: TimerQueue,
        send: Send,
        wire: bytes,
        destination: Destination,
        cseq: int,
        wants_answer: bool,
        on_gave_up: Callable[[float], None],
        now_s: float,
    ) -> None:
        """Begin to wait; the first sending was the transaction's."""
        self._timers = timers
        self._send = send
        self._wire = wire
        self._destination = destination
        self.cseq = cseq
        self.wants_answer = wants_answer
        self._on_gave_up = on_gave_up
        self._interval_s = T1_S
        self._repeat = timers.start(T1_S, now_s, self, AGAIN)
        self._give_up = timers.start(GIVE_UP_S, now_s, self, GIVE_UP)

    def stop(self) -> None:
        """Wait no more: the ACK came, or the dialog went."""
        self._repeat.stop()
        self._give_up.stop()

    def on_timer(self, name: str, now_s: float) -> None:
        """Send again, or give up after 64*T1."""
        if name == GIVE_UP:
            self._repeat.stop()
            self._on_gave_up(now_s)
            return
        self._send(self._wire, self._destination)
        self._interval_s = min(self._interval_s * 2, T2_S)
        self._repeat = self._timers.start(self._interval_s, now_s, self, AGAIN)
