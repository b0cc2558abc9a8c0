"""The gate: each thing that may change between reservation and INVITE closes it."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from engine.compliance import gate as reasons
from engine.compliance.gate import CallGate
from engine.compliance.ledger import NumberLedger
from engine.domain.e164 import E164
from engine.domain.ids import AttemptId, CampaignId, LegId, TrunkId
from engine.ports import Gate, Licence, PlaceCall

NUMBER = E164("+14155550100")
CAMPAIGN = CampaignId("spring")
CALL = PlaceCall(
    leg_id=LegId("l"),
    attempt_id=AttemptId("a"),
    campaign_id=CAMPAIGN,
    generation=3,
    number=NUMBER,
    caller_id=E164("+14155550999"),
    caller_name="",
    trunk_id=TrunkId("t"),
    no_answer_s=25.0,
    licence=Licence(NUMBER, ("America/Los_Angeles",), "home", 100.0),
)


def an_open_gate() -> tuple[CallGate, NumberLedger]:
    ledger = NumberLedger()
    gate = CallGate(ledger)
    gate.open(CAMPAIGN, 3)
    return gate, ledger


def test_an_open_gate_lets_a_lawful_call_leave() -> None:
    gate: Gate = an_open_gate()[0]
    assert gate.may_leave(CALL, 99.9) is None


@pytest.mark.parametrize(
    ("close", "reason"),
    [
        pytest.param(lambda gate, _: gate.drain(), reasons.DRAINING, id="draining"),
        pytest.param(
            lambda gate, _: gate.trust_journal(False), reasons.JOURNAL_UNWRITABLE, id="journal"
        ),
        pytest.param(lambda gate, _: gate.trust_clock(False), reasons.CLOCK_UNTRUSTED, id="clock"),
        pytest.param(lambda gate, _: gate.close(CAMPAIGN), reasons.STOPPED, id="stopped"),
        pytest.param(lambda gate, _: gate.open(CAMPAIGN, 4), reasons.STOPPED, id="a newer run"),
        pytest.param(lambda _, ledger: ledger.add_dnc([NUMBER]), reasons.ON_DNC, id="dnc"),
    ],
)
def test_what_changed_closes_the_gate(
    close: Callable[[CallGate, NumberLedger], None], reason: str
) -> None:
    gate, ledger = an_open_gate()
    close(gate, ledger)
    assert gate.may_leave(CALL, 50.0) == reason


@pytest.mark.parametrize(
    ("call", "now_s", "reason"),
    [
        pytest.param(CALL, 100.0, reasons.OUTSIDE_HOURS, id="the end is excluded"),
        pytest.param(CALL, float("nan"), reasons.OUTSIDE_HOURS, id="no time at all"),
        pytest.param(
            replace(CALL, licence=Licence(NUMBER, (), "home", 100.0)),
            1.0,
            reasons.UNKNOWN_ZONE,
            id="unknown place",
        ),
        pytest.param(
            replace(CALL, number=E164("+14155550177")),
            1.0,
            reasons.OUTSIDE_HOURS,
            id="licence of another number",
        ),
        pytest.param(replace(CALL, generation=2), 1.0, reasons.STOPPED, id="an older run"),
        pytest.param(
            replace(CALL, campaign_id=CampaignId("other")), 1.0, reasons.STOPPED, id="never opened"
        ),
    ],
)
def test_an_unlawful_call_does_not_leave(call: PlaceCall, now_s: float, reason: str) -> None:
    assert an_open_gate()[0].may_leave(call, now_s) == reason


def test_an_old_start_that_comes_late_cannot_reopen_an_older_run() -> None:
    gate, _ = an_open_gate()
    gate.open(CAMPAIGN, 2)
    assert gate.may_leave(CALL, 1.0) is None


def test_trust_can_return() -> None:
    gate, _ = an_open_gate()
    gate.trust_clock(False)
    gate.trust_clock(True)
    gate.trust_journal(False)
    gate.trust_journal(True)
    assert gate.may_leave(CALL, 1.0) is None
