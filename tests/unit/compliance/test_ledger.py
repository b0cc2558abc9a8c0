"""One ledger of numbers: claims, rests, do-not-call."""

from engine.compliance.ledger import DNC, IN_USE, RESTING, NumberLedger, digits_of
from engine.domain.e164 import E164

ONE, TWO = 14155550100, 14155550101
GAP_S = 60.0


def test_a_number_is_claimed_once_until_it_is_released() -> None:
    ledger = NumberLedger()
    assert ledger.claim([ONE, TWO, ONE], GAP_S, 0.0) == ["", "", IN_USE]
    ledger.release(ONE, 10.0, dialed=False)
    assert ledger.claim([ONE, TWO], GAP_S, 10.0) == ["", IN_USE]
    assert ledger.open_claims == 2


def test_a_dialed_number_rests_for_the_gap_whoever_asks() -> None:
    ledger = NumberLedger()
    ledger.claim([ONE], GAP_S, 0.0)
    ledger.release(ONE, 30.0, dialed=True)
    assert ledger.claim([ONE], GAP_S, 89.999) == [RESTING]
    assert ledger.free_from_s(ONE, GAP_S) == 90.0
    assert ledger.claim([ONE], GAP_S, 90.0) == [""]


def test_a_number_given_back_untouched_does_not_rest() -> None:
    ledger = NumberLedger()
    ledger.claim([ONE], GAP_S, 0.0)
    ledger.release(ONE, 0.0, dialed=False)
    assert ledger.refusal(ONE, GAP_S, 0.0) == ""


def test_ends_older_than_any_gap_are_forgotten() -> None:
    ledger = NumberLedger()
    for number in range(1_000):
        ledger.note_attempt(10_000_000 + number, float(number * 10))
    assert ledger.free_from_s(10_000_000, GAP_S) == 0.0
    assert ledger.free_from_s(10_000_999, GAP_S) == 9_990.0 + GAP_S


def test_a_longer_gap_makes_ends_last_longer() -> None:
    ledger = NumberLedger()
    ledger.claim([ONE], 86_400.0, 0.0)
    ledger.release(ONE, 0.0, dialed=True)
    ledger.note_attempt(TWO, 80_000.0)
    assert ledger.refusal(ONE, 86_400.0, 80_000.0) == RESTING


def test_do_not_call_acts_at_once_and_can_be_undone() -> None:
    ledger = NumberLedger(["+14155550101"])
    assert ledger.claim([TWO], GAP_S, 0.0) == [DNC]
    ledger.add_dnc([E164("+14155550100")])
    assert ledger.on_dnc(E164("+14155550100"))
    assert ledger.refusal(ONE, GAP_S, 0.0) == DNC
    assert ledger.dnc_count == 2
    assert ledger.remove_dnc(E164("+14155550100"))
    assert not ledger.remove_dnc(E164("+14155550100"))
    assert ledger.claim([ONE], GAP_S, 0.0) == [""]


def test_an_attempt_of_an_earlier_life_holds_its_number() -> None:
    ledger = NumberLedger()
    ledger.hold(ONE)
    assert ledger.refusal(ONE, GAP_S, 0.0) == IN_USE
    ledger.release(ONE, 5.0, dialed=True)
    assert ledger.refusal(ONE, GAP_S, 5.0) == RESTING


def test_digits_are_the_number_without_its_plus() -> None:
    assert digits_of(E164("+14155550100")) == ONE
