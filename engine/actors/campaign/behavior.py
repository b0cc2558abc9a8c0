"""The actor of one campaign: takes each message to the part that answers for it."""

from collections.abc import Callable, Sequence
from typing import assert_never

from engine.actors.campaign.attempt import AttemptTable
from engine.actors.campaign.closing import Closing
from engine.actors.campaign.context import CampaignContext
from engine.actors.campaign.disposing import Disposals, DisposalToken
from engine.actors.campaign.handover import Handover
from engine.actors.campaign.legs import CustomerLegs
from engine.actors.campaign.measured import measured_fact
from engine.actors.campaign.ordering import Ordering
from engine.actors.campaign.placing import FieldToken, IntentToken, Placing
from engine.actors.campaign.preview import GIVE, RECALL, Previews
from engine.actors.campaign.recording import Recordings
from engine.actors.campaign.recovery import close_lost, count_lost
from engine.actors.campaign.run import Run, RunToken
from engine.actors.campaign.screening import Screening
from engine.actors.campaign.showing import Showing, can_show
from engine.actors.campaign.supply import Supply
from engine.actors.campaign.treating import Treatments
from engine.actors.kernel.effects import Do, Effect, Reply
from engine.actors.kernel.ref import Ref
from engine.actors.messages import (
    AgentForPreview,
    AgentFound,
    AgentLeft,
    AgentLost,
    CallDeclined,
    CallMonitored,
    CallsLost,
    CallTaken,
    CampaignMessage,
    CampaignView,
    ConfigureCampaign,
    ControlRecording,
    CustomerMeasured,
    DescribeCampaign,
    DescribeRecording,
    DisposeCall,
    EdgeReached,
    EndCall,
    FieldsRead,
    Journaled,
    KeyDue,
    LinkCampaign,
    ListSampled,
    NoticeDue,
    PermitsGranted,
    PermitsRefused,
    PreviewDecided,
    PublishGauges,
    RecorderSampled,
    RecordsReserved,
    Recover,
    Rejoin,
    SampleGauges,
    StartCalls,
    StartCampaign,
    StopCampaign,
    SupplySampled,
    ToneDue,
    TreatmentDue,
    TrunkPlaced,
    TrunkRestarted,
    TrunkSampled,
    UnattendedDue,
    UnlinkCampaign,
    VerdictDue,
    WatchTrunk,
    WorkFinished,
)
from engine.actors.registry import Registry
from engine.compliance.recording import RecordingPolicy
from engine.domain.ids import AgentId, IdSource, LegId, TrunkId
from engine.domain.specs import CampaignSpec, Mode
from engine.machines.attempt import AttemptPhase
from engine.machines.campaign import CampaignPhase
from engine.metrics.gauges import CampaignGauges
from engine.ports import (
    BeepAwaited,
    DialogSeed,
    LegAnalysed,
    LegAnswered,
    LegDigit,
    LegEnded,
    LegRinging,
    PromptEnded,
)


