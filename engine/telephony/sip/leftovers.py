"""Legs of an earlier life of the process, ended as soon as a way to them is known (C2)."""

from collections.abc import Callable

from engine.domain.ids import TrunkId
from engine.ports import EndOldLeg
from engine.telephony.sip.calls import called_uri
from engine.telephony.sip.destination import Destination
from engine.telephony.sip.grammar import ParseError
from engine.telephony.sip.phones import Phones
from engine.telephony.sip.trunks import Trunks
from engine.telephony.sip.user_agent import UserAgent

_NOWHERE = Destination("", 0)
"""Where a stored dialog that knows its own way is said to go."""


class Leftovers:
    """Ends old legs; those that cannot be reached yet wait for their trunk or phone."""

    def __init__(self, agent: Callable[[], UserAgent], trunks: Trunks, phones: Phones) -> None:
        """Begin without any.

        Args:
            agent: Returns the user agent that ends them.
            trunks: Where trunks are.
            phones: Where phones are.
        """
        self._agent = agent
        self._trunks = trunks
        self._phones = phones
        self._waiting: dict[str, list[EndOldLeg]] = {}

    def end(self, command: EndOldLeg, now_s: float) -> None:
        """End a leg, now or once the way to it is known again."""
        found = self._find(command, now_s)
        if found is not None:
            self._end_at(command, *found, now_s)
        elif command.dialog and self._agent().can_leave(command.dialog):
            self._end_at(command, "", (_NOWHERE,), now_s)  # its dialog alone knows the way
        else:
            key = f"trunk {command.trunk_id}" if command.trunk_id else f"phone {command.target}"
            self._waiting.setdefault(key, []).append(command)

    def found_trunk(self, trunk_id: TrunkId, now_s: float) -> None:
        """End what waited for a trunk's address."""
        self._end_waiting(f"trunk {trunk_id}", now_s)

    def found_phone(self, user: str, now_s: float) -> None:
        """End what waited for a phone's registration."""
        self._end_waiting(f"phone {user}", now_s)

    def _end_waiting(self, key: str, now_s: float) -> None:
        for command in self._waiting.pop(key, ()):
            self.end(command, now_s)

    def _find(self, command: EndOldLeg, now_s: float) -> tuple[str, tuple[Destination, ...]] | None:
        """Return the URI that a leg's INVITE went to, and where that may be."""
        if command.trunk_id:
            found = self._trunks.find(command.trunk_id)
            return (called_uri(command.target, found[0]), found[1]) if found else None
        fixed = ":" in command.target
        phone = self._phones.find(command.target, command.target if fixed else "", now_s)
        return (phone[0], phone[1:]) if phone else None

    def _end_at(
        self,
        command: EndOldLeg,
        target: str,
        destinations: tuple[Destination, ...],
        now_s: float,
    ) -> None:
        first, *others = destinations
        try:
            self._agent().end_old_leg(command.leg_id, command.dialog, target, first, now_s, others)
        except ParseError:  # no dialog that we stored: as if there were none
            again = EndOldLeg(command.leg_id, b"", command.target, command.trunk_id)
            self.end(again, now_s)
