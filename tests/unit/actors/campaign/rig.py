"""A campaign on its own: everybody it speaks to is a list of what they were told."""

from collections.abc import Sequence
from typing import Any, TypeVar

from engine.actors.campaign import CampaignBehavior
from engine.actors.kernel.effects import Do, Effect, Refuse, Reply, StartTimer, Tell
from engine.actors.kernel.ref import Ref
from engine.actors.messages import (
    AgentFound,
    CallTaken,
    CampaignMessage,
    CampaignView,
    DescribeCampaign,
    Journal,
    Journaled,
    ListSampled,
    PermitsGranted,
    RecordsReserved,
    Recover,
    ReservedRecord,
    ReserveRecords,
    RunAnswer,
    StartCalls,
    StartCampaign,
    StopCampaign,
    TrunkSampled,
)
from engine.actors.registry import Registry
from engine.domain.e164 import E164
from engine.domain.facts import AnyFact
from engine.domain.ids import (
    AgentId,
    AttemptId,
    CampaignId,
    IdSource,
    LegId,
    ListId,
    RecordRef,
    TeamId,
    TrunkId,
)
from engine.domain.refusals import JournalError
from engine.domain.specs import CampaignSpec, HoursRow, ListLink, Mode
from engine.ports import LegAnswered, OpenAttempt, PlaceCall, RunState
from tests.unit.actors.reading import Answers, seed_of

T = TypeVar("T")

NOON_S = 1_780_315_200.0
"""2026-06-01 12:00 UTC, a Monday."""
CAMPAIGN = CampaignId("spring")
PEOPLE, OTHERS = ListId("people"), ListId("others")
NORTH, SOUTH = TrunkId("north"), TrunkId("south")
ANN, BOB = AgentId("ann"), AgentId("bob")
CENTRE = "America/New_York"


def spec_of(**changes: Any) -> CampaignSpec:
    """Return a campaign that lacks nothing, changed as asked."""
    values: dict[str, Any] = {
        "campaign_id": CAMPAIGN,
        "mode": Mode.PROGRESSIVE,
        "lists": (ListLink(PEOPLE, enabled=True),),
        "teams": (TeamId("floor"),),
        "trunks": (NORTH, SOUTH),
        "caller_id": E164("+14155550000"),
        "hours": (HoursRow(opens_s=0, closes_s=86_400),),
        **changes,
    }
    return CampaignSpec(**values)


def record_of(row: int, list_id: ListId = PEOPLE, number_index: int = 0) -> ReservedRecord:
    """Return a record handed out for the first time."""
    return ReservedRecord(
        ref=RecordRef(list_id, row),
        number_index=number_index,
        number=E164(f"+1415555{row:04d}"),
        phone_type="mobile",
        zones=("UTC",),
        closes_s=NOON_S + 86_400.0,
        attempts=0,
        number_attempts=bytes(2),
        retries=0,
        day=20_605,
        verdict="",
    )


