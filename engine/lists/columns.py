"""What a list holds of its records, as columns: numbers, phone types, candidate zones, keys.

Names and custom fields are not here; they stay in the store.
"""

import mmap
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.domain.refusals import InvalidRequestError

MOST_NUMBERS = 8
"""Numbers a record may have."""
_VERSION = 1
_NO_TYPE = 255
_MAPPED_OCTETS = 1 << 20

U8 = NDArray[np.uint8]
U32 = NDArray[np.uint32]
U64 = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class BatchColumns:
    """The columns of some records that join a list together.

    Attributes:
        counts: Numbers of each record, shape (R,), 1 to 8.
        numbers: E.164 digits of all numbers, record after record, shape (N,).
        types: Index into ``type_names`` of each number, shape (N,).
        zones: Index into ``zone_sets`` of each record, shape (R,).
        priority: 1 for records that go first at their first attempt, shape (R,).
        keys: What tells records apart (see ``importing``), shape (R,).
        type_names: Phone types met.
        zone_sets: Sets of candidate zones met; the empty one means unknown.
    """

    counts: U8
    numbers: U64
    types: U8
    zones: U32
    priority: U8
    keys: U64
    type_names: tuple[str, ...]
    zone_sets: tuple[tuple[str, ...], ...]

    def __len__(self) -> int:
        return len(self.counts)


def select(columns: BatchColumns, keep: NDArray[np.bool_]) -> BatchColumns:
    """Return the columns of the records that are to be kept, shape of ``keep`` (R,)."""
    of_number = np.repeat(keep, columns.counts)
    return BatchColumns(
        counts=columns.counts[keep],
        numbers=columns.numbers[of_number],
        types=columns.types[of_number],
        zones=columns.zones[keep],
        priority=columns.priority[keep],
        keys=columns.keys[keep],
        type_names=columns.type_names,
        zone_sets=columns.zone_sets,
    )


def join(parts: Sequence[BatchColumns]) -> BatchColumns:
    """Return the columns of several parts, in order, as one."""
    types: Interned[str] = Interned()
    zones: Interned[tuple[str, ...]] = Interned()
    type_columns, zone_columns = [], []
    for part in parts:
        type_codes = np.array([types.code(name) for name in part.type_names], np.uint8)
        zone_codes = np.array([zones.code(each) for each in part.zone_sets], np.uint32)
        type_columns.append(type_codes[part.types])
        zone_columns.append(zone_codes[part.zones])
    return BatchColumns(
        counts=_joined([part.counts for part in parts], np.uint8),
        numbers=_joined([part.numbers for part in parts], np.uint64),
        types=_joined(type_columns, np.uint8),
        zones=_joined(zone_columns, np.uint32),
        priority=_joined([part.priority for part in parts], np.uint8),
        keys=_joined([part.keys for part in parts], np.uint64),
        type_names=tuple(types.values),
        zone_sets=tuple(zones.values),
    )


def _joined(parts: Sequence[NDArray[Any]], dtype: Any) -> NDArray[Any]:  # Any: any numpy dtype
    return np.concatenate(parts) if parts else np.zeros(0, dtype)


