"""What an importer says of a file's columns is what the header reader understands."""

import pytest

from engine.domain.refusals import InvalidRequestError
from engine.lists.header import map_header
from gateway.convert.imports import role_of, to_errors, to_options
from gateway.pb.paceline.v1 import lists_pb2 as pb

ROLES = [value for name, value in pb.ColumnRole.items() if value]


@pytest.mark.parametrize("role", ROLES, ids=pb.ColumnRole.Name)
@pytest.mark.parametrize("field", ["", "mobile"])
def test_every_role_of_the_wire_is_understood(role: "pb.ColumnRole.ValueType", field: str) -> None:
    mapping = pb.ColumnMapping(column="A", role=role, field=field)
    named = map_header(["A", "phone"], {"A": role_of(mapping)})
    assert named.columns == 2


def test_a_phone_type_and_a_field_name_are_kept() -> None:
    header = pb.ImportHeader(
        mapping=[
            pb.ColumnMapping(column="A", role=pb.COLUMN_ROLE_PHONE, field="home"),
            pb.ColumnMapping(column="B", role=pb.COLUMN_ROLE_CUSTOM, field="city"),
            pb.ColumnMapping(column="C", role=pb.COLUMN_ROLE_IGNORED),
        ],
        keep_duplicates=True,
        zones_together=True,
    )
    options = to_options(header)
    fields = map_header(["A", "B", "C"], options.roles)
    assert (fields.phones, fields.fields) == (((0, "home"),), ((1, "city"),))
    assert options.keep_duplicates
    assert options.zones_together


def test_a_column_mapped_twice_is_refused() -> None:
    mapping = pb.ColumnMapping(column="A", role=pb.COLUMN_ROLE_NAME)
    with pytest.raises(InvalidRequestError, match="twice"):
        to_options(pb.ImportHeader(mapping=[mapping, mapping]))


def test_refused_lines_keep_their_order() -> None:
    told = to_errors([(2, "no number"), (9, "unknown zone")])
    assert [(item.line, item.message) for item in told] == [(2, "no number"), (9, "unknown zone")]
