"""What people and machines are played instead of an agent, and how they get out of it.

Every treatment has a time after which the call is ended, whatever media says or does not say (C9).
"""

from collections.abc import Sequence

from engine.actors.campaign.attempt import WAITING, Attempt, AttemptTable
from engine.actors.campaign.closing import Closing
from engine.actors.campaign.context import CampaignContext
from engine.actors.campaign.handover import Handover
from engine.actors.kernel.effects import CancelTimer, Do, Effect, StartTimer
from engine.actors.messages import BlockNumber, KeyDue, ToneDue, TreatmentDue
from engine.domain.causes import RELEASED
from engine.domain.dispositions import (
    ADD_TO_DNC,
    ANSWERING_MACHINE,
    MESSAGE_CUT,
    MESSAGE_LEFT,
    NO_AGENT,
    PLAYED,
    SYSTEM_FAILURE,
    Disposition,
)
from engine.domain.facts import AnyFact, CallTreated, DncAdded
from engine.domain.ids import AttemptId
from engine.domain.scenario import one_prompt
from engine.machines.attempt import AttemptPhase, MachineMet, Treated
from engine.machines.scenario import (
    Act,
    Block,
    Finish,
    Hush,
    Listen,
    Note,
    Say,
    ScenarioRun,
    ToAgent,
    Unrecord,
)
from engine.ports import (
    AwaitBeep,
    BeepAwaited,
    HangUp,
    LegDigit,
    PlayPrompt,
    PromptEnded,
    StopPrompt,
)

MESSAGE_LIMIT_S = 300.0
"""A message that is not over by then never will be. [s]"""
LATE_S = 0.5
"""Media has so much longer than its own limit to say what it heard. [s]"""


