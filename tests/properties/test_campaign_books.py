"""Whatever happens to a campaign, in whatever order: its books balance.

A world of plain counters stands around the very behavior: a trunk that counts its channels, a list
that knows which rows are out, a router, agents, a journal that may fail. Messages are delivered in
any order that the real mailboxes allow: in order between two, in any order among many.
"""

from collections import Counter, deque
from collections.abc import Callable

from hypothesis import HealthCheck, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from engine.actors.kernel.effects import Effect
from engine.actors.messages import (
    AgentFound,
    AgentLeft,
    AgentLost,
    CallDeclined,
    CallMoved,
    CallOver,
    CallsLaunched,
    CallTaken,
    CampaignMessage,
    ChannelFreed,
    CloseRecord,
    EndCall,
    FieldsRead,
    Journal,
    Journaled,
    ListSampled,
    PermitsGranted,
    PermitsRefused,
    QueueCall,
    ReadFields,
    RecordsReserved,
    ReleaseRecord,
    RequestPermits,
    ReserveRecords,
    ReturnPermits,
    StartCalls,
    StartCampaign,
    StopCampaign,
    TakeCall,
    TrunkRestarted,
    TrunkSampled,
    UnattendedDue,
    UnqueueCall,
    WithdrawCall,
    WithdrawRequests,
    WorkFinished,
)
from engine.domain.causes import (
    GATE_CLOSED,
    HUNG_UP,
    NO_ANSWER,
    cause_of_status,
)
from engine.domain.facts import AttemptClosed, AttemptIntended, AttemptRerouted
from engine.domain.ids import AgentId, AttemptId, LegId, TrunkId
from engine.domain.refusals import JournalError
from engine.ports import HangUp, LegAnswered, LegEnded, LegRinging, PlaceCall
from tests.unit.actors.campaign.rig import ANN, BOB, NORTH, PEOPLE, SOUTH, Rig, record_of

TRUNKS = (NORTH, SOUTH)
AGENTS = (ANN, BOB)
REFUSED = (486, 404, 503, 500, 607)
PICK = st.integers(0, 1_000)


