"""Calls that the engine wants, as the user agent places them: over trunks, and to phones."""

from typing import Final

from engine.domain.specs import TrunkSpec
from engine.ports import CallPhone, PlaceCall
from engine.telephony.sip.destination import Destination
from engine.telephony.sip.outgoing_call import OutgoingCall
from engine.telephony.sip.sdp import LocalMedia
from engine.telephony.sip.session import SHORTEST_S
from engine.telephony.sip.trunks import Trunk
from engine.telephony.sip.uri import escape_user

_PHONE_SESSION_S: Final = 900
"""Session interval with agents' phones: one that lost its power is found within it. [s]"""


def trunk_call(
    command: PlaceCall,
    trunk: Trunk,
    destinations: tuple[Destination, ...],
    media: LocalMedia,
    *,
    holds_ack: bool,
) -> OutgoingCall:
    """Return a call to a called party.

    Args:
        command: What is wanted.
        trunk: Over which trunk.
        destinations: Its addresses, at least one, the first to be tried first.
        media: Our end of the audio.
        holds_ack: Whether its answer's ACK waits for ``confirm``.
    """
    spec = trunk.spec
    return OutgoingCall(
        command.leg_id,
        called_uri(command.number, trunk),
        f"sip:{escape_user(command.caller_id)}@{spec.domain or trunk.host}",
        destinations[0],
        media,
        command.caller_name,
        credentials=trunk.credentials,
        alternatives=destinations[1:],
        ring_s=command.no_answer_s,
        holds_ack=holds_ack,
        session_s=_session_s(spec.session_s),
        reliable=spec.reliable,
        asserted=spec.assert_identity,
        private=spec.privacy,
        diverted_from=_diversion(spec, trunk.domain),
    )


def phone_call(
    command: CallPhone,
    target: str,
    destination: Destination,
    media: LocalMedia,
    host: str,
    *,
    holds_ack: bool,
) -> OutgoingCall:
    """Return a call to an agent's phone.

    Args:
        command: What is wanted.
        target: Its URI.
        destination: Where it is.
        media: Our end of the audio.
        host: Our address as it is shown.
        holds_ack: Whether its answer's ACK waits for ``confirm``.
    """
    return OutgoingCall(
        command.leg_id,
        target,
        f"sip:{escape_user(command.caller_id)}@{host}",
        destination,
        media,
        pinned=not command.address,
        ring_s=command.no_answer_s,
        holds_ack=holds_ack,
        session_s=_PHONE_SESSION_S,
    )


def called_uri(number: str, trunk: Trunk) -> str:
    """Return the URI of a number at a trunk."""
    return f"sip:{escape_user(number)}@{trunk.domain}"


def _session_s(wanted_s: float) -> int:
    """Return the session interval to ask for, 0 if none is wished. [s]"""
    return max(int(wanted_s), SHORTEST_S) if wanted_s > 0 else 0


def _diversion(spec: TrunkSpec, host: str) -> str:
    """Return the URI that a trunk's calls are said to be diverted from, empty if none."""
    return f"sip:{escape_user(spec.diversion)}@{host}" if spec.diversion else ""