class _Blob(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How columns are stored: each array as dtype and little-endian octets."""

    version: int
    arrays: dict[str, tuple[str, bytes]]
    type_names: tuple[str, ...]
    zone_sets: tuple[tuple[str, ...], ...]


_ARRAYS = {
    "counts": "<u1",
    "numbers": "<u8",
    "types": "<u1",
    "zones": "<u4",
    "priority": "<u1",
    "keys": "<u8",
}
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Blob)


def encode(columns: BatchColumns) -> bytes:
    """Return columns as one self-describing blob."""
    arrays = {
        name: (dtype, np.asarray(getattr(columns, name), dtype).tobytes())
        for name, dtype in _ARRAYS.items()
    }
    return _encoder.encode(_Blob(_VERSION, arrays, columns.type_names, columns.zone_sets))


def decode(blob: bytes) -> BatchColumns:
    """Return the columns that a blob holds.

    Raises:
        InvalidRequestError: The blob is damaged, or of another version.
    """
    try:
        stored = _decoder.decode(blob)
        if stored.version != _VERSION:
            raise ValueError(f"version {stored.version}")
        arrays: dict[str, Any] = {}  # Any: numpy's dtypes differ by name, as in _ARRAYS
        for name, dtype in _ARRAYS.items():
            if stored.arrays[name][0] != dtype:
                raise ValueError(f"{name} is {stored.arrays[name][0]}")
            arrays[name] = np.frombuffer(stored.arrays[name][1], dtype)
        columns = BatchColumns(**arrays, type_names=stored.type_names, zone_sets=stored.zone_sets)
        _check(columns)
    except (msgspec.MsgspecError, KeyError, ValueError) as error:
        raise InvalidRequestError(
            f"records of a batch are unreadable: {error}", slug="damaged-batch"
        ) from error
    return columns


def _check(columns: BatchColumns) -> None:
    records = len(columns.counts)
    if not len(columns.zones) == len(columns.priority) == len(columns.keys) == records:
        raise ValueError("columns of different lengths")
    numbers = int(columns.counts.sum())
    if not len(columns.numbers) == len(columns.types) == numbers:
        raise ValueError("numbers do not match their counts")
    if records and not 1 <= columns.counts.min() <= columns.counts.max() <= MOST_NUMBERS:
        raise ValueError(f"a record has none or more than {MOST_NUMBERS} numbers")
    if numbers and columns.types.max() >= len(columns.type_names):
        raise ValueError("a phone type without a name")
    if records and columns.zones.max() >= len(columns.zone_sets):
        raise ValueError("a zone set without zones")


T = TypeVar("T", bound=Hashable)


class Interned(Generic[T]):
    """Values by small numbers, in order of their first appearance."""

    __slots__ = ("_codes", "values")

    def __init__(self) -> None:
        self._codes: dict[T, int] = {}
        self.values: list[T] = []

    def code(self, value: T) -> int:
        """Return a value's number, a new one if it was never met."""
        code = self._codes.get(value)
        if code is None:
            code = self._codes[value] = len(self.values)
            self.values.append(value)
        return code


class Grown:
    """A column that grows at its end without being copied, so that growing never holds the loop.

    From a megabyte on it lies in an anonymous mapping, which the system enlarges in place or moves
    by its page tables; capacity not yet used costs no memory.
    """

    __slots__ = ("_array", "_map", "_used")

    def __init__(self, dtype: Any) -> None:  # Any: any numpy dtype
        self._array: NDArray[Any] = np.zeros(1_024, dtype)
        self._map: mmap.mmap | None = None
        self._used = 0

    @property
    def used(self) -> NDArray[Any]:
        """The column up to its end; a view, to be asked for anew after the column has grown."""
        return self._array[: self._used]

    def extend(self, values: NDArray[Any]) -> None:
        """Add values at the end."""
        begin = self._used
        self.grow(len(values))
        self._array[begin : self._used] = values

    def grow(self, count: int) -> None:
        """Add zeros at the end."""
        self._used += count
        if self._used > len(self._array):
            self._enlarge(max(self._used, 2 * len(self._array)))

    def _enlarge(self, capacity: int) -> None:
        dtype, octets = self._array.dtype, capacity * self._array.itemsize
        if octets < _MAPPED_OCTETS:
            self._copy_into(np.zeros(capacity, dtype))
        elif self._map is None or not self._remap(octets):
            # Private: the system cannot enlarge a shared mapping that no file stands behind.
            mapped = mmap.mmap(-1, octets, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
            self._copy_into(np.frombuffer(mapped, dtype))
            self._map = mapped

    def _copy_into(self, larger: NDArray[Any]) -> None:
        larger[: len(self._array)] = self._array
        self._array = larger

    def _remap(self, octets: int) -> bool:
        """Enlarge the mapping; return whether that worked."""
        dtype, mapped = self._array.dtype, self._map
        if mapped is None:
            return False
        self._array = np.zeros(0, dtype)
        try:
            mapped.resize(octets)
            resized = True
        except (BufferError, ValueError, SystemError, OSError):
            resized = False  # someone holds a view, or the system has no mremap: copy instead
        self._array = np.frombuffer(mapped, dtype)
        return resized


class ListColumns:
    """All records of one list. Rows are never removed or reused.

    Attributes:
        types: Phone types by code.
        zone_sets: Sets of candidate zones by code.
        shapes: Sequences of phone-type codes, one per number, by code.
    """

    __slots__ = (
        "_first",
        "_keys",
        "_number_types",
        "_numbers",
        "_priority",
        "_shape",
        "_zones",
        "count",
        "shapes",
        "types",
        "zone_sets",
    )

    def __init__(self) -> None:
        self.types: Interned[str] = Interned()
        self.zone_sets: Interned[tuple[str, ...]] = Interned()
        self.shapes: Interned[tuple[int, ...]] = Interned()
        self.count = 0
        self._first = Grown(np.uint32)
        self._first.grow(1)
        self._numbers = Grown(np.uint64)
        self._number_types = Grown(np.uint8)
        self._zones = Grown(np.uint32)
        self._shape = Grown(np.uint16)
        self._priority = Grown(np.bool_)
        self._keys = Grown(np.uint64)

    def append(self, batch: BatchColumns) -> range:
        """Add records at the end; return their rows."""
        rows = range(self.count, self.count + len(batch))
        if not rows:
            return rows
        type_codes = np.array([self.types.code(name) for name in batch.type_names], np.uint8)
        zone_codes = np.array([self.zone_sets.code(zones) for zones in batch.zone_sets], np.uint32)
        types = type_codes[batch.types]
        ends = np.cumsum(batch.counts, dtype=np.uint32) + self._first.used[-1]
        self._shape.extend(self._shapes_of(batch.counts, types))
        self._first.extend(ends)
        self._numbers.extend(batch.numbers)
        self._number_types.extend(types)
        self._zones.extend(zone_codes[batch.zones])
        self._priority.extend(batch.priority)
        self._keys.extend(batch.keys)
        self.count = rows.stop
        return rows

    def _shapes_of(self, counts: U8, types: U8) -> NDArray[np.uint16]:
        """Return the code of each record's sequence of phone types."""
        packed = np.zeros(len(counts), np.uint64)
        begins = np.cumsum(counts) - counts
        for place in range(int(counts.max())):
            has = counts > place
            octets = np.full(len(counts), _NO_TYPE, np.uint64)
            octets[has] = types[begins[has] + place]
            packed |= octets << np.uint64(8 * place)
        for place in range(int(counts.max()), MOST_NUMBERS):
            packed |= np.uint64(_NO_TYPE << (8 * place))
        met, inverse = np.unique(packed, return_inverse=True)
        codes = [
            self.shapes.code(tuple(code for code in value.tobytes() if code != _NO_TYPE))
            for value in met.astype("<u8")
        ]
        return np.array(codes, np.uint16)[inverse]

    @property
    def first(self) -> U32:
        """Place of each record's first number, and at the end the count of numbers, (R + 1,)."""
        return self._first.used

    @property
    def numbers(self) -> U64:
        """E.164 digits, shape (N,)."""
        return self._numbers.used

    @property
    def number_types(self) -> U8:
        """Code of each number's phone type, shape (N,)."""
        return self._number_types.used

    @property
    def zones(self) -> U32:
        """Code of each record's zone set, shape (R,)."""
        return self._zones.used

    @property
    def shape(self) -> NDArray[np.uint16]:
        """Code of each record's sequence of phone types, shape (R,)."""
        return self._shape.used

    @property
    def priority(self) -> NDArray[np.bool_]:
        """Records that go first at their first attempt, shape (R,)."""
        return self._priority.used

    @property
    def keys(self) -> U64:
        """What tells records apart, shape (R,)."""
        return self._keys.used
