"""The jitter ring plays every frame once, in order, whatever the network did."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.telephony.media import noise
from engine.telephony.media.g711 import FRAME, SILENCE, Law, decode
from engine.telephony.media.jitter import REVIEW_TICKS, SLOTS, JitterRing
from tests.support.tone_bank import energy_db

LEG = np.array([1], dtype=np.intp)
LIVE = np.array([1], dtype=np.intp)
START = 4_294_960_000  # the timestamps wrap within these tests


def write(
    ring: JitterRing, tick: int, number: int, *, samples: int = FRAME, phase: int = 0
) -> None:
    """Write the packet of a number; its samples say the number."""
    payload = np.full((1, samples), number % 100, dtype=np.uint8)
    timestamp = np.array([(START + phase + number * samples) & 0xFFFFFFFF])
    ring.write(tick, LEG, timestamp, payload, np.array([samples]))


def read(ring: JitterRing, tick: int) -> int:
    """Return the number that is played, -1 for silence."""
    row = ring.read(tick, LIVE)[1]
    return -1 if row[0] == SILENCE[Law.MU] else int(row[0])


def test_a_steady_stream_is_played_with_one_frame_of_delay() -> None:
    ring, played = JitterRing(2), []
    for tick in range(100):
        write(ring, tick, tick)
        played.append(read(ring, tick))
    assert played == [-1, *range(99)]
    assert ring.concealed[1] == 0


def test_swapped_and_doubled_packets_are_played_once_and_in_order() -> None:
    ring = JitterRing(2)
    write(ring, 0, 0)
    assert read(ring, 0) == -1
    for number in (2, 1, 2, 1):
        write(ring, 1, number)
    assert [read(ring, tick) for tick in (1, 2, 3)] == [0, 1, 2]


def test_a_lost_packet_is_covered_by_an_echo_of_the_one_before() -> None:
    ring = JitterRing(2)
    for tick in range(3):
        write(ring, tick, tick)
        read(ring, tick)
    rows = [ring.read(tick, LIVE)[1].copy() for tick in (3, 4, 5, 6)]
    assert rows[0][0] == 2  # frame 2 is due at tick 3
    assert rows[1][0] not in (2, SILENCE[Law.MU])
    assert energy_db(decode(rows[3][np.newaxis], Law.MU)) == pytest.approx(noise.SOFT_DBOV, abs=3)
    assert ring.concealed[1] == 0  # the stream may just have ended
    write(ring, 7, 6)
    assert read(ring, 7) == 6
    assert ring.concealed[1] == 3


def test_a_late_packet_lengthens_the_delay_so_that_the_next_is_not_late() -> None:
    ring = JitterRing(2)
    write(ring, 0, 0)
    for tick in range(4):
        read(ring, tick)
    write(ring, 4, 1)  # was due at tick 2
    assert ring.late[1] == 1
    write(ring, 5, 2)
    assert read(ring, 5) == 2
    assert ring.late[1] == 1


def test_a_delay_that_is_not_needed_is_cut_again() -> None:
    ring = JitterRing(2)
    write(ring, 0, 0)
    for number in range(1, 6):
        write(ring, 0, number)  # a burst: the stream is now five frames ahead
    for tick in range(3 * REVIEW_TICKS):
        write(ring, tick, tick + 5)
        played = read(ring, tick)
    assert played == (3 * REVIEW_TICKS - 1 + 5 - 1) % 100


@pytest.mark.parametrize("samples", [80, 240, 320, 480], ids=["10 ms", "30 ms", "40 ms", "60 ms"])
def test_packets_of_other_lengths_fill_the_same_frames(samples: int) -> None:
    ring, played, number = JitterRing(2), [], 0
    for tick in range(60):
        while number * samples <= tick * FRAME:
            write(ring, tick, number, samples=samples)
            number += 1
        played += ring.read(tick, LIVE)[1].tolist()
    spoken = [code for code in played if code != SILENCE[Law.MU]]
    begun = played.index(spoken[0])
    expected = [at // samples % 100 for at in range(len(spoken))]
    assert spoken == expected
    assert len(spoken) == len(played) - begun


def test_a_talk_spurt_off_the_grid_is_played_whole() -> None:
    ring = JitterRing(2)
    for tick in range(5):
        write(ring, tick, tick)
        read(ring, tick)
    for tick in range(15, 25):
        for silent in range(5, 15) if tick == 15 else ():
            read(ring, silent)
        write(ring, tick, tick, phase=37)
        played = read(ring, tick)
    assert played in (22, 23, 24)


def test_a_jump_of_the_time_line_begins_a_new_one() -> None:
    ring = JitterRing(2)
    for tick in range(5):
        write(ring, tick, tick)
        read(ring, tick)
    write(ring, 5, 5_000_003)
    read(ring, 5)
    write(ring, 6, 5_000_004)
    assert read(ring, 6) == 3


@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(1, 500)), min_size=1, max_size=60))
def test_no_timestamp_and_no_length_breaks_the_ring(packets: list[tuple[int, int]]) -> None:
    ring = JitterRing(2)
    for tick, (timestamp, length) in enumerate(packets):
        payload = np.full((1, 500), 7, dtype=np.uint8)
        ring.write(tick, LEG, np.array([timestamp]), payload, np.array([length]))
        assert ring.read(tick, LIVE).shape == (2, FRAME)
    write(ring, len(packets), 1)
    for tick in range(len(packets), len(packets) + SLOTS + 30):
        write(ring, tick, tick)
        last = read(ring, tick)
    assert last >= 0
