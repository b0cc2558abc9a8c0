"""No packet index is used twice with a key, whichever switch a leg is in."""

from hypothesis import given
from hypothesis import strategies as st

from engine.telephony.audio_keys import AudioKeys, Suite
from engine.telephony.media import messages
from engine.telephony.media.encryption import HIGHEST_INDEX, SURELY_UNSENT, encrypt
from engine.telephony.media.securing import Securing

SUITE = Suite.AES_CM_80
OURS, THEIRS, OTHERS = (bytes([at]) * SUITE.master_octets for at in (1, 2, 3))
KEYS = AudioKeys(SUITE, OURS, THEIRS)


def begin(wanted: messages.Secure, tick: int) -> int:
    """Return the index that a switch made anew begins with."""
    index = Securing(9).perform(wanted, tick)
    assert index is not None
    return index


def test_a_key_that_stands_goes_on_and_a_new_one_begins_low() -> None:
    first = encrypt(None, 4, KEYS, 2000, 500)
    again = encrypt(first, 4, KEYS, 3000, 90_000)
    assert again.secure == first.secure
    theirs_new = encrypt(first, 4, AudioKeys(SUITE, OURS, OTHERS), 3000, 90_000)
    assert begin(theirs_new.secure, 90_000) == begin(first.secure, 90_000)
    ours_new = encrypt(first, 4, AudioKeys(SUITE, OTHERS, THEIRS), 3000, 90_000)
    assert begin(ours_new.secure, 90_000) == 3000


def test_the_switch_takes_only_what_is_new() -> None:
    securing = Securing(9)
    first = encrypt(None, 4, KEYS, 2000, 500)
    assert securing.perform(first.secure, 503) == 2003
    assert securing.perform(first.secure, 700) is None
    other = encrypt(first, 4, AudioKeys(SUITE, OURS, OTHERS), 3000, 90_000)
    assert securing.perform(other.secure, 90_001) is None
    assert securing.perform(messages.Secure(4, "", b"", b"", 0, 0), 90_002) is None
    assert securing.seal(4, b"plain") == b"plain"
    assert not securing.unprotector.any


@given(
    first=st.integers(1024, HIGHEST_INDEX),
    pauses=st.lists(st.tuples(st.integers(1, 90_000), st.integers(1, 90_000)), max_size=5),
    late=st.integers(0, SURELY_UNSENT),
    silent=st.booleans(),
)
def test_a_switch_made_anew_begins_above_all_that_was_used_and_not_far_above(
    first: int, pauses: list[tuple[int, int]], late: int, silent: bool
) -> None:
    """Each pause begins late in the switch, by as much as it may, so more was sent than seems."""
    tick = 1000
    encrypted = encrypt(None, 4, KEYS, first, tick)
    used = begin(encrypted.secure, tick)
    encrypted.note(sends=True, tick=tick)
    for talk, pause in pauses:
        used += talk
        tick += talk
        encrypted.note(sends=False, tick=tick)
        used += min(late, pause)
        tick += pause
        encrypted.note(sends=True, tick=tick)
    if silent:
        encrypted.note(sends=False, tick=tick)
        tick += 100_000
        used += late
    anew = begin(encrypted.resumed_at(tick), tick)
    assert used <= anew <= used + (len(pauses) + 1) * SURELY_UNSENT


def test_keys_are_not_shown() -> None:
    told = encrypt(None, 4, AudioKeys(SUITE, b"secret" * 5, b"secret" * 5), 2000, 500)
    assert "secret" not in repr(told)
