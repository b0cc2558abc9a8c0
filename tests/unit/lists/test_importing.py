"""Import: what files mean, what is refused and where, and that a repeat changes nothing."""

import csv
import io
import random
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import msgspec
import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import timezone

from engine.domain.number_set import NumberSet
from engine.domain.refusals import InvalidRequestError, InvalidZoneError
from engine.domain.specs import ListSpec
from engine.lists.columns import BatchColumns, ListColumns, decode
from engine.lists.csv_split import (
    BATCH_RECORDS,
    CHUNK_RECORDS,
    MOST_ROW_OCTETS,
    TOO_LONG,
    UNCLOSED,
    Chunk,
    CsvSplitter,
)
from engine.lists.header import map_header
from engine.lists.importing import (
    DUPLICATE,
    BatchBuilder,
    ImportOptions,
    ListImport,
    import_all,
    known_keys,
)
from engine.lists.text import clean
from engine.lists.workers import parse_chunk, read_number
from engine.ports import ImportBatch
from tests.unit.lists.builders import LIST

SPEC = ListSpec(list_id=LIST, region="US")


def load(
    text: str | bytes, roles: Mapping[str, str] | None = None, spec: ListSpec = SPEC
) -> ImportBatch:
    data = text.encode() if isinstance(text, str) else text
    (batch,) = import_all([data], spec, "i", ImportOptions(roles=roles or {}))
    return batch


def records(batch: ImportBatch) -> list[tuple[list[tuple[int, str]], tuple[str, ...]]]:
    """Return numbers with phone types, and zones, of each record."""
    columns = decode(batch.columns)
    found, begin = [], 0
    for row, count in enumerate(columns.counts.tolist()):
        numbers = [
            (int(columns.numbers[place]), columns.type_names[columns.types[place]])
            for place in range(begin, begin + count)
        ]
        found.append((numbers, columns.zone_sets[columns.zones[row]]))
        begin += count
    return found


def extras(batch: ImportBatch) -> list[dict[str, str]]:
    return [msgspec.msgpack.decode(each, type=dict[str, str]) for each in batch.extras]


# --- what columns mean -------------------------------------------------------------------------


def test_columns_are_known_by_their_names() -> None:
    batch = load(
        "First Name,Last Name,Mobile,Home Phone,Timezone,Priority,External ID,City\n"
        "Ann,Lee,(415) 555-0100,+1 212 555 0101,America/New_York,yes,x1,Paris\n"
    )
    numbers = [(14155550100, "mobile"), (12125550101, "home")]
    assert records(batch) == [(numbers, ("America/New_York",))]
    assert extras(batch) == [{"name": "Ann Lee", "City": "Paris"}]
    assert decode(batch.columns).priority.tolist() == [1]


def test_numbered_phone_columns_are_phones() -> None:
    mapped = map_header(["phone1", "Phone 2", "tel", "Mobile_2", "Work Phone", "note"], {})
    assert mapped.phones == ((0, "phone"), (1, "phone"), (2, "phone"), (3, "mobile"), (4, "work"))
    assert mapped.fields == ((5, "note"),)


def test_the_importer_may_say_what_columns_are() -> None:
    roles = {"Privat": "phone:home", "Wer": "name", "phone": "skip", "x": "field:Colour"}
    batch = load("Wer;Privat;phone;x\nAnn;030 901820;999;red\n", roles, spec_of_germany())
    assert records(batch) == [([(4930901820, "home")], ("Europe/Berlin",))]
    assert extras(batch) == [{"name": "Ann", "Colour": "red"}]


def spec_of_germany() -> ListSpec:
    return ListSpec(list_id=LIST, region="DE")


@pytest.mark.parametrize(
    ("header", "roles", "text"),
    [
        pytest.param("name,city", {}, "no column holds telephone numbers", id="no phone"),
        pytest.param("phone,zone,tz", {}, "more than one column is the zone", id="two zones"),
        pytest.param("phone,a", {"a": "pet"}, "'pet' is no role", id="unknown role"),
        pytest.param("phone,a", {"b": "name"}, "no column 'b'", id="unknown column"),
        pytest.param("phone,a", {"a": "phone:M!"}, "is no role", id="bad phone type"),
        pytest.param(",".join(["phone"] * 9), {}, "9 columns hold numbers", id="nine phones"),
        pytest.param("phone" + ",a" * 100_000, {}, "does not end within", id="endless header"),
        pytest.param("phone" + ",a" * 400, {}, "the header has 401 columns", id="wide header"),
        pytest.param("", {}, "the file is empty", id="empty"),
        pytest.param("\n\n", {}, "the first line is blank", id="blank"),
        pytest.param("\nphone\n1", {}, "the first line is blank", id="blank first line"),
        pytest.param('phone,"x', {}, "does not end within", id="quote without end"),
    ],
)
def test_a_header_that_does_not_do_is_refused_with_its_reason(
    header: str, roles: dict[str, str], text: str
) -> None:
    with pytest.raises(InvalidRequestError, match=text):
        load(header, roles)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param("phone\n1".encode("utf-16"), id="UTF-16 with mark"),
        pytest.param("phone\n1".encode("utf-16-le"), id="UTF-16 without mark"),
        pytest.param("t\xe9l,phone\n1".encode("latin-1"), id="Latin-1"),
    ],
)
def test_a_file_that_is_not_utf8_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidRequestError, match="UTF-8"):
        load(data)