class CampaignBooks(RuleBasedStateMachine):
    """One campaign in a world of counters."""

    @initialize(field=st.sampled_from(("", "show")))
    def begin(self, field: str) -> None:
        self.rig = Rig(caller_id_field=field)
        self.inbox: dict[str, deque[CampaignMessage]] = {}
        self.pending: deque[Journal] = deque()
        self.used = Counter[TrunkId]()
        self.requested = Counter[TrunkId]()
        self.freed_legs = 0
        self.out: set[int] = set()
        self.rows = iter(range(1, 1_000_000))
        self.legs: dict[LegId, str] = {}
        self.placed: set[LegId] = set()
        self.intended: set[AttemptId] = set()
        self.durable_legs: set[LegId] = set()
        self.closed = Counter[AttemptId]()
        self.waiting: dict[AttemptId, None] = {}
        self.work: dict[AgentId, TakeCall] = {}
        self.talking: set[AgentId] = set()
        self.asked = self.settled = self.forgiven = self.restarts = 0
        self.launched = Counter[float]()
        self.answered = Counter[float]()
        self.stopped = True
        self.tell(StartCampaign("operator"))
        for trunk_id in TRUNKS:
            self.tell(TrunkSampled(trunk_id, True, 50))
        self.tell(ListSampled(PEOPLE, 10_000, 10_000))

    # --- the world -------------------------------------------------------------------------

    def tell(self, message: CampaignMessage) -> None:
        self.take(self.rig.tell(message))

    def send(self, sender: str, message: CampaignMessage) -> None:
        self.inbox.setdefault(sender, deque()).append(message)

    def take(self, effects: list[Effect]) -> None:
        """Carry effects out: everybody concerned keeps its own book."""
        for journal in self.rig.done_by(effects, Journal):
            self.journaled(journal)
        for trunk_id in TRUNKS:
            self.on_trunk(trunk_id, effects)
        self.on_list(effects)
        for asked in self.rig.done_by(effects, ReadFields):
            self.send("store", FieldsRead(asked.token, ("+442071838750",) * len(asked.rows)))
        self.on_pacer(effects)
        self.on_telephony(effects)
        self.on_router(effects)
        for agent_id in AGENTS:
            self.on_agent(agent_id, effects)

    def on_list(self, effects: list[Effect]) -> None:
        told = self.rig.told_by
        for each in told(effects, PEOPLE, ReserveRecords):
            self.send(PEOPLE, self.hand_out(each))
        for release in told(effects, PEOPLE, ReleaseRecord):
            self.out.remove(release.row)
        for close in told(effects, PEOPLE, CloseRecord):
            self.out.remove(close.row)

    def on_pacer(self, effects: list[Effect]) -> None:
        for launched in self.rig.told_by(effects, "pacer", CallsLaunched):
            self.settled += launched.asked
            assert launched.launched <= launched.asked
            if launched.launched:
                self.launched[launched.launched_s] += 1
        for moved in self.rig.told_by(effects, "pacer", CallMoved):
            self.on_moved(moved)

    def on_telephony(self, effects: list[Effect]) -> None:
        for call in self.rig.done_by(effects, PlaceCall):
            assert not self.stopped, "an INVITE after Stop"
            assert call.leg_id in self.durable_legs, "an INVITE before its intent"
            assert call.leg_id not in self.placed, "one leg, two INVITEs"
            self.placed.add(call.leg_id)
            self.legs[call.leg_id] = "called"
        for hang_up in self.rig.done_by(effects, HangUp):
            if self.legs.get(hang_up.leg_id):
                self.end(hang_up.leg_id, LegEnded(hang_up.leg_id, hang_up.cause))

    def on_router(self, effects: list[Effect]) -> None:
        for queued in self.rig.told_by(effects, "router", QueueCall):
            self.waiting[queued.attempt_id] = None
        for gone in self.rig.told_by(effects, "router", UnqueueCall):
            self.waiting.pop(gone.attempt_id, None)

    def journaled(self, journal: Journal) -> None:
        for fact in journal.facts:
            if isinstance(fact, AttemptClosed):
                self.closed[fact.attempt_id] += 1
        if journal.token is not None:
            self.pending.append(journal)

    def on_trunk(self, trunk_id: TrunkId, effects: list[Effect]) -> None:
        told = self.rig.told_by
        self.requested[trunk_id] += sum(
            each.count for each in told(effects, trunk_id, RequestPermits)
        )
        if told(effects, trunk_id, WithdrawRequests):
            self.requested[trunk_id] = 0
        back = sum(each.count for each in told(effects, trunk_id, ReturnPermits))
        back += len(told(effects, trunk_id, ChannelFreed))
        self.used[trunk_id] -= back
        assert self.used[trunk_id] >= 0, "a channel was given back twice"

    def on_moved(self, moved: CallMoved) -> None:
        if not moved.launched_s:
            return  # counted, but no call of pacing's
        match moved.stage:
            case "answered":
                self.launched[moved.launched_s] -= 1
                self.answered[moved.launched_s] += 1
            case "ended" | "treated":
                self.launched[moved.launched_s] -= 1
            case _:
                self.answered[moved.launched_s] -= 1
        assert min([*self.launched.values(), *self.answered.values()], default=0) >= 0

    def on_agent(self, agent_id: AgentId, effects: list[Effect]) -> None:
        told = self.rig.told_by
        for take in told(effects, agent_id, TakeCall):
            assert agent_id not in self.work, "an agent has two customers"
            self.work[agent_id] = take
        over: list[WithdrawCall | CallOver] = [
            *told(effects, agent_id, WithdrawCall),
            *told(effects, agent_id, CallOver),
        ]
        for each in over:
            work = self.work.get(agent_id)
            if work is not None and work.attempt_id == each.attempt_id:
                del self.work[agent_id]
                if isinstance(each, CallOver) and agent_id in self.talking:
                    self.send(agent_id, WorkFinished(each.attempt_id, agent_id, 1.0))
                self.talking.discard(agent_id)

    def hand_out(self, ask: ReserveRecords) -> RecordsReserved:
        rows = [next(self.rows) for _ in range(ask.count)]
        rows = rows[: len(rows) - rows[0] % 2]  # now and then one is missing
        self.out.update(rows)
        return RecordsReserved(
            PEOPLE, ask.count, tuple(record_of(row) for row in rows), ask.purpose
        )

    def end(self, leg_id: LegId, event: LegEnded) -> None:
        del self.legs[leg_id]
        self.send("telephony", event)

    # --- what may happen -------------------------------------------------------------------

    @precondition(lambda self: not self.stopped and self.asked <= self.settled + self.forgiven)
    @rule(count=st.integers(1, 4))
    def pacer_asks(self, count: int) -> None:
        if self.asked <= self.settled + self.forgiven:
            self.asked += count
            self.tell(StartCalls(count))

    @precondition(lambda self: not self.stopped)
    @rule(count=st.integers(1, 4), steps=st.integers(1, 5))
    def calls_come_some_way(self, count: int, steps: int) -> None:
        """Go to one of the points before the INVITE, so that they are met often."""
        way: tuple[Callable[[], None], ...] = (
            lambda: self.journal_answers(fails=False),
            lambda: self.pacer_asks(count),
            lambda: self.trunk_answers(NORTH, count, refuse=False),
            lambda: self.a_message_arrives(0),
            lambda: self.a_message_arrives(0),
        )
        for step in way[:steps]:
            step()

    @precondition(lambda self: +self.requested)
    @rule(which=st.sampled_from(TRUNKS), part=st.integers(1, 4), refuse=st.booleans())
    def trunk_answers(self, which: TrunkId, part: int, *, refuse: bool) -> None:
        count = min(part, self.requested[which])
        if not count:
            return
        self.requested[which] -= count
        if refuse:
            self.send(which, PermitsRefused(which, count, "trunk-full"))
        else:
            self.used[which] += count
            self.send(which, PermitsGranted(which, count))

    @precondition(lambda self: any(self.inbox.values()))
    @rule(which=PICK)
    def a_message_arrives(self, which: int) -> None:
        senders = [sender for sender, waiting in self.inbox.items() if waiting]
        if senders:
            self.tell(self.inbox[senders[which % len(senders)]].popleft())

    @precondition(lambda self: self.pending)
    @rule(fails=st.sampled_from((False, False, False, True)))
    def journal_answers(self, *, fails: bool) -> None:
        if not self.pending:
            return
        journal = self.pending.popleft()
        error = JournalError("disk full") if fails and not journal.keep else None
        if error is None:
            for fact in journal.facts:
                if isinstance(fact, AttemptIntended):
                    self.intended.add(fact.attempt_id)
                if isinstance(fact, AttemptIntended | AttemptRerouted):
                    self.durable_legs.add(fact.leg_id)
        self.tell(Journaled(journal.token, error))

    @precondition(lambda self: self.legs)
    @rule(which=PICK, status=st.sampled_from((0, *REFUSED)), gate=st.booleans())
    def a_leg_ends(self, which: int, status: int, gate: bool) -> None:
        if not self.legs:
            return
        leg_id = list(self.legs)[which % len(self.legs)]
        if self.legs[leg_id] == "answered":
            self.end(leg_id, LegEnded(leg_id, HUNG_UP))
        elif status:
            self.end(leg_id, LegEnded(leg_id, cause_of_status(status), status))
        elif gate and self.legs[leg_id] == "called":
            self.end(leg_id, LegEnded(leg_id, GATE_CLOSED))
        else:
            self.end(leg_id, LegEnded(leg_id, NO_ANSWER))

    @precondition(lambda self: self.legs)
    @rule(which=PICK, rings=st.booleans())
    def a_leg_goes_on(self, which: int, rings: bool) -> None:
        called = [leg_id for leg_id, phase in self.legs.items() if phase != "answered"]
        if not called:
            return
        leg_id = called[which % len(called)]
        self.legs[leg_id] = "rings" if rings else "answered"
        event = LegRinging(leg_id) if rings else LegAnswered(leg_id, b"dialog")
        self.send("telephony", event)

    @precondition(lambda self: self.waiting)
    @rule(agent_id=st.sampled_from(AGENTS))
    def router_finds_an_agent(self, agent_id: AgentId) -> None:
        reserved = any(
            isinstance(each, AgentFound) and each.agent_id == agent_id
            for each in self.inbox.get("router", ())
        )
        if self.waiting and agent_id not in self.work and not reserved:
            attempt_id = next(iter(self.waiting))
            del self.waiting[attempt_id]
            self.send("router", AgentFound(attempt_id, agent_id))

    @precondition(lambda self: self.work)
    @rule(agent_id=st.sampled_from(AGENTS), what=st.integers(0, 5))
    def an_agent_acts(self, agent_id: AgentId, what: int) -> None:
        work = self.work.get(agent_id)
        if work is None:
            return
        attempt_id = work.attempt_id
        if agent_id not in self.talking:
            if what:
                self.talking.add(agent_id)
                self.send(agent_id, CallTaken(attempt_id, agent_id, LegId(agent_id)))
            else:
                del self.work[agent_id]
                self.send(agent_id, CallDeclined(attempt_id, agent_id, "rejected"))
        elif what < 3:
            self.send(agent_id, EndCall(attempt_id, "agent"))
        else:
            del self.work[agent_id]
            self.talking.discard(agent_id)
            gone: dict[int, CampaignMessage] = {
                3: AgentLeft(attempt_id, agent_id, 1.0, 0.0),
                4: WorkFinished(attempt_id, agent_id, 0.0),
                5: AgentLost(agent_id),
            }
            self.send(agent_id, gone[what])

    @precondition(lambda self: self.waiting or self.work)
    @rule(which=PICK)
    def nobody_comes_in_time(self, which: int) -> None:
        closed = set(self.closed)
        live = [each for each in sorted(self.intended) if each not in closed]
        if live:
            self.tell(UnattendedDue(live[which % len(live)]))

    @precondition(lambda self: +self.requested)
    @rule(which=st.sampled_from(TRUNKS))
    def a_trunk_begins_anew(self, which: TrunkId) -> None:
        self.requested[which] = 0
        self.restarts += 1
        self.send(which, TrunkRestarted(which))

    @precondition(lambda self: not self.stopped)
    @rule()
    def stop(self) -> None:
        self.tell(StopCampaign("operator"))
        self.stopped = True
        self.forgiven = self.asked - self.settled  # the pacer forgets what it asked

    @precondition(lambda self: self.stopped)
    @rule()
    def start(self) -> None:
        self.tell(StartCampaign("operator"))
        self.stopped = False

    @rule(seconds=st.sampled_from((0.0, 1.0)))
    def time_passes(self, seconds: float) -> None:
        self.rig.now_s += seconds

    # --- the books -------------------------------------------------------------------------

    @invariant()
    def each_attempt_has_at_most_one_outcome(self) -> None:
        assert all(count == 1 for count in self.closed.values())

    @invariant()
    def what_the_pacer_asked_is_never_settled_twice(self) -> None:
        # Requests that cross a trunk's restart may be settled by both; the pacer clips that.
        if not self.forgiven and not self.restarts:
            assert self.settled <= self.asked

    def teardown(self) -> None:
        """Let everything end: then nothing is out, and everything is settled."""
        if not hasattr(self, "rig"):
            return
        self.settle()
        self.stop()
        self.settle()
        note(f"used {self.used}, out {self.out}")
        assert self.rig.open_attempts == 0
        assert +self.used == Counter()
        assert self.out == set()
        assert set(self.closed) >= self.intended
        assert +self.launched == Counter()
        assert +self.answered == Counter()
        assert self.rig.view().phase.value == "idle"

    def settle(self) -> None:
        steps: tuple[Callable[[], None], ...] = (
            lambda: self.journal_answers(fails=False),
            lambda: self.a_message_arrives(0),
            lambda: self.trunk_answers(NORTH, 4, refuse=False),
            lambda: self.trunk_answers(SOUTH, 4, refuse=False),
            lambda: self.a_leg_ends(0, 0, False),
        )
        for _ in range(400):
            for step in steps:
                step()
            for agent_id in AGENTS:
                if agent_id in self.work:
                    self.an_agent_acts(agent_id, 4)
        if not self.stopped:
            unsettled = self.asked - self.settled - self.forgiven
            assert unsettled <= 0, f"{unsettled} calls were asked for and never settled"


CampaignBooks.TestCase.settings = settings(
    max_examples=200,
    stateful_step_count=80,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestCampaignBooks = CampaignBooks.TestCase
