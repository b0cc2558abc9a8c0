"""A campaign's life told as facts, one call at a time."""

import msgspec

from engine.domain.dispositions import Disposition, DispositionKind
from engine.domain.facts import (
    AgentChanged,
    AnyFact,
    AttemptAnswered,
    AttemptClosed,
    AttemptIntended,
    CallAnalysed,
    CallConnected,
    CallEnded,
    CallQueued,
    CallTreated,
    RecordPhase,
    ResourcePut,
)
from engine.domain.ids import AgentId, AttemptId, CampaignId, LegId, ListId, TeamId, TrunkId
from engine.domain.specs import (
    AgentSpec,
    CampaignSpec,
    ListLink,
    ListSpec,
    Mode,
    RuleWindow,
    Spec,
    TeamSpec,
)
from engine.metrics import Counters, Row, Scope
from engine.ports import StoredFact

CAMPAIGN = CampaignId("spring")
LIST = ListId("people")
ANN = AgentId("ann")
BOB = AgentId("bob")
NOBODY = AgentId("")
SOLD = Disposition("sold", DispositionKind.SUCCESS, right_party=True)


class Story:
    """Facts with their sequence numbers, and the counters they were told to."""

    def __init__(self, counters: Counters | None = None) -> None:
        self.counters = counters or Counters()
        self.told: list[StoredFact] = []

    def tell(self, *facts: AnyFact) -> None:
        for fact in facts:
            stored = StoredFact(len(self.told) + 1, fact)
            self.told.append(stored)
            self.counters.apply(stored)

    def put(self, kind: str, name: str, spec: Spec) -> None:
        body = msgspec.msgpack.encode(spec)
        self.tell(ResourcePut(at_s=0.0, kind=kind, id=name, revision=1, body=body))

    def set_up(
        self,
        mode: Mode = Mode.PROGRESSIVE,
        prompt: str = "",
        counting: tuple[RuleWindow, ...] = (),
        cut_off: float = 0.01,
    ) -> None:
        self.put(
            "campaign",
            CAMPAIGN,
            CampaignSpec(
                campaign_id=CAMPAIGN,
                mode=mode,
                lists=(ListLink(LIST, enabled=True, order=2, ratio=3),),
                teams=(TeamId("blue"),),
                skills={BOB: 0},
                dispositions=(SOLD,),
                unattended_prompt=prompt,
                false_machine_windows=counting,
                false_machine_ratio=cut_off,
            ),
        )
        self.put("list", LIST, ListSpec(list_id=LIST, display_name="People"))
        self.put("team", "blue", TeamSpec(team_id=TeamId("blue"), display_name="The Blues"))
        self.put("agent", ANN, AgentSpec(agent_id=ANN, team_id=TeamId("blue")))
        self.put("agent", BOB, AgentSpec(agent_id=BOB, team_id=TeamId("blue")))

    def intend(self, name: str, row: int = 0, at_s: float = 0.0, *, retry: bool = False) -> None:
        self.tell(
            AttemptIntended(
                at_s=at_s,
                attempt_id=AttemptId(name),
                campaign_id=CAMPAIGN,
                list_id=LIST,
                row=row,
                number_index=0,
                number="+14155550100",
                caller_id="+14155550000",
                trunk_id=TrunkId("t1"),
                leg_id=LegId(name),
                call_id=name,
                branch=name,
                verdict="",
                retry=retry,
            )
        )

    def answer(self, name: str, row: int = 0, at_s: float = 5.0, *, screened: bool = False) -> None:
        self.tell(
            AttemptAnswered(
                at_s=at_s,
                attempt_id=AttemptId(name),
                campaign_id=CAMPAIGN,
                list_id=LIST,
                row=row,
                leg_id=LegId(name),
                dialog=b"",
                ring_s=5.0,
                screened=screened,
            )
        )

    def analyse(self, name: str, verdict: str, *, person: bool) -> None:
        self.tell(
            CallAnalysed(
                at_s=6.0,
                attempt_id=AttemptId(name),
                campaign_id=CAMPAIGN,
                list_id=LIST,
                row=0,
                verdict=verdict,
                after_s=1.0,
                reason="as told",
                person=person,
            )
        )

    def treat(self, name: str, treatment: str, at_s: float) -> None:
        self.tell(
            CallTreated(
                at_s=at_s,
                attempt_id=AttemptId(name),
                campaign_id=CAMPAIGN,
                list_id=LIST,
                row=0,
                treatment=treatment,
            )
        )

    def queue(self, name: str, row: int = 0, at_s: float = 5.0) -> None:
        self.tell(
            CallQueued(
                at_s=at_s,
                attempt_id=AttemptId(name),
                campaign_id=CAMPAIGN,
                list_id=LIST,
                row=row,
            )
        )

    def connect(
        self, name: str, row: int = 0, at_s: float = 6.0, *, wait_s: float = 1.0, late: bool = False
    ) -> None:
        self.tell(
            CallConnected(
                at_s=at_s,
                attempt_id=AttemptId(name),
                campaign_id=CAMPAIGN,
                list_id=LIST,
                row=row,
                agent_id=ANN,
                wait_s=wait_s,
                late=late,
            )
        )

    def end(self, name: str, at_s: float = 66.0, *, by: str = "customer") -> None:
        self.tell(
            CallEnded(
                at_s=at_s,
                attempt_id=AttemptId(name),
                campaign_id=CAMPAIGN,
                agent_id=ANN,
                ended_by=by,
                talk_s=50.0,
                hold_s=10.0,
            )
        )

    def close(
        self,
        name: str,
        row: int = 0,
        at_s: float = 76.0,
        *,
        disposition: str,
        kind: str = "continue",
        phase: RecordPhase = RecordPhase.WAITING,
        answered: bool = True,
        unattended: bool = False,
        agent_id: AgentId = NOBODY,
        acw_s: float = 0.0,
    ) -> None:
        self.tell(
            AttemptClosed(
                at_s=at_s,
                attempt_id=AttemptId(name),
                campaign_id=CAMPAIGN,
                list_id=LIST,
                row=row,
                number_index=0,
                number="+14155550100",
                disposition=disposition,
                kind=kind,
                cause="hung-up",
                phase=phase,
                answered=answered,
                unattended=unattended,
                agent_id=agent_id,
                acw_s=acw_s,
            )
        )

    def sell(self, name: str, row: int = 0, at_s: float = 0.0) -> None:
        """One whole call that ends well: 5 s ringing, 1 s wait, 60 s with Ann, 10 s of work."""
        self.intend(name, row, at_s)
        self.answer(name, row, at_s + 5)
        self.queue(name, row, at_s + 5)
        self.connect(name, row, at_s + 6)
        self.end(name, at_s + 66)
        self.close(
            name,
            row,
            at_s + 76,
            disposition="sold",
            kind="success",
            phase=RecordPhase.DONE,
            agent_id=ANN,
            acw_s=10.0,
        )

    def agent(
        self, state: str, at_s: float, *, who: AgentId = ANN, reason: str = "", here: bool = False
    ) -> None:
        campaign_id = CAMPAIGN if here else CampaignId("")
        self.tell(
            AgentChanged(
                at_s=at_s, agent_id=who, state=state, reason=reason, campaign_id=campaign_id
            )
        )

    def campaign(self, now_s: float = 100.0) -> Row:
        return self.counters.values(Scope.CAMPAIGN, CAMPAIGN, now_s)

    def of_list(self, now_s: float = 100.0) -> Row:
        return self.counters.values(Scope.LIST, f"{CAMPAIGN}/{LIST}", now_s)

    def of_ann(self, now_s: float = 100.0) -> Row:
        return self.counters.values(Scope.AGENT, ANN, now_s)

    def of_team(self, now_s: float = 100.0) -> Row:
        return self.counters.values(Scope.TEAM, f"{CAMPAIGN}/blue", now_s)