def test_an_unknown_default_zone_is_refused() -> None:
    with pytest.raises(InvalidZoneError, match="Mars"):
        load("phone\n1\n", spec=ListSpec(list_id=LIST, default_zone="Mars/Base"))


# --- what rows mean ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "4155550100",
        "(415) 555-0100",
        "415.555.0100",
        "+1 415 555 0100",
        "1-415-555-0100",
        "+14155550100",
        "001 415 555 0100",
        "415 555 0100 ext. 12",
        "tel:+1-415-555-0100",
        " ４１５５５５０１００ ",
    ],
)
def test_one_number_has_many_spellings(text: str) -> None:
    assert read_number(text, "US") == (14155550100, ("America/Los_Angeles",))


@pytest.mark.parametrize(
    "text", ["", "911", "12", "+", "abc", "+999123456789", "415555010", "1" * 300, "0" * 15]
)
def test_what_is_no_number_is_none(text: str) -> None:
    assert read_number(text, "US") == (0, ())


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_numbers_and_zones_are_those_of_the_library(region: str) -> None:
    chance = random.Random(region)
    for kind in phonenumbers.PhoneNumberType.values():
        example = phonenumbers.example_number_for_type(region, kind)
        if example is None:
            continue
        text = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
        for _ in range(4):
            assert read_number(text, "US") == by_the_library(text)
            place = chance.randrange(3, len(text))
            text = text[:place] + str(chance.randrange(10)) + text[place + 1 :]


def by_the_library(text: str) -> tuple[int, tuple[str, ...]]:
    try:
        number = phonenumbers.parse(text, None)
    except phonenumbers.NumberParseException:
        return 0, ()
    if not phonenumbers.is_valid_number(number):
        return 0, ()
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    zones = timezone.time_zones_for_number(number)
    return int(e164[1:]), tuple(zone for zone in zones if zone != "Etc/Unknown")


def test_a_toll_free_number_may_be_anywhere_and_a_satellite_one_nowhere_known() -> None:
    assert len(read_number("+18005550100", "US")[1]) > 20
    assert read_number("+881612345678", "US")[1] == ()


def test_zones_come_from_the_record_first_then_from_all_its_numbers_then_from_the_list() -> None:
    spec = ListSpec(list_id=LIST, default_zone="Pacific/Apia")
    batch = load(
        "phone,home,zone\n+14155550100,+12125550100,Asia/Kolkata\n"
        "+14155550101,+12125550101,\n+881612345678,,\n",
        spec=spec,
    )
    assert [zones for _, zones in records(batch)] == [
        ("Asia/Kolkata",),
        ("America/Los_Angeles", "America/New_York"),
        ("Pacific/Apia",),
    ]


def test_zones_of_numbers_may_stand_beside_the_records_own() -> None:
    data = b"phone,zone\n+14155550100,America/New_York\n"
    (batch,) = import_all([data], SPEC, "i", ImportOptions(zones_together=True))
    assert records(batch)[0][1] == ("America/Los_Angeles", "America/New_York")


def test_wrong_rows_are_told_by_line_and_the_rest_is_loaded() -> None:
    batch = load(
        'phone,zone,name\n4155550100,,"Ann\nLee"\nnope,,\n,,Bob\n4155550101,Mars/Base,\n'
        "4155550102,,a,b\n4155550103,,\x00\n\n4155550104,," + "x" * 5_000 + "\n4155550105,,\n"
    )
    assert [numbers[0][0] % 10_000 for numbers, _ in records(batch)] == [100, 105]
    assert list(batch.rejected) == [
        (4, "'••pe' is no telephone number"),
        (5, "no telephone number"),
        (6, "'Mars/Base' is not an IANA time zone"),
        (7, "4 columns where the header has 3"),
        (8, "the row holds a NUL"),
        (10, "a field is longer than 4096 characters"),
    ]
    assert batch.source_lines == 10


def test_a_row_that_is_not_utf8_costs_itself() -> None:
    batch = load(b"phone,name\n4155550100,ok\n4155550101,\xff\xfe\n4155550102,ok\n")
    assert (batch.count, list(batch.rejected)) == (2, [(3, "the row is not UTF-8")])