class CampaignBehavior:
    """Runs one campaign.

    A call's way: the pacer asks for it, a trunk permits it, a list hands out a record, the intent
    becomes durable, the INVITE leaves. Stop may come between any two of these steps, and what has
    not left by then goes back untouched.
    """

    def __init__(
        self,
        spec: CampaignSpec,
        me: Ref[CampaignMessage],
        registry: Registry,
        ids: IdSource,
        identify: Callable[[LegId], DialogSeed],
        zone: str,
        recording: RecordingPolicy | None = None,
    ) -> None:
        """Take the settings; ``Recover`` must be the first message.

        Args:
            spec: The campaign.
            me: Its own address.
            registry: Everybody else's.
            ids: Source of attempt and leg ids.
            identify: How an INVITE of a leg will be known on the wire.
            zone: The contact centre's IANA zone.
            recording: What the contact centre says of recording; None: nothing.
        """
        self._context = CampaignContext(spec, me, registry, ids, identify, zone)
        self._supply = Supply(spec, registry.groups)
        self._run = Run(self._context)
        self._attempts = AttemptTable()
        self._closing = Closing(self._context, self._attempts)
        self._recordings = Recordings(self._context, self._attempts, recording or RecordingPolicy())
        self._showing = Showing(self._context)
        self._placing = Placing(self._context, self._attempts, self._closing, self._showing)
        self._handover = Handover(self._context, self._attempts, self._closing)
        self._treatments = Treatments(self._context, self._attempts, self._closing, self._handover)
        self._screening = Screening(
            self._context, self._attempts, self._closing, self._handover, self._treatments
        )
        self._legs = CustomerLegs(
            self._context,
            self._attempts,
            self._closing,
            self._handover,
            self._screening,
            self._treatments,
        )
        self._previews = Previews(self._context)
        self._disposals = Disposals(self._context, self._attempts)
        self._ordering = Ordering(
            self._context,
            self._supply,
            self._attempts,
            self._placing,
            self._closing,
            self._previews,
        )

    def on(self, message: CampaignMessage, now_s: float) -> Sequence[Effect]:  # noqa: C901 - one case each
        """Answer one message."""
        match message:
            case LegRinging(leg_id):
                self._legs.rang(leg_id)
                return ()
            case LegAnswered():
                return self._heard(self._legs.answered(message, now_s), message.leg_id, now_s)
            case LegEnded():
                return self._leg_ended(message, now_s)
            case StartCalls(count):
                return self._ordering.start_calls(count)
            case PermitsGranted(trunk_id, count):
                return self._ordering.permitted(trunk_id, count, now_s)
            case PermitsRefused(trunk_id, count, _):
                return self._ended(self._ordering.refused(trunk_id, count, now_s))
            case RecordsReserved():
                return self._reserved(message, now_s)
            case FieldsRead():
                return self._fields_read(message, now_s)
            case Journaled():
                return self._journaled(message, now_s)
            case AgentFound():
                return self._handover.agent_found(message)
            case CallTaken():
                taken = self._handover.taken(message, now_s)
                return [
                    *taken,
                    *self._recordings.connected(message, now_s),
                ]
            case ControlRecording():
                return self._recordings.control(message, now_s)
            case CallMonitored():
                return self._recordings.monitored(message, now_s)
            case NoticeDue():
                return self._recordings.notice_due(message)
            case DescribeRecording():
                return self._recordings.describe(message)
            case RecorderSampled(up):
                self._recordings.recorder_changed(up=up)
                return self._supply_changed()
            case CallDeclined():
                return self._handover.declined(message)
            case AgentLeft():
                return self._ended(self._handover.agent_left(message, now_s))
            case EndCall(attempt_id, by):
                return self._legs.end_call(attempt_id, by)
            case DisposeCall():
                return self._disposals.dispose(message, now_s)
            case WorkFinished():
                return self._ended(self._handover.finished(message, now_s))
            case UnattendedDue(attempt_id):
                return self._treatments.unattended_due(attempt_id, now_s)
            case PromptEnded():
                noticed = self._recordings.prompt_ended(message, now_s)
                if noticed is not None:
                    return noticed
                played = self._treatments.prompt_ended(message, now_s)
                return self._heard(played, message.leg_id, now_s)
            case LegDigit():
                return self._heard(self._treatments.pressed(message, now_s), message.leg_id, now_s)
            case LegAnalysed():
                return self._heard(self._screening.judged(message, now_s), message.leg_id, now_s)
            case BeepAwaited():
                return self._treatments.tone_awaited(message, now_s)
            case VerdictDue(attempt_id):
                judged = self._screening.verdict_due(attempt_id, now_s)
                attempt = self._attempts.find(attempt_id)
                return [*judged, *self._recordings.treated(attempt, now_s)]
            case ToneDue(attempt_id):
                return self._treatments.tone_due(attempt_id, now_s)
            case KeyDue():
                waited = self._treatments.key_due(message, now_s)
                attempt = self._attempts.find(message.attempt_id)
                return [*waited, *self._recordings.treated(attempt, now_s)]
            case TreatmentDue(attempt_id):
                return self._treatments.treatment_due(attempt_id)
            case ListSampled():
                self._supply.heard_of_list(message)
                return self._supply_changed()
            case TrunkSampled():
                self._supply.heard_of_trunk(message)
                return self._supply_changed()
            case AgentForPreview(agent_id):
                list_id = next(iter(self._supply.next_lists(1)), None)
                return self._previews.agent_reserved(agent_id, list_id)
            case PreviewDecided():
                return self._preview_decided(message, now_s)
            case StartCampaign():
                return self._run.start(message, now_s)
            case StopCampaign():
                return self._stopped(self._run.stop(message, now_s), now_s)
            case EdgeReached():
                return self._stopped(self._run.edge_reached(now_s), now_s)
            case ConfigureCampaign(spec):
                return self._configure(spec, now_s)
            case Recover():
                return self._recover(message, now_s)
            case Rejoin():
                return self._rejoin()
            case AgentLost(agent_id):
                return self._agent_lost(agent_id, now_s)
            case TrunkRestarted(trunk_id):
                return self._trunk_restarted(trunk_id, now_s)
            case TrunkPlaced(trunk_id):
                return [*self._watch_trunk(trunk_id), *self._supply_changed()]
            case SampleGauges():
                return self._gauges(now_s)
            case DescribeCampaign(reply_to):
                return [Reply(reply_to, self._view(now_s))]
            case CustomerMeasured():
                fact = measured_fact(message, self._context.campaign_id, now_s)
                return [self._context.note(fact)]
            case _:
                assert_never(message)

    # --- records, intents, legs ------------------------------------------------------------

    def _reserved(self, message: RecordsReserved, now_s: float) -> Sequence[Effect]:
        if message.purpose.startswith(GIVE):
            agent_id = AgentId(message.purpose.removeprefix(GIVE))
            if not message.records:
                self._supply.exhausted(message.list_id)
            given = self._previews.record_reserved(agent_id, next(iter(message.records), None))
            return [*given, *self._supply_changed()]
        if message.purpose.startswith(RECALL):
            agent_id = AgentId(message.purpose.removeprefix(RECALL))
            return self._number_swapped(agent_id, message)
        return self._ordering.reserved(message, now_s)

    def _number_swapped(self, agent_id: AgentId, message: RecordsReserved) -> list[Effect]:
        record = next(iter(message.records), None)
        if record is None:
            return self._previews.number_refused(agent_id)
        swapped = self._previews.number_swapped(agent_id, record)
        return self._ordering.want_trunk(agent_id) if swapped else []

    def _fields_read(self, message: FieldsRead, now_s: float) -> list[Effect]:
        if not isinstance(message.token, FieldToken):
            raise TypeError(f"no campaign reads fields for {message.token!r}")
        return self._ended(self._placing.fields_read(message.token, message, now_s))

    def _journaled(self, message: Journaled, now_s: float) -> Sequence[Effect]:
        match message.token:
            case IntentToken() as token:
                durable = message.error is None
                return self._ended(self._placing.journaled(token, durable=durable, now_s=now_s))
            case RunToken() as token:
                return self._ended([*self._run.journaled(token, message), *self._supply_changed()])
            case DisposalToken() as token:
                return self._disposals.journaled(token, message)
            case _:
                raise TypeError(f"no journal entry of a campaign has the token {message.token!r}")

    def _leg_ended(self, event: LegEnded, now_s: float) -> list[Effect]:
        recorded = self._recordings.leg_ended(event.leg_id, now_s)
        effects, waiting = self._legs.ended(event, now_s)
        effects = [*recorded, *effects]
        if waiting is not None:
            effects += self._ordering.reroute(waiting, now_s)
        return self._ended(effects)

    def _heard(self, effects: Sequence[Effect], leg_id: LegId, now_s: float) -> list[Effect]:
        """Record, where that is wanted, a call that has come to a scenario."""
        return [*effects, *self._recordings.treated(self._attempts.find_leg(leg_id), now_s)]

    def _preview_decided(self, message: PreviewDecided, now_s: float) -> list[Effect]:
        effects, wants_trunk = self._previews.decided(message, now_s)
        return effects + (self._ordering.want_trunk(message.agent_id) if wants_trunk else [])

    # --- run state and settings ------------------------------------------------------------

    def _stopped(self, effects: Sequence[Effect], now_s: float) -> list[Effect]:
        """After a Stop: no permits are waited for, no previews wanted; maybe nothing is left."""
        if self._context.phase is not CampaignPhase.STOPPING:
            return list(effects)
        given_up = self._ordering.stopped(now_s)
        return self._ended([*effects, *given_up, *self._supply_changed()])

    def _ended(self, effects: list[Effect]) -> list[Effect]:
        """Note, after attempts may have ended, whether the last one of a stopped run has."""
        if not len(self._attempts):
            self._run.drained()
        return effects

    def _configure(self, spec: CampaignSpec, now_s: float) -> list[Effect]:
        before = self._context.spec
        self._context.spec = spec
        self._supply.configure(spec)
        effects = self._link(before) + self._run.announce()
        if spec.schedule != before.schedule:
            effects += self._run.reschedule(now_s)
        return effects + self._recordings.configured(now_s) + self._supply_changed()

    def _link(self, before: CampaignSpec | None) -> list[Effect]:
        """Tell lists and trunks that the campaign uses them (as it now is), or no longer does."""
        context = self._context
        effects: list[Effect] = []
        now_linked = {link.list_id for link in context.spec.lists}
        for link in before.lists if before else ():
            if link.list_id not in now_linked:
                effects += context.tell_list(link.list_id, UnlinkCampaign(context.campaign_id))
        for list_id in now_linked:
            effects += context.tell_list(list_id, LinkCampaign(context.spec, context.me))
        for trunk_id in self._supply.trunks:
            effects += self._watch_trunk(trunk_id)
        return effects

    def _watch_trunk(self, trunk_id: TrunkId) -> list[Effect]:
        if trunk_id not in self._supply.trunks:
            return []
        return self._context.tell_trunk(trunk_id, WatchTrunk(self._context.me))

    def _recover(self, message: Recover, now_s: float) -> list[Effect]:
        """Begin: link up, close what an earlier life left open, take up its run state."""
        effects = self._link(None)
        if not message.new_life:
            effects.append(self._context.tell_pacer(CallsLost(self._context.campaign_id)))
        for attempt in message.attempts:
            effects += close_lost(self._context, attempt, message, now_s)
        effects += self._run.recover(message.run, now_s)
        for attempt in message.attempts:
            effects += count_lost(self._context, attempt)
        return self._ended(effects)

    def _rejoin(self) -> list[Effect]:
        """Tell a router, a pacer and lists that began anew of everything they must know."""
        wants = self._previews.rejoin(self._supply.callable_now)
        return [
            *self._link(self._context.spec),
            *self._run.announce(),
            *self._closing.in_flight(),
            *self._handover.requeue_all(),
            *wants,
            *self._supply_changed(),
        ]

    def _agent_lost(self, agent_id: AgentId, now_s: float) -> list[Effect]:
        released = self._previews.agent_lost(agent_id)
        return self._ended([*released, *self._handover.agent_lost(agent_id, now_s)])

    def _trunk_restarted(self, trunk_id: TrunkId, now_s: float) -> list[Effect]:
        watch = self._watch_trunk(trunk_id)
        return self._ended([*watch, *self._ordering.trunk_restarted(trunk_id, now_s)])

    def _supply_changed(self) -> list[Effect]:
        context, supply = self._context, self._supply
        sample = SupplySampled(
            context.campaign_id,
            supply.callable_now,
            supply.trunk_free,
            supply.trunk_up and not self._recordings.hinders,
        )
        return [context.tell_pacer(sample), *self._previews.renew_want(supply.callable_now)]

    # --- for people ------------------------------------------------------------------------

    def _view(self, now_s: float) -> CampaignView:
        edge = self._run.next_edge(now_s)
        return CampaignView(
            phase=self._context.phase,
            generation=self._context.generation,
            effective_mode=self._context.spec.mode,
            attempts_open=len(self._attempts),
            why_idle=self._why_idle(),
            next_edge_s=edge.at_s if edge else 0.0,
            next_edge_starts=edge.start if edge else False,
            caller_ids_refused=self._showing.refused,
            trunk_hindrances=self._supply.trunk_hindrances() if self._context.dialing else (),
        )

    def _why_idle(self) -> tuple[str, ...]:
        """Say what keeps the campaign itself from dialing; the pacer knows the rest."""
        if not self._context.dialing:
            return ("not-running",)
        reasons = []
        if not can_show(self._context.spec):
            reasons.append("no-caller-id")
        if not self._supply.trunk_up:
            reasons.append("trunk-down")
        if self._recordings.hinders:
            reasons.append("recorder-down")
        if not self._supply.remaining:
            reasons.append("lists-exhausted")
        elif not self._supply.callable_now:
            reasons.append("no-callable-record")
        return tuple(reasons)

    def _gauges(self, now_s: float) -> list[Effect]:
        context, attempts = self._context, self._attempts
        waiting = (AttemptPhase.QUEUED, AttemptPhase.OFFERED)
        gauges = CampaignGauges(
            running="running" if context.phase is CampaignPhase.RUNNING else "idle",
            mode=context.spec.mode,
            teams=", ".join(context.spec.teams),
            agents_previewing=len(self._previews) if context.spec.mode is Mode.PREVIEW else None,
            calls_dialing=attempts.count(AttemptPhase.DIALING, AttemptPhase.RINGING),
            calls_waiting_agent=attempts.count(*waiting),
            max_wait=attempts.longest_wait_s(now_s),
            calls_in_cpa=attempts.count(AttemptPhase.SCREENING),
            calls_in_ivr=attempts.count(AttemptPhase.AWAITING_TONE, AttemptPhase.TREATED),
            calls_active=attempts.count(AttemptPhase.CONNECTED),
            records_remaining=self._supply.remaining,
            records_callable_now=self._supply.callable_now,
        )
        return [Do(PublishGauges(context.campaign_id, gauges)), *self._supply_changed()]
