"""Legs that the engine wants: called over a trunk or at a phone, and ended."""

from collections.abc import Callable

from engine.domain.causes import NOT_ENCRYPTED, UNREACHABLE, Cause, q850_of
from engine.domain.ids import LegId
from engine.domain.specs import Need
from engine.ports import CallPhone, LegEnded, PlaceCall, TelephonyEvent
from engine.telephony.sip.calls import phone_call, trunk_call
from engine.telephony.sip.leg_audio import LegAudio, OpenLeg
from engine.telephony.sip.phones import Phones
from engine.telephony.sip.trunks import Trunks
from engine.telephony.sip.user_agent import UserAgent


class Placing:
    """Gives each leg its place in the switch, then its INVITE; what cannot be is told at once."""

    def __init__(
        self,
        agent: Callable[[], UserAgent],
        trunks: Trunks,
        phones: Phones,
        audio: LegAudio,
        emit: Callable[[TelephonyEvent], None],
        shown_host: Callable[[], str],
        phone_srtp: Need,
        *,
        holds_acks: bool,
    ) -> None:
        """Begin without legs.

        Args:
            agent: Returns the user agent that calls.
            trunks: Where trunks are.
            phones: Where phones are.
            audio: Places in the switch.
            emit: Takes events.
            shown_host: Returns the address of SIP that peers are shown.
            phone_srtp: Whether the audio of phones is to be encrypted.
            holds_acks: Whether answers are acknowledged by ``confirm`` alone.
        """
        self._agent = agent
        self._trunks = trunks
        self._phones = phones
        self._audio = audio
        self._emit = emit
        self._shown_host = shown_host
        self._phone_srtp = phone_srtp
        self._holds_acks = holds_acks

    def call_number(self, command: PlaceCall, now_s: float) -> None:
        """Call a number over a trunk."""
        found = self._trunks.find(command.trunk_id)
        if found is None:
            self._emit(LegEnded(command.leg_id, UNREACHABLE))
            return
        trunk, destinations = found
        # Trunks send audio from where their description says: nothing else is learnt.
        leg = OpenLeg(call=command, srtp=trunk.spec.srtp)
        local = self._audio.open(command.leg_id, leg, learn=False)
        if local is not None:
            call = trunk_call(command, trunk, destinations, local, holds_ack=self._holds_acks)
            self._agent().invite(call, now_s)

    def call_phone(self, command: CallPhone, now_s: float) -> None:
        """Call an agent's phone, where it is registered or where it always is."""
        found = self._phones.find(command.agent_id, command.address, now_s)
        if found is None:
            self._emit(LegEnded(command.leg_id, UNREACHABLE))
            return
        target, destination = found
        user = "" if command.address else command.agent_id
        srtp = self._phone_srtp
        if destination.transport != "TLS" and srtp is Need.OFFERED:
            srtp = Need.OFF
        elif destination.transport != "TLS" and srtp is Need.REQUIRED:
            self._emit(LegEnded(command.leg_id, NOT_ENCRYPTED))  # its keys would be read along
            return
        leg = OpenLeg(learn_from=destination.host, user=user, srtp=srtp)
        local = self._audio.open(command.leg_id, leg, learn=True)
        if local is not None:
            host, holds_ack = self._shown_host(), self._holds_acks
            call = phone_call(command, target, destination, local, host, holds_ack=holds_ack)
            self._agent().invite(call, now_s)

    def hang_up(self, leg_id: LegId, cause: Cause, now_s: float) -> None:
        """End a leg for a cause, of which the first counts; one that is over stays so."""
        leg = self._audio.legs.get(leg_id)
        if leg is None:
            return
        leg.cause = leg.cause or cause
        if leg.audio:
            self._audio.close(leg_id)
            self._emit(LegEnded(leg_id, cause))
        else:
            self._agent().hang_up(leg_id, now_s, f"Q.850;cause={q850_of(cause)}")
