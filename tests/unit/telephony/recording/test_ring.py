"""The ring: what is written is read, in order, and once; what has no room is counted."""

from engine.telephony.recording.ring import RingReader, RingWriter, make_ring
from tests.unit.telephony.recording.stage import frames_of


def test_what_is_written_is_read_over_many_turns_of_the_memory() -> None:
    ring = make_ring(20_000)
    writer, reader = RingWriter(ring), RingReader(ring)
    for tick in range(500):
        keys = list(range(1, 2 + tick % 9))
        assert writer.put(tick, frames_of(keys, tick))
        (entry,) = reader.entries()
        expected = frames_of(keys, tick)
        assert entry.tick == tick
        assert entry.frames.keys.tolist() == keys
        assert (entry.frames.said == expected.said).all()
        assert (entry.frames.heard == expected.heard).all()
        reader.release(entry.end)
    assert writer.lost_ticks == 0


def test_a_reader_that_does_not_read_costs_frames_and_no_time() -> None:
    ring = make_ring(8192)
    writer, reader = RingWriter(ring), RingReader(ring)
    put = [writer.put(tick, frames_of([1, 2, 3], tick)) for tick in range(40)]
    assert put.index(False) == 8
    assert not any(put[8:])
    assert reader.lost_ticks == 32
    assert [entry.tick for entry in reader.entries()] == list(range(8))


def test_what_was_not_released_is_read_again_by_the_next_reader() -> None:
    ring = make_ring(1 << 16)
    writer, first = RingWriter(ring), RingReader(ring)
    for tick in range(10):
        writer.put(tick, frames_of([1], tick))
    entries = list(first.entries())
    first.release(entries[3].end)
    assert [entry.tick for entry in RingReader(ring).entries()] == [4, 5, 6, 7, 8, 9]


def test_a_switch_that_takes_over_goes_on_where_the_one_before_ended() -> None:
    ring = make_ring(1 << 16)
    RingWriter(ring).put(1, frames_of([1], 1))
    RingWriter(ring).put(2, frames_of([1], 2))
    assert [entry.tick for entry in RingReader(ring).entries()] == [1, 2]