def test_a_stray_return_inside_a_row_costs_that_row() -> None:
    batch = load(b"phone,name\r\n4155550100,a\rb\r\n4155550101,ok\r\n")
    assert batch.count == 1
    assert batch.rejected[0][0] == 2


def test_a_wrong_number_beside_a_right_one_is_left_out_and_said() -> None:
    source = ListImport(SPEC, ImportOptions())
    (chunk,) = [*source.feed(b"phone,home\n4155550100,12345678\n"), *source.finish()]
    parsed = parse_chunk(chunk, source.get_plan())
    assert parsed.columns.counts.tolist() == [1]
    assert parsed.warnings == [(2, "'••••••78' is no telephone number")]


def test_a_number_twice_in_a_record_is_one() -> None:
    batch = load("phone,mobile\n4155550100,+1 415 555 0100\n")
    assert records(batch)[0][0] == [(14155550100, "phone")]


def test_hostile_text_is_made_harmless() -> None:
    hostile = "An\u202en\u0000\u0007;\r\nVia: x\ufeff\u2066"
    assert clean(hostile) == "Ann;  Via: x"
    batch = load('phone,name\n4155550100,"A\u202enn\r\nVia: x"\n')
    assert extras(batch) == [{"name": "Ann  Via: x"}]


def test_a_byte_order_mark_and_semicolons_are_understood() -> None:
    assert load(b"\xef\xbb\xbfphone;name\r\n4155550100;Ann\r\n").count == 1


def test_a_last_line_without_an_end_is_read() -> None:
    assert load("phone\n4155550100\n4155550101").count == 2


# --- hostile shapes ----------------------------------------------------------------------------


def test_a_quote_without_end_costs_its_line() -> None:
    lines = "".join(f"41555{n:05d},ok\n" for n in range(50_000, 58_000))
    batch = load(f'phone,name\n4155550100,"never closed\n{lines}')
    assert batch.rejected[0] == (2, UNCLOSED)
    assert batch.count == 8_000


def test_a_line_without_end_costs_that_line_and_little_memory() -> None:
    splitter = CsvSplitter()
    splitter.feed(b"phone,name\n4155550100,ok\n4155550101,")
    chunks = []
    for _ in range(100):
        chunks += splitter.feed(b"x" * 1_000_000)
        assert len(splitter._rest) <= 1_000_000
    chunks += splitter.feed(b"\n4155550102,ok\n") + splitter.finish()
    rejected = [each for chunk in chunks for each in chunk.rejected]
    assert rejected == [(3, TOO_LONG)]
    last = chunks[-1]
    assert last.data == b"4155550102,ok\n"
    assert last.first_line == 4


def test_a_row_longer_than_allowed_is_refused() -> None:
    long = "x" * (MOST_ROW_OCTETS + 1)
    for quote in ("", '"'):
        batch = load(f"phone,name\n4155550100,{quote}{long}{quote}\n4155550101,ok\n")
        assert list(batch.rejected) == [(2, TOO_LONG)]
        assert batch.count == 1


CELLS = st.text(st.sampled_from("ab ,\";\n\t'|é0"), max_size=8)


@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(st.lists(CELLS, min_size=2, max_size=2), max_size=30),
    cuts=st.lists(st.integers(0, 400), max_size=8),
)
def test_however_a_file_is_cut_its_rows_are_those_of_the_csv_module(
    rows: list[list[str]], cuts: list[int]
) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([["phone", "note"], *rows])
    data = text.getvalue().encode()
    splitter = CsvSplitter()
    pieces = [data[a:b] for a, b in zip([0, *sorted(cuts)], [*sorted(cuts), None], strict=True)]
    chunks = [chunk for piece in pieces for chunk in splitter.feed(piece)] + splitter.finish()
    joined = b"".join(chunk.data for chunk in chunks).decode()
    assert list(csv.reader(io.StringIO(joined))) == rows
    assert sum(chunk.records for chunk in chunks) == len(rows)
    assert sum(chunk.lines for chunk in chunks) == joined.count("\n")


@settings(max_examples=200, deadline=None)
@given(
    data=st.lists(
        st.sampled_from([b'"', b",", b"\n", b"4155550100", b"\xff", b"\0", b"a", b"\r", b"\n\n"])
    ).map(b"".join)
)
def test_no_octets_stop_an_import(data: bytes) -> None:
    batches = import_all([b"phone,name\n", data], SPEC, "i")
    lines = data.count(b"\n") + (not data.endswith(b"\n") and bool(data))
    assert sum(batch.count for batch in batches) <= data.count(b"4155550100")
    assert all(2 <= line <= lines + 1 for batch in batches for line, _ in batch.rejected)
    assert batches == [] or batches[-1].source_lines == lines


# --- duplicates, batches, breaks ---------------------------------------------------------------


