"""Legs of an earlier life of the process: cancelled or said goodbye to (invariant C2).

All names of a leg follow from its id, so CANCEL needs no stored state; BYE needs the far end's tag
and so the stored dialog. An answer that comes late is recognised by the tag only we can have made.
"""

from collections.abc import Sequence
from typing import Final

from engine.telephony.sip.client_transaction import Client
from engine.telephony.sip.core import Core
from engine.telephony.sip.destination import Destination
from engine.telephony.sip.dialog import Dialog
from engine.telephony.sip.grammar import ParseError
from engine.telephony.sip.message import Response
from engine.telephony.sip.stored_dialog import read_dialog
from engine.telephony.sip.stray import NOBODY

_SKIPPED: Final = 1000
"""Requests that the earlier life may have sent after its dialog was stored."""
_TRIES: Final = 6
"""INVITEs that one leg may have sent: the first, and those after challenges, 422 and failovers."""
_REASON: Final = 'Reason: Q.850;cause=41;text="restarted"\r\n'


class _OldCancel:
    """Cancels the INVITEs a leg may have sent, one after another, until one is known."""

    __slots__ = ("_core", "_destinations", "_dialog", "_number")

    def __init__(self, core: Core, dialog: Dialog, destinations: Sequence[Destination]) -> None:
        self._core = core
        self._dialog = dialog
        self._destinations = list(destinations)
        self._number = 0

    def send(self, now_s: float) -> None:
        """Cancel the INVITE whose number it is: its branch and CSeq follow (RFC 3261 §9.1)."""
        dialog = self._dialog
        dialog.destination = dialog.hop = self._destinations[0]
        branch = f"{dialog.salt}{self._number}"
        cseq = 1 + self._number
        wire = dialog.build("CANCEL", branch, cseq, _REASON)
        self._core.transactions.request("CANCEL", branch, cseq, wire, dialog.hop, self, now_s)

    def on_response(self, _: Client, response: Response, now_s: float) -> None:
        """Try the next INVITE if this one is unknown."""
        if response.status != 481:
            return
        if self._number + 1 < _TRIES:
            self._number += 1
            self.send(now_s)
        else:
            self._try_next(now_s)

    def on_failure(self, _: Client, _timed_out: bool, now_s: float) -> None:
        """Learn that nobody answers there; another server may have the INVITE."""
        self._try_next(now_s)

    def _try_next(self, now_s: float) -> None:
        del self._destinations[0]
        self._number = 0
        if self._destinations:
            self.send(now_s)

    def build_ack(self, _: Client, _response: Response) -> bytes:
        """Return nothing: only an INVITE asks for it."""
        return b""


def cancel_old_leg(
    core: Core, leg_id: str, target: str, destinations: Sequence[Destination], now_s: float
) -> None:
    """Cancel the INVITE of a leg that an earlier life had not seen answered.

    Args:
        core: The user agent's shared state.
        leg_id: The leg.
        target: Request-URI of its INVITE: CANCEL repeats it.
        destinations: Where the INVITE may have gone, at least one.
        now_s: Now. [s]
    """
    names = core.tokens.leg(leg_id)
    local = f"<{core.origin.contact.strip('<>')}>;tag={names.tag}"
    dialog = Dialog(
        core.origin,
        names.call_id,
        local,
        names.tag,
        f"<{target}>",
        target,
        destinations[0],
        names.salt,
    )
    _OldCancel(core, dialog, destinations).send(now_s)


def can_leave(core: Core, state: bytes) -> bool:
    """Say whether a stored dialog knows a way that is open in this life without anything more.

    A phone's own connection is gone with its life, and TLS needs what its trunk says.
    """
    try:
        hop = read_dialog(state, core.origin).hop
    except ParseError:
        return False
    return not hop.link


def leave_old_leg(core: Core, state: bytes, destination: Destination, now_s: float) -> None:
    """Say goodbye in a dialog of an earlier life.

    Args:
        core: The user agent's shared state.
        state: What ``dialog_state`` gave.
        destination: Where the far end is now, if its connection of then was its own.
        now_s: Now. [s]

    Raises:
        ParseError: It is no stored dialog.
    """
    dialog = read_dialog(state, core.origin)
    if dialog.hop.is_flow:
        dialog.destination = dialog.hop = destination
    cseq = dialog.cseq + _SKIPPED
    branch = f"{dialog.salt}{dialog.branches + _SKIPPED}"
    wire = dialog.build("BYE", branch, cseq, _REASON)
    core.transactions.request("BYE", branch, cseq, wire, dialog.hop, NOBODY, now_s)