class Treatments:
    """The messages and scenarios of one campaign."""

    __slots__ = ("_closing", "_context", "_handover", "_table")

    def __init__(
        self,
        context: CampaignContext,
        table: AttemptTable,
        closing: Closing,
        handover: Handover,
    ) -> None:
        self._context = context
        self._table = table
        self._closing = closing
        self._handover = handover

    # --- nobody came -----------------------------------------------------------------------

    def unattended_due(self, attempt_id: AttemptId, now_s: float) -> list[Effect]:
        """No agent came in time: the message, if there is one, or the end.

        A machine that was to have an agent hears no message and is no unattended call.
        """
        attempt = self._table.find(attempt_id, *WAITING)
        if attempt is None:
            return []
        attempt.ended_by = "engine"
        effects = self._handover.unheard(attempt)
        attempt.step(Treated)
        attempt.agent_id = None
        attempt.noted = None
        if not attempt.person:
            dropped = self._closing.moved(attempt, "dropped")
            return [*effects, *dropped, self._hang_up(attempt)]
        attempt.unattended = True
        attempt.outcome = NO_AGENT
        effects += self._closing.moved(attempt, "unattended")
        prompt = self._context.spec.unattended_prompt
        if not prompt:
            return [*effects, self._hang_up(attempt)]
        return [*effects, *self._play(attempt, "unattended-message", prompt, now_s)]

    def end(self, attempt: Attempt, outcome: Disposition) -> list[Effect]:
        """End a call that is for nobody."""
        attempt.step(Treated)
        attempt.outcome = outcome
        return [*self._closing.treated(attempt), self._hang_up(attempt)]

    # --- machines --------------------------------------------------------------------------

    def leave_message(self, attempt: Attempt, limit_s: float) -> list[Effect]:
        """Wait for a machine's tone, to leave a message after it."""
        attempt.step(MachineMet)
        attempt.outcome = ANSWERING_MACHINE
        due = ToneDue(attempt.attempt_id)
        return [
            *self._closing.treated(attempt),
            Do(AwaitBeep(attempt.leg_id, limit_s)),
            StartTimer(_timer(attempt), limit_s + LATE_S, due),
        ]

    def tone_awaited(self, event: BeepAwaited, now_s: float) -> list[Effect]:
        """Speak after the tone; a machine without one is hung up on."""
        attempt = self._table.find_leg(event.leg_id)
        if attempt is None or attempt.phase is not AttemptPhase.AWAITING_TONE:
            return []
        analysis = self._context.spec.analysis
        prompt = analysis.machine_prompt if analysis is not None else ""
        attempt.step(Treated)
        if not event.heard or not prompt:
            return [CancelTimer(_timer(attempt)), self._hang_up(attempt)]
        return self._play(attempt, "machine-message", prompt, now_s)

    def tone_due(self, attempt_id: AttemptId, now_s: float) -> list[Effect]:
        """Nothing was heard of the tone: as if there were none."""
        attempt = self._table.find(attempt_id, AttemptPhase.AWAITING_TONE)
        if attempt is None:
            return []
        return self.tone_awaited(BeepAwaited(attempt.leg_id, heard=False), now_s)

    # --- scenarios -------------------------------------------------------------------------

    def begin_scenario(self, attempt: Attempt, now_s: float, *facts: AnyFact) -> list[Effect]:
        """Bring a person into the campaign's scenario; a prompt alone is the shortest."""
        spec = self._context.spec
        scenario = spec.scenario or one_prompt(spec.prompt)
        attempt.step(Treated)
        attempt.outcome = MESSAGE_CUT
        attempt.scenario = ScenarioRun(scenario)
        due = TreatmentDue(attempt.attempt_id)
        return [
            self._context.note(*facts, self._treated(attempt, "scenario", now_s)),
            *self._closing.treated(attempt),
            StartTimer(_timer(attempt), scenario.limit_s, due),
            *self._carry_out(attempt, attempt.scenario.begin(), now_s),
        ]

    def key_due(self, message: KeyDue, now_s: float) -> list[Effect]:
        """No key was pressed in time."""
        attempt = self._table.find(message.attempt_id, AttemptPhase.TREATED)
        if attempt is None or attempt.scenario is None:
            return []
        return self._carry_out(attempt, attempt.scenario.waited(message.turn), now_s)

    def _carry_out(self, attempt: Attempt, acts: Sequence[Act], now_s: float) -> list[Effect]:
        effects: list[Effect] = []
        for act in acts:
            effects += self._do(attempt, act, now_s)
        return effects

    def _do(self, attempt: Attempt, act: Act, now_s: float) -> list[Effect]:
        match act:
            case Say(prompt):
                return [CancelTimer(_key(attempt)), Do(PlayPrompt(attempt.leg_id, prompt))]
            case Hush():
                return [Do(StopPrompt(attempt.leg_id))]
            case Listen(for_s, turn):
                return [StartTimer(_key(attempt), for_s, KeyDue(attempt.attempt_id, turn))]
            case Block():
                return self._block(attempt, now_s)
            case Unrecord(banned):
                attempt.unrecorded = True
                attempt.recording_banned = attempt.recording_banned or banned
                return []
            case Note(disposition):
                attempt.noted = self._context.find_disposition(disposition)
                return []
            case ToAgent():
                attempt.scenario = None
                attempt.waits_s = now_s
                return [*self.dismiss(attempt), *self._handover.receive(attempt, now_s)]
            case Finish():
                attempt.outcome = SYSTEM_FAILURE if attempt.unplayed else PLAYED
                return [CancelTimer(_key(attempt)), self._hang_up(attempt)]

    # --- what is heard and pressed ---------------------------------------------------------

    def prompt_ended(self, event: PromptEnded, now_s: float) -> list[Effect]:
        """A prompt is over: the scenario goes on, a message is all there was.

        One that cannot be played is passed over; the call then came to no more than it did.
        """
        attempt = self._table.find_leg(event.leg_id)
        if attempt is None or attempt.phase is not AttemptPhase.TREATED or attempt.ending:
            return []
        attempt.unplayed = attempt.unplayed or not event.heard
        if attempt.scenario is not None:
            return self._carry_out(attempt, attempt.scenario.heard(), now_s)
        if attempt.outcome is ANSWERING_MACHINE and event.heard:
            attempt.outcome = MESSAGE_LEFT
        return [self._hang_up(attempt)]

    def pressed(self, event: LegDigit, now_s: float) -> list[Effect]:
        """A key: a choice of the scenario, or the wish never to be called again.

        Machines make no sense of keys, and what they play may sound like one.
        """
        attempt = self._table.find_leg(event.leg_id)
        if attempt is None or attempt.phase is not AttemptPhase.TREATED or not attempt.person:
            return []
        run = attempt.scenario
        wanted = run is not None and run.wants(event.digit)
        if event.digit == self._context.spec.opt_out_key and not wanted:
            return self._opt_out(attempt, now_s)
        return self._carry_out(attempt, run.pressed(event.digit), now_s) if run else []

    def _opt_out(self, attempt: Attempt, now_s: float) -> list[Effect]:
        """Never call the number again, say so, and hang up (47 CFR 64.1200(b)(3))."""
        if attempt.opted_out:
            return []
        attempt.scenario = None
        attempt.noted = None
        blocked = self._block(attempt, now_s)
        if attempt.ending:
            return blocked
        prompt = self._context.spec.opt_out_prompt
        stop: list[Effect] = [CancelTimer(_key(attempt)), Do(StopPrompt(attempt.leg_id))]
        if not prompt:
            return [*blocked, *stop, self._hang_up(attempt)]
        return [*blocked, *stop, Do(PlayPrompt(attempt.leg_id, prompt)), self._watch(attempt)]

    def _block(self, attempt: Attempt, now_s: float) -> list[Effect]:
        """Put the number on the do-not-call list at once; the list holds from this instant."""
        if attempt.opted_out:
            return []
        attempt.opted_out = True
        number = attempt.record.number
        added = DncAdded(at_s=now_s, number=number, by="called-party")
        return [Do(BlockNumber(number)), self._context.note(added)]

    # --- the end ---------------------------------------------------------------------------

    def treatment_due(self, attempt_id: AttemptId) -> list[Effect]:
        """The time of a message or scenario is over."""
        attempt = self._table.find(attempt_id, AttemptPhase.TREATED)
        if attempt is None or attempt.ending:
            return []
        attempt.scenario = None
        stop = Do(StopPrompt(attempt.leg_id))
        return [CancelTimer(_key(attempt)), stop, self._hang_up(attempt)]

    def over(self, attempt: Attempt, now_s: float) -> list[Effect]:
        """Close a treated attempt whose leg has ended."""
        heard = attempt.noted or attempt.outcome or MESSAGE_CUT
        outcome = ADD_TO_DNC if attempt.opted_out else heard
        return [*self.dismiss(attempt), *self._closing.close(attempt, outcome, now_s)]

    @staticmethod
    def dismiss(attempt: Attempt) -> list[Effect]:
        """Forget the watches of a treatment."""
        return [CancelTimer(_timer(attempt)), CancelTimer(_key(attempt))]

    def _play(self, attempt: Attempt, treatment: str, prompt: str, now_s: float) -> list[Effect]:
        return [
            self._context.note(self._treated(attempt, treatment, now_s)),
            self._watch(attempt),
            Do(PlayPrompt(attempt.leg_id, prompt)),
        ]

    @staticmethod
    def _watch(attempt: Attempt) -> Effect:
        return StartTimer(_timer(attempt), MESSAGE_LIMIT_S, TreatmentDue(attempt.attempt_id))

    @staticmethod
    def _hang_up(attempt: Attempt) -> Effect:
        attempt.ending = True
        return Do(HangUp(attempt.leg_id, RELEASED))

    def _treated(self, attempt: Attempt, treatment: str, now_s: float) -> CallTreated:
        return CallTreated(
            at_s=now_s,
            attempt_id=attempt.attempt_id,
            campaign_id=self._context.campaign_id,
            list_id=attempt.record.ref.list_id,
            row=attempt.record.ref.row,
            treatment=treatment,
        )


def _timer(attempt: Attempt) -> tuple[str, AttemptId]:
    return ("treatment", attempt.attempt_id)


def _key(attempt: Attempt) -> tuple[str, AttemptId]:
    return ("key", attempt.attempt_id)