class Rig:
    """A campaign and its surroundings.

    Attributes:
        effects: Every effect so far.
        last: The effects of the last message.
        now_s: The time, which the test moves.
    """

    def __init__(
        self,
        spec: CampaignSpec | None = None,
        *,
        zone: str = "UTC",
        run: RunState | None = None,
        lost: Sequence[OpenAttempt] = (),
        new_life: bool = True,
        now_s: float = NOON_S,
        recovered: bool = True,
        **changes: Any,
    ) -> None:
        self.now_s = now_s
        self.registry = Registry()
        for list_id in (PEOPLE, OTHERS):
            self.registry.lists.put(list_id, Ref(list_id))
        for trunk_id in (NORTH, SOUTH):
            self.registry.trunks.put(trunk_id, Ref(trunk_id))
        for agent_id in (ANN, BOB):
            self.registry.agents.put(agent_id, Ref(agent_id))
        self.me: Ref[CampaignMessage] = Ref("campaign")
        self.campaign = CampaignBehavior(
            spec or spec_of(**changes), self.me, self.registry, IdSource("a1", 1), seed_of, zone
        )
        self.effects: list[Effect] = []
        self.last: list[Effect] = []
        self.run_answers = Answers()
        self._seen: set[int] = set()
        if recovered:
            self.tell(Recover(run or RunState(False, 0, NOON_S), lost, new_life))

    # --- messages --------------------------------------------------------------------------

    def tell(self, message: CampaignMessage) -> list[Effect]:
        """Let the campaign answer a message."""
        self.last = list(self.campaign.on(message, self.now_s))
        self.effects += self.last
        return self.last

    def journal(self, error: JournalError | None = None) -> list[Effect]:
        """Answer everything that waits for the journal."""
        answers: list[Effect] = []
        for journal in self.all_done(Journal):
            if id(journal) not in self._seen:
                self._seen.add(id(journal))
                if journal.token is not None:
                    answers += self.tell(Journaled(journal.token, error))
        return answers

    def start(self) -> None:
        """Start, durably, with records and trunks."""
        self.tell(StartCampaign("operator", self.run_answers.place()))
        self.journal()
        self.supply()

    def stop(self) -> list[Effect]:
        """Stop; not durable yet."""
        return self.tell(StopCampaign("operator", "", self.run_answers.place()))

    def supply(self, records: int = 1_000, channels: int = 100) -> None:
        """Tell of records and of free channels on both trunks."""
        self.tell(ListSampled(PEOPLE, records, records))
        for trunk_id in (NORTH, SOUTH):
            self.tell(TrunkSampled(trunk_id, up=True, free_channels=channels))

    # --- the way of a call -----------------------------------------------------------------

    def ordered(self, count: int = 1, trunk_id: TrunkId = NORTH) -> ReserveRecords:
        """Come as far as asking a list for records."""
        self.tell(StartCalls(count))
        asked = self.told_by(self.tell(PermitsGranted(trunk_id, count)), PEOPLE, ReserveRecords)
        return asked[0]

    def intended(self, *rows: int) -> None:
        """Come as far as intents that wait for the journal."""
        asked = self.ordered(len(rows))
        records = tuple(record_of(row) for row in rows)
        self.tell(RecordsReserved(PEOPLE, len(rows), records, asked.purpose))

    def placed(self, row: int = 1) -> PlaceCall:
        """Come as far as the INVITE."""
        self.intended(row)
        return self.done_by(self.journal(), PlaceCall)[-1]

    def answered(self, row: int = 1) -> PlaceCall:
        """Come as far as an answer."""
        call = self.placed(row)
        self.tell(LegAnswered(call.leg_id, b"dialog"))
        return call

    def connected(self, row: int = 1, agent_id: AgentId = ANN) -> PlaceCall:
        """Come as far as a talk."""
        call = self.answered(row)
        self.tell(AgentFound(call.attempt_id, agent_id))
        self.tell(CallTaken(call.attempt_id, agent_id, LegId("agent-leg")))
        return call

    # --- what came of it -------------------------------------------------------------------

    def told(self, who: str, kind: type[T]) -> list[T]:
        """Return all messages of a kind to somebody, by name."""
        return self.told_by(self.effects, who, kind)

    @staticmethod
    def told_by(effects: Sequence[Effect], who: str, kind: type[T]) -> list[T]:
        """Return messages of a kind to somebody, of some effects."""
        return [
            each.message
            for each in effects
            if isinstance(each, Tell) and each.ref.name == who and isinstance(each.message, kind)
        ]

    @staticmethod
    def done_by(effects: Sequence[Effect], kind: type[T]) -> list[T]:
        """Return commands of a kind, of some effects."""
        return [e.command for e in effects if isinstance(e, Do) and isinstance(e.command, kind)]

    def all_done(self, kind: type[T]) -> list[T]:
        """Return all commands of a kind so far."""
        return self.done_by(self.effects, kind)

    def facts(self, kind: type[T]) -> list[T]:
        """Return all facts of a kind that were journaled."""
        every: list[AnyFact] = [f for journal in self.all_done(Journal) for f in journal.facts]
        return [fact for fact in every if isinstance(fact, kind)]

    def timer(self, key: object) -> StartTimer | None:
        """Return the last timer of a key."""
        found = [e for e in self.effects if isinstance(e, StartTimer) and e.key == key]
        return found[-1] if found else None

    def view(self) -> CampaignView:
        """Ask how the campaign stands."""
        answers = Answers()
        for effect in self.campaign.on(DescribeCampaign(answers.place()), self.now_s):
            assert isinstance(effect, Reply)
            effect.reply_to.resolve(effect.value, None)
        view = answers.values[-1]
        assert isinstance(view, CampaignView)
        return view

    def resolve(self, effects: Sequence[Effect] | None = None) -> list[RunAnswer]:
        """Deliver replies and refusals among effects; return what Start and Stop were answered."""
        for effect in self.last if effects is None else effects:
            if isinstance(effect, Reply):
                effect.reply_to.resolve(effect.value, None)
            elif isinstance(effect, Refuse):
                effect.reply_to.resolve(None, effect.error)
        return self.run_answers.values

    @property
    def open_attempts(self) -> int:
        """Attempts without an outcome."""
        return self.view().attempts_open

    def attempt_of(self, call: PlaceCall) -> AttemptId:
        """Return whose leg a call is."""
        return call.attempt_id