def test_a_record_whose_first_number_is_known_is_a_duplicate() -> None:
    batch = load("phone,home\n4155550100,\n4155550101,4155550100\n+14155550100,4155550102\n")
    assert batch.count == 2
    assert list(batch.rejected) == [(4, DUPLICATE)]


def test_a_unique_key_tells_records_apart() -> None:
    batch = load("phone,external_id\n4155550100,a\n4155550100,b\n4155550101,a\n4155550102,\n")
    assert batch.count == 3
    assert list(batch.rejected) == [(4, DUPLICATE)]


def test_duplicates_are_kept_when_asked_for() -> None:
    options = ImportOptions(keep_duplicates=True)
    (batch,) = import_all([b"phone\n4155550100\n4155550100\n"], SPEC, "i", options)
    assert batch.count == 2


def big_file(count: int) -> bytes:
    lines = (f"+1212555{n % 10_000:04d},p{n}\n" for n in range(count))
    return ("phone,key\n" + "".join(lines)).encode()


def run(
    data: bytes, piece: int, done: Sequence[ImportBatch] = (), stop_after: int | None = None
) -> list[ImportBatch]:
    """Import in pieces, going on after batches already stored, up to a break."""
    source = ListImport(SPEC, ImportOptions(), done_batches=len(done))
    builder = BatchBuilder(
        LIST,
        "i",
        sum(batch.count for batch in done),
        known_keys(done),
        done_batches=len(done),
        done_lines=done[-1].source_lines if done else 0,
    )
    batches: list[ImportBatch] = []
    for chunk in chunks_of(source, data, piece):
        batches += builder.add(parse_chunk(chunk, source.get_plan()))
        if stop_after is not None and len(batches) >= stop_after:
            return batches
    return batches + builder.finish()


def chunks_of(source: ListImport, data: bytes, piece: int) -> Iterable[Chunk]:
    for at in range(0, len(data), piece):
        yield from source.feed(data[at : at + piece])
    yield from source.finish()


def test_batches_depend_on_the_file_alone() -> None:
    data = big_file(BATCH_RECORDS * 2 + 500)
    one = run(data, 1 << 20)
    assert [batch.count for batch in one] == [BATCH_RECORDS, BATCH_RECORDS, 500]
    assert [batch.first_row for batch in one] == [0, BATCH_RECORDS, 2 * BATCH_RECORDS]
    assert one[-1].source_lines == BATCH_RECORDS * 2 + 500
    assert run(data, 70_001) == one


@pytest.mark.parametrize("stored", [0, 1, 2])
def test_a_file_sent_again_after_a_break_goes_on_where_it_was(stored: int) -> None:
    data = big_file(BATCH_RECORDS * 2 + 10)
    whole = run(data, 1 << 20)
    done = run(data, 1 << 18, stop_after=stored)[:stored] if stored else []
    again = run(data, 1 << 19, done)
    assert [*done, *again] == whole
    columns = ListColumns()
    for batch in [*done, *again]:
        columns.append(decode(batch.columns))
    assert columns.count == BATCH_RECORDS * 2 + 10
    assert len(NumberSet(columns.keys)) == columns.count


def test_chunks_must_come_in_order() -> None:
    source = ListImport(SPEC, ImportOptions())
    first, second, *_ = [*source.feed(big_file(CHUNK_RECORDS * 2 + 1)), *source.finish()]
    builder = BatchBuilder(LIST, "i", 0, NumberSet())
    with pytest.raises(ValueError, match="expected"):
        builder.add(parse_chunk(second, source.get_plan()))
    assert builder.add(parse_chunk(first, source.get_plan())) == []


def test_a_batch_of_nothing_but_wrong_lines_is_still_a_batch() -> None:
    (batch,) = import_all([b"phone\n" + b"x\n" * 5], SPEC, "i")
    assert (batch.count, len(batch.rejected), batch.source_lines) == (0, 5, 5)


def test_worker_processes_give_the_same() -> None:
    data = big_file(CHUNK_RECORDS * 2)
    source = ListImport(SPEC, ImportOptions())
    chunks = [*source.feed(data), *source.finish()]
    plans = [source.get_plan()] * len(chunks)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        apart = list(pool.map(parse_chunk, chunks, plans))
    here = [parse_chunk(chunk, plans[0]) for chunk in chunks]
    assert [each.extras for each in apart] == [each.extras for each in here]
    assert [same(a.columns, b.columns) for a, b in zip(apart, here, strict=True)] == [True] * 2


def same(left: BatchColumns, right: BatchColumns) -> bool:
    names = ("counts", "numbers", "types", "zones", "priority", "keys")
    arrays = all((getattr(left, name) == getattr(right, name)).all() for name in names)
    return arrays and left.zone_sets == right.zone_sets
