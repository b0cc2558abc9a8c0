"""Preview mode: records that agents look at before they are called."""

from dataclasses import dataclass

from engine.actors.campaign.context import CampaignContext
from engine.actors.kernel.effects import Effect, Tell
from engine.actors.messages import (
    CloseRecord,
    PreviewDecided,
    PreviewOver,
    ReleaseRecord,
    ReservedRecord,
    ReserveNumber,
    ReserveRecords,
    ReturnAgent,
    TakePreview,
    WantPreviewers,
)
from engine.domain.dispositions import DispositionKind
from engine.domain.facts import RecordChanged, RecordPhase, RecordPreviewed
from engine.domain.ids import AgentId, ListId
from engine.domain.specs import Mode

SKIP_S = 300.0
"""After a skip, a rejection or a review that ran out, the record rests so long. [s]"""
GIVE = "preview:"
RECALL = "recall:"


@dataclass(slots=True)
class Preview:
    """A record on an agent's desktop, or on its way to being called from there."""

    record: ReservedRecord
    calling: bool = False


class Previews:
    """The records of one campaign that agents review."""

    __slots__ = ("_by_agent", "_context", "_wanted")

    def __init__(self, context: CampaignContext) -> None:
        self._context = context
        self._by_agent: dict[AgentId, Preview] = {}
        self._wanted = False

    def __len__(self) -> int:
        return len(self._by_agent)

    @property
    def calling(self) -> list[AgentId]:
        """Agents whose previewed record waits for a trunk, in order of asking."""
        return [agent_id for agent_id, preview in self._by_agent.items() if preview.calling]

    def renew_want(self, callable_now: int) -> list[Effect]:
        """Tell the router whether ready agents are wanted, when that has changed."""
        context = self._context
        wanted = context.dialing and context.spec.mode is Mode.PREVIEW and callable_now > 0
        if wanted == self._wanted:
            return []
        self._wanted = wanted
        want = WantPreviewers(context.campaign_id, wanted)
        return [Tell(context.registry.router, want)]

    def agent_reserved(self, agent_id: AgentId, list_id: ListId | None) -> list[Effect]:
        """Ask a list for a record for an agent the router reserved; give the agent back if none."""
        if list_id is None or not self._context.dialing:
            return self._return(agent_id)
        ask = ReserveRecords(self._context.campaign_id, 1, self._context.me, f"{GIVE}{agent_id}")
        return self._context.tell_list(list_id, ask) or self._return(agent_id)

    def _return(self, agent_id: AgentId) -> list[Effect]:
        return [Tell(self._context.registry.router, ReturnAgent(agent_id))]

    def record_reserved(self, agent_id: AgentId, record: ReservedRecord | None) -> list[Effect]:
        """Put a record on the agent's desktop."""
        context = self._context
        if record is None:
            return self._return(agent_id)
        if not context.dialing:
            return [*self._release(record), *self._return(agent_id)]
        effects = self.agent_lost(agent_id)  # an older review is one that its desktop lost
        self._by_agent[agent_id] = Preview(record)
        spec = context.spec
        take = TakePreview(
            campaign_id=spec.campaign_id,
            campaign=context.me,
            ref=record.ref,
            number=record.number,
            limit_s=spec.preview_limit_s,
            acw_limit_s=spec.acw_limit_s,
        )
        return effects + context.tell_agent(agent_id, take)

    def agent_lost(self, agent_id: AgentId) -> list[Effect]:
        """Take back the record of an agent who knows of no work any more."""
        preview = self._by_agent.pop(agent_id, None)
        return [] if preview is None else self._release(preview.record)

    def rejoin(self, callable_now: int) -> list[Effect]:
        """Tell a router that began anew what is wanted."""
        self._wanted = False
        return self.renew_want(callable_now)

    def decided(self, message: PreviewDecided, now_s: float) -> tuple[list[Effect], bool]:
        """Carry out what the agent decided; True: a trunk is wanted for the call."""
        preview = self._by_agent.get(message.agent_id)
        if preview is None or preview.record.ref != message.ref or preview.calling:
            return [], False
        effects = [self._context.note(self._previewed(message, now_s))]
        if message.decision == "call":
            more, wants_trunk = self._call(message, preview)
            return effects + more, wants_trunk
        del self._by_agent[message.agent_id]
        if message.decision == "complete":
            return effects + self._complete(message, preview.record, now_s), False
        rest = self._close(preview.record, RecordPhase.WAITING, "", now_s + SKIP_S, now_s, message)
        return effects + rest, False

    def _call(self, message: PreviewDecided, preview: Preview) -> tuple[list[Effect], bool]:
        context, record = self._context, preview.record
        if not context.dialing:
            return self.fail(message.agent_id, "stopped"), False
        if message.number_index in (-1, record.number_index):
            preview.calling = True
            return [], True
        swap = ReserveNumber(
            context.campaign_id,
            record.ref.row,
            message.number_index,
            context.me,
            f"{RECALL}{message.agent_id}",
        )
        return context.tell_list(record.ref.list_id, swap), False

    def number_swapped(self, agent_id: AgentId, record: ReservedRecord) -> bool:
        """Take the number an agent chose; False: the agent no longer reviews."""
        preview = self._by_agent.get(agent_id)
        if preview is None:
            return False
        preview.record, preview.calling = record, True
        return True

    def number_refused(self, agent_id: AgentId) -> list[Effect]:
        """End a review whose chosen number may not be called; the list has the record back."""
        preview = self._by_agent.pop(agent_id, None)
        return [] if preview is None else self._over(agent_id, preview, "not-callable-now")

    def take_call(self, agent_id: AgentId) -> ReservedRecord:
        """Hand over a record that is now called as an attempt."""
        return self._by_agent.pop(agent_id).record

    def fail(self, agent_id: AgentId, reason: str) -> list[Effect]:
        """End a review whose record cannot be called now."""
        preview = self._by_agent.pop(agent_id, None)
        if preview is None:
            return []
        return [*self._release(preview.record), *self._over(agent_id, preview, reason)]

    def _over(self, agent_id: AgentId, preview: Preview, reason: str) -> list[Effect]:
        return self._context.tell_agent(agent_id, PreviewOver(preview.record.ref, reason))

    def _complete(
        self, message: PreviewDecided, record: ReservedRecord, now_s: float
    ) -> list[Effect]:
        """Close a record without a call; a continuing disposition leaves it for later."""
        disposition = self._context.find_disposition(message.disposition)
        final = disposition is None or disposition.kind is not DispositionKind.CONTINUE
        phase = RecordPhase.DONE if final else RecordPhase.WAITING
        next_s = 0.0 if final else now_s + SKIP_S
        slug = message.disposition if disposition is None else disposition.slug
        return self._close(record, phase, slug, next_s, now_s, message)

    def _release(self, record: ReservedRecord) -> list[Effect]:
        release = ReleaseRecord(self._context.campaign_id, record.ref.row)
        return self._context.tell_list(record.ref.list_id, release)

    def _close(
        self,
        record: ReservedRecord,
        phase: RecordPhase,
        slug: str,
        next_s: float,
        now_s: float,
        message: PreviewDecided,
    ) -> list[Effect]:
        context = self._context
        changed = RecordChanged(
            at_s=now_s,
            campaign_id=context.campaign_id,
            list_id=record.ref.list_id,
            row=record.ref.row,
            phase=phase,
            disposition=slug,
            next_s=next_s,
            by=f"agent:{message.agent_id}",
        )
        close = CloseRecord(
            campaign_id=context.campaign_id,
            row=record.ref.row,
            number_index=record.number_index,
            phase=phase,
            next_s=next_s,
            counted=False,
            # A series of quick retries that was begun goes on: its attempt is yet to be counted.
            retries=record.retries,
            stop_number=False,
            disposition=slug,
            day=record.day,
        )
        return [context.note(changed), *context.tell_list(record.ref.list_id, close)]

    def _previewed(self, message: PreviewDecided, now_s: float) -> RecordPreviewed:
        return RecordPreviewed(
            at_s=now_s,
            campaign_id=self._context.campaign_id,
            list_id=message.ref.list_id,
            row=message.ref.row,
            agent_id=message.agent_id,
            decision=message.decision,
            preview_s=message.preview_s,
        )
