"""What the columns of a file mean: by their names, or as the importer says."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.domain.refusals import InvalidRequestError
from engine.lists.columns import MOST_NUMBERS
from engine.lists.text import clean

MOST_COLUMNS = 256
_PHONE_WORDS = {
    "phone": "phone",
    "phonenumber": "phone",
    "telephone": "phone",
    "telephonenumber": "phone",
    "tel": "phone",
    "number": "phone",
    "msisdn": "phone",
    "mobile": "mobile",
    "mobilephone": "mobile",
    "phonemobile": "mobile",
    "mobilenumber": "mobile",
    "cell": "mobile",
    "cellphone": "mobile",
    "home": "home",
    "homephone": "home",
    "phonehome": "home",
    "work": "work",
    "workphone": "work",
    "phonework": "work",
    "office": "work",
    "business": "work",
    "businessphone": "work",
    "other": "other",
    "otherphone": "other",
}
_ROLE_WORDS = {
    "name": "name",
    "fullname": "name",
    "firstname": "name",
    "lastname": "name",
    "givenname": "name",
    "surname": "name",
    "familyname": "name",
    "zone": "zone",
    "timezone": "zone",
    "tz": "zone",
    "priority": "priority",
    "externalid": "key",
    "uniquekey": "key",
    "uniqueid": "key",
    "recordid": "key",
    "key": "key",
    "id": "key",
}
_SINGLE = ("zone", "priority", "key")
_PHONE_TYPE = re.compile(r"[a-z0-9][a-z0-9-]{0,30}")


@dataclass(frozen=True, slots=True)
class FieldMap:
    """Which column of a file holds what.

    Attributes:
        columns: Columns of the header.
        phones: Column and phone type of each number, in order of preference.
        names: Columns that together are the name.
        zone: Column of the time zone, -1: none.
        priority: Column of the priority flag, -1: none.
        key: Column of the unique key, -1: none.
        fields: Column and name of each custom field.
    """

    columns: int
    phones: tuple[tuple[int, str], ...]
    names: tuple[int, ...]
    zone: int
    priority: int
    key: int
    fields: tuple[tuple[int, str], ...]


def map_header(header: Sequence[str], roles: Mapping[str, str]) -> FieldMap:
    """Return what the columns of a header mean.

    Args:
        header: Names of the columns.
        roles: By column name, what its name does not tell: ``phone``, ``phone:TYPE``, ``name``,
            ``zone``, ``priority``, ``key``, ``field``, ``field:NAME`` or ``skip``.

    Raises:
        InvalidRequestError: No phone column, one role twice, or a role or column unknown.
    """
    if len(header) > MOST_COLUMNS:
        raise _refusal(f"the header has {len(header)} columns; at most {MOST_COLUMNS} are read")
    unknown = sorted(set(roles) - {cell.strip() for cell in header})
    if unknown:
        raise _refusal(f"the header has no column {unknown[0]!r}")
    by_role: dict[str, list[tuple[int, str]]] = {}
    for place, cell in enumerate(header):
        role, _, detail = _role_of(cell.strip(), roles).partition(":")
        by_role.setdefault(role, []).append((place, detail))
    for role in _SINGLE:
        if len(by_role.get(role, ())) > 1:
            twice = ", ".join(repr(clean(header[place])) for place, _ in by_role[role])
            raise _refusal(f"more than one column is the {role}: {twice}")
    phones = tuple(by_role.get("phone", ()))
    if not phones:
        names = ", ".join(repr(clean(cell)[:40]) for cell in header[:20])
        raise _refusal(f"no column holds telephone numbers; the header has {names}")
    if len(phones) > MOST_NUMBERS:
        raise _refusal(f"{len(phones)} columns hold numbers; at most {MOST_NUMBERS} are read")
    return FieldMap(
        columns=len(header),
        phones=phones,
        names=tuple(place for place, _ in by_role.get("name", ())),
        zone=_single(by_role, "zone"),
        priority=_single(by_role, "priority"),
        key=_single(by_role, "key"),
        fields=tuple(by_role.get("field", ())),
    )


def _role_of(cell: str, roles: Mapping[str, str]) -> str:
    """Return ``role:detail`` of a column."""
    given = roles.get(cell)
    word = re.sub(r"[^a-z0-9]", "", cell.lower())
    if given is None:
        stem = word.rstrip("0123456789")
        if stem in _PHONE_WORDS:
            return f"phone:{_PHONE_WORDS[stem]}"
        return _ROLE_WORDS.get(word) or f"field:{_field_name(cell)}"
    role, _, detail = given.partition(":")
    if role == "phone" and _PHONE_TYPE.fullmatch(detail or "phone"):
        return f"phone:{detail or 'phone'}"
    if role == "field":
        return f"field:{_field_name(detail or cell)}"
    if role in {"name", "zone", "priority", "key", "skip"} and not detail:
        return role
    raise _refusal(
        f"column {clean(cell)!r}: {given!r} is no role; known are phone, phone:TYPE, name, zone, "
        "priority, key, field, field:NAME and skip"
    )


def _field_name(cell: str) -> str:
    return clean(cell)[:63] or "field"


def _single(by_role: Mapping[str, list[tuple[int, str]]], role: str) -> int:
    found = by_role.get(role)
    return found[0][0] if found else -1


def _refusal(text: str) -> InvalidRequestError:
    return InvalidRequestError(text, slug="invalid-header")
