"""What becomes of legs, told to the engine in its own words; their audio follows."""

from collections.abc import Callable

from engine.domain.causes import Cause
from engine.domain.ids import LegId
from engine.ports import LegAnswered, LegMoved, TelephonyEvent
from engine.telephony.sip import events as sip
from engine.telephony.sip.destination import Destination
from engine.telephony.sip.ending import leg_ended
from engine.telephony.sip.leg_audio import LegAudio
from engine.telephony.sip.user_agent import UserAgent


class LegEvents:
    """Takes the user agent's events of legs."""

    def __init__(
        self,
        agent: Callable[[], UserAgent],
        audio: LegAudio,
        emit: Callable[[TelephonyEvent], None],
        hang_up: Callable[[LegId, Cause], None],
    ) -> None:
        """Begin without legs.

        Args:
            agent: Returns the user agent that tells.
            audio: Places in the switch.
            emit: Takes events.
            hang_up: Ends a leg.
        """
        self._agent = agent
        self._audio = audio
        self._legs = audio.legs
        self._emit = emit
        self._hang_up = hang_up

    def answered(self, event: sip.Answered) -> None:
        """Tell that a leg is up, if its audio is as it must be."""
        if self.connect(event):
            leg_id = LegId(event.leg_id)
            self._emit(LegAnswered(leg_id, self._agent().dialog_state(leg_id)))

    def moved(self, leg_id: LegId) -> None:
        """Tell what a later life needs now to end a leg."""
        self._emit(LegMoved(leg_id, self._agent().dialog_state(leg_id)))

    def connect(self, event: sip.Answered | sip.MediaChanged) -> bool:
        """Tie a leg's audio to the far end's; False ends one that is not as it must be."""
        leg_id = LegId(event.leg_id)
        leg = self._legs.get(leg_id)
        if leg is None:
            return False
        wrong = self._audio.connect(leg_id, leg, event.remote, event.keys)
        if wrong is not None:
            self._hang_up(leg_id, wrong)
        return wrong is None

    def ended(self, event: sip.Ended) -> None:
        """Tell a leg's end, and give its place in the switch back."""
        leg_id = LegId(event.leg_id)
        leg = self._legs.get(leg_id)
        if leg is not None:
            self._audio.close(leg_id)
            self._emit(leg_ended(event, leg.cause))

    def registered(
        self, user: str, source: Destination, is_open: Callable[[Destination], bool]
    ) -> None:
        """Let the legs of a phone go on over the connection that it registered by."""
        for leg_id in [each for each, leg in self._legs.items() if leg.user == user]:
            self._agent().redirect(leg_id, source, is_open)
