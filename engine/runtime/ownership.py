"""Which actor each leg belongs to: commands go out under their sender's name, events come back."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final

from engine.actors.kernel import Kernel, Ref
from engine.actors.messages import CustomerMeasured
from engine.actors.registry import Registry
from engine.domain.causes import LOST
from engine.domain.ids import AttemptId, CampaignId, LegId
from engine.ports import (
    AnalyseLeg,
    AwaitBeep,
    CallPhone,
    DropPhone,
    DropTrunk,
    EndOldLeg,
    FinishRecordings,
    HangUp,
    LegEnded,
    LegMeasured,
    LegMoved,
    OpenAudioLeg,
    PauseRecording,
    PhoneRegistered,
    PhoneUnregistered,
    PlaceCall,
    PlayPrompt,
    RecorderEvent,
    RecorderFailed,
    RecorderRestored,
    RecordingEnded,
    ResumeRecording,
    SetMix,
    SetPhone,
    SetTrunk,
    StartRecording,
    StopPrompt,
    StopRecording,
    Telephony,
    TelephonyCommand,
    TelephonyEvent,
    TrunkLost,
    TrunkReached,
)

MOST_ENDED: Final = 4096
"""Ended customers' legs that are remembered until they are measured, which takes a moment."""

OnMoved = Callable[[LegMoved, AttemptId, CampaignId], None]
"""Learns that a leg moved, and whose it is: empty for the leg of a phone."""

_OPENING = (PlaceCall, CallPhone, OpenAudioLeg)
_OTHER = (
    HangUp, SetMix, PlayPrompt, StopPrompt, AnalyseLeg, AwaitBeep, EndOldLeg,
    StartRecording, PauseRecording, ResumeRecording, StopRecording, FinishRecordings,
    SetTrunk, DropTrunk, SetPhone, DropPhone,
)  # fmt: skip


class LegOwners:
    """Gives every leg exactly one owner, and ends those whose owner is gone (C1)."""

    def __init__(self, kernel: Kernel, registry: Registry) -> None:
        self._kernel = kernel
        self._registry = registry
        self._owners: dict[LegId, Ref[Any]] = {}
        self._attempts: dict[LegId, tuple[AttemptId, CampaignId]] = {}
        self._ended: OrderedDict[LegId, tuple[AttemptId, CampaignId]] = OrderedDict()
        self._telephony: Telephony | None = None
        self.on_recorder: Callable[[RecorderEvent], None] = lambda _event: None
        self.on_moved: OnMoved = lambda _event, _attempt_id, _campaign_id: None

    def attach(self, telephony: Telephony) -> None:
        """Take the port that carries out commands."""
        self._telephony = telephony
        performers: dict[type, Callable[[Any, Ref[Any], float], None]] = {}
        performers |= dict.fromkeys(_OPENING, self._open)
        performers |= dict.fromkeys(_OTHER, self._perform)
        self._kernel.register(performers)

    def __len__(self) -> int:
        return len(self._owners)

    def _open(
        self, command: PlaceCall | CallPhone | OpenAudioLeg, sender: Ref[Any], now_s: float
    ) -> None:
        self._owners[command.leg_id] = sender
        if isinstance(command, PlaceCall):
            self._attempts[command.leg_id] = (command.attempt_id, command.campaign_id)
        self._perform(command, sender, now_s)

    def _perform(self, command: TelephonyCommand, _sender: Ref[Any], now_s: float) -> None:
        if self._telephony is None:
            raise RuntimeError("telephony is not attached yet")
        self._telephony.perform(command, now_s)

    def heard(self, event: TelephonyEvent) -> None:
        """Bring an event to whom it concerns (sink of the telephony port)."""
        match event:
            case TrunkReached(trunk_id) | TrunkLost(trunk_id):
                trunk = self._registry.trunks.find(trunk_id)
                if trunk is not None:
                    self._kernel.tell(trunk, event)
            case RecordingEnded() | RecorderFailed() | RecorderRestored():
                self.on_recorder(event)
            case PhoneRegistered() | PhoneUnregistered():
                return  # asked of the port when a phone is called
            case LegMoved():
                known = self._attempts.get(event.leg_id, (AttemptId(""), CampaignId("")))
                self.on_moved(event, *known)
            case LegMeasured():
                self._measured(event)
            case _:
                owner = self._owners.get(event.leg_id)
                if isinstance(event, LegEnded):
                    self._owners.pop(event.leg_id, None)
                    self._remember(event.leg_id)
                if owner is not None:
                    self._kernel.tell(owner, event)

    def _remember(self, leg_id: LegId) -> None:
        """Keep whose attempt an ended leg was: its figures come when nobody owns it any more."""
        attempt = self._attempts.pop(leg_id, None)
        if attempt is not None:
            self._ended[leg_id] = attempt
            while len(self._ended) > MOST_ENDED:
                self._ended.popitem(last=False)

    def _measured(self, event: LegMeasured) -> None:
        attempt_id, campaign_id = self._ended.pop(event.leg_id, (None, None))
        if attempt_id is None or campaign_id is None:
            return  # an agent's or a supervisor's leg
        campaign = self._registry.campaigns.find(campaign_id)
        if campaign is not None:
            self._kernel.tell(campaign, CustomerMeasured(attempt_id, event))

    def legs_of(self, owner: Ref[Any]) -> list[LegId]:
        """Return the legs of an owner."""
        return [leg_id for leg_id, known in self._owners.items() if known is owner]

    def end_legs_of(self, owner: Ref[Any], now_s: float) -> int:
        """End every leg of an owner that is gone; return how many there were."""
        legs = self.legs_of(owner)
        for leg_id in legs:
            del self._owners[leg_id]
            self._perform(HangUp(leg_id, LOST), owner, now_s)
        return len(legs)
