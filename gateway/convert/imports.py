"""Imports between the wire and ``engine.lists``."""

from collections.abc import Iterable

from engine.domain.refusals import InvalidRequestError
from engine.lists.importing import ImportOptions
from gateway.pb.paceline.v1 import lists_pb2 as pb

_WITH_FIELD = {pb.COLUMN_ROLE_PHONE: "phone", pb.COLUMN_ROLE_CUSTOM: "field"}
_PLAIN = {
    pb.COLUMN_ROLE_ZONE: "zone",
    pb.COLUMN_ROLE_NAME: "name",
    pb.COLUMN_ROLE_KEY: "key",
    pb.COLUMN_ROLE_PRIORITY: "priority",
    pb.COLUMN_ROLE_IGNORED: "skip",
}


def to_options(header: pb.ImportHeader) -> ImportOptions:
    """Return how a file is to be read.

    Raises:
        InvalidRequestError: A column is mapped twice.
    """
    roles: dict[str, str] = {}
    for mapping in header.mapping:
        if mapping.column in roles:
            raise InvalidRequestError(
                f"column {mapping.column[:80]!r} is mapped twice", slug="invalid-header"
            )
        roles[mapping.column] = role_of(mapping)
    return ImportOptions(
        roles=roles, keep_duplicates=header.keep_duplicates, zones_together=header.zones_together
    )


def role_of(mapping: pb.ColumnMapping) -> str:
    """Return a column's role as ``engine.lists.header`` names it."""
    if mapping.role in _WITH_FIELD:
        role = _WITH_FIELD[mapping.role]
        return f"{role}:{mapping.field}" if mapping.field else role
    return _PLAIN[mapping.role]


def to_errors(errors: Iterable[tuple[int, str]]) -> list[pb.ImportError]:
    """Return refused lines."""
    return [pb.ImportError(line=line, message=message) for line, message in errors]
