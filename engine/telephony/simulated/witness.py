"""The witness: what a tap on the wire and the clients' own notes would show, in order.

It stands outside of the engine and outlives its crashes. Rows are plain mappings, so that a
checker needs nothing of the engine to read them, and a file of JSON lines can hold them.
"""

from collections.abc import Callable

Row = dict[str, object]


class Witness:
    """Writes down what passes, each row with the instant it passed at.

    Attributes:
        rows: Everything seen, in order. Each row has ``at_s`` [s since the epoch] and ``kind``:

            - ``invite``: leg, side (customer, agent), number, caller_id, trunk, call_id, durable
              (facts that a power cut at this instant would leave)
            - ``ringing``, ``answer``, ``cancel``: leg; ``by`` who answered, if it is no person
            - ``end``: leg, how (refused, cancelled, bye, hung-up, lost), status
            - ``mix``: rows (listener to the legs it hears)
            - ``prompt``: leg; something is played to it
            - ``greeting``: leg, ends_s; when a person who is listened to has said hello
            - ``deaf``: leg; of what is listened for on it nothing will be heard
            - ``crash``, ``restart``, ``finished``, and what clients asked and were told
    """

    def __init__(self, now_s: Callable[[], float], durable: Callable[[], int]) -> None:
        """Take the clock, and who tells how many facts are durable."""
        self.rows: list[Row] = []
        self._now_s = now_s
        self._durable = durable
        self._alert: Callable[[], object] | None = None

    def alert(self, call: Callable[[], object]) -> None:
        """Call once, when the next row is written."""
        self._alert = call

    def note(self, kind: str, **details: object) -> None:
        """Write a row."""
        self.rows.append({"at_s": self._now_s(), "kind": kind, **details})
        call, self._alert = self._alert, None
        if call is not None:
            call()

    def invite(
        self, leg: str, side: str, number: str, caller_id: str, trunk: str, call_id: str
    ) -> None:
        """Write that an INVITE is on the wire, and how much was durable by then."""
        self.note(
            "invite",
            leg=leg,
            side=side,
            number=number,
            caller_id=caller_id,
            trunk=trunk,
            call_id=call_id,
            durable=self._durable(),
        )
