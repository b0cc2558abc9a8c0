"""Answers that nobody waits for: another fork's, or one to an INVITE of an earlier life.

Each gets ACK, and its dialog BYE (RFC 3261 §13.2.2.4), so that no party is left alone in a call.
"""

from typing import Final

from engine.telephony.sip.client_transaction import Client
from engine.telephony.sip.core import Core
from engine.telephony.sip.destination import Destination
from engine.telephony.sip.dialog import Dialog
from engine.telephony.sip.grammar import ParseError
from engine.telephony.sip.message import MAGIC, Response

_SKIPPED: Final = 100
"""Requests that may have been sent in the dialog before, each a PRACK (RFC 3262 §4)."""


class _Nobody:
    """The user of a request whose answer changes nothing."""

    __slots__ = ()

    def on_response(self, _: Client, _response: Response, _now_s: float) -> None:
        """Take nothing from it."""

    def on_failure(self, _: Client, _timed_out: bool, _now_s: float) -> None:
        """Take nothing from it."""

    def build_ack(self, _: Client, _response: Response) -> bytes:
        """Return nothing; only an INVITE asks for it, and this user sends none."""
        return b""


NOBODY = _Nobody()


def take_stray(core: Core, response: Response, source: Destination, now_s: float) -> None:
    """Take a response without a transaction: only one to an INVITE of ours is acted on."""
    leg_id = response.call_id.removesuffix(f"@{core.tokens.realm}")
    ours = response.method == "INVITE" and response.from_tag == core.tokens.leg(leg_id).tag
    if not ours or response.status < 200:
        core.counts["stray-responses"] += 1
    elif response.status >= 300:
        acknowledge_refusal(core, response, source)
    else:
        _take_late_answer(core, response, source, now_s)


def _take_late_answer(core: Core, response: Response, source: Destination, now_s: float) -> None:
    """Take a 2xx whose transaction is gone: known, a late fork's, or an earlier life's."""
    leg = core.by_tag.get(response.from_tag)
    if leg is not None and response.to_tag and leg.dialog.remote_tag == response.to_tag:
        leg.acknowledge(response.cseq)
    else:
        first = not is_bye_pending(core, response)
        end_stray(core, response, source, first, now_s)


def end_stray(
    core: Core, response: Response, destination: Destination, first: bool, now_s: float
) -> None:
    """Acknowledge a 2xx and end its dialog.

    Args:
        core: The user agent's shared state.
        response: The 2xx; its From is ours.
        destination: Where its INVITE went, or where it came from.
        first: Whether BYE is sent too; a retransmitted 2xx gets ACK alone.
        now_s: Now. [s]
    """
    dialog = stray_dialog(core, response, destination)
    cseq = response.cseq
    mark = core.tokens.of(f"{response.call_id} {response.to_tag}")
    core.counts["stray-answers"] += 1
    core.transactions.send(dialog.build("ACK", f"{MAGIC}{mark}a{cseq}", cseq), dialog.hop)
    if not first:
        return
    branch = f"{MAGIC}{mark}b{cseq}"
    cseq += _SKIPPED
    wire = dialog.build("BYE", branch, cseq)
    core.transactions.request("BYE", branch, cseq, wire, dialog.hop, NOBODY, now_s)


def is_bye_pending(core: Core, response: Response) -> bool:
    """Say whether the dialog of a stray 2xx has its BYE under way."""
    mark = core.tokens.of(f"{response.call_id} {response.to_tag}")
    return f"{MAGIC}{mark}b{response.cseq}" in core.transactions.clients


def acknowledge_refusal(core: Core, response: Response, destination: Destination) -> None:
    """Acknowledge the refusal of an INVITE whose transaction is gone (RFC 3261 §17.1.1.3).

    The next hop knows the ACK by its branch; the Request-URI is the best known.
    """
    dialog = stray_dialog(core, response, destination)
    dialog.routes = ()
    ack = dialog.build("ACK", response.branch, response.cseq)
    core.transactions.send(ack, destination)


def stray_dialog(core: Core, response: Response, destination: Destination) -> Dialog:
    """Return the dialog that a response belongs to, made from nothing but the response."""
    to_value = response.headers["to"][0]
    target = to_value.partition("<")[2].partition(">")[0] or to_value.partition(";")[0].strip()
    dialog = Dialog(
        core.origin,
        response.call_id,
        response.headers["from"][0],
        response.from_tag,
        to_value,
        target,
        destination,
        MAGIC,
    )
    try:
        dialog.establish(response)
    except ParseError:
        dialog.routes = ()
        dialog.target = target
        dialog.hop = destination
    return dialog
