"""An update changes what its mask names, and nothing else."""

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from engine.domain.refusals import InvalidRequestError
from gateway.convert.masks import merged
from gateway.pb.paceline.v1 import campaigns_pb2 as pb

PRESENT = pb.Campaign(
    name="campaigns/c1",
    display_name="June",
    mode=pb.MODE_PREDICTIVE,
    teams=["teams/a", "teams/b"],
    max_level=2.0,
    etag="7",
    run_state=pb.RUN_STATE_RUNNING,
)


def test_without_a_mask_the_fields_that_are_set_change() -> None:
    result = merged(PRESENT, pb.Campaign(teams=["teams/c"], etag="3"), FieldMask())
    assert list(result.teams) == ["teams/c"]
    assert (result.display_name, result.etag) == ("June", "7")


def test_a_masked_field_that_is_not_set_gets_its_default() -> None:
    mask = FieldMask(paths=["max_level", "display_name"])
    result = merged(PRESENT, pb.Campaign(display_name="July"), mask)
    assert result.display_name == "July"
    assert not result.HasField("max_level")
    assert result.mode == pb.MODE_PREDICTIVE


def test_a_star_changes_all_but_what_the_server_tells() -> None:
    result = merged(PRESENT, pb.Campaign(display_name="July"), FieldMask(paths=["*"]))
    assert result == pb.Campaign(
        name="campaigns/c1", display_name="July", etag="7", run_state=pb.RUN_STATE_RUNNING
    )


def test_what_the_server_tells_is_passed_over() -> None:
    update = pb.Campaign(run_state=pb.RUN_STATE_IDLE, name="campaigns/other")
    assert merged(PRESENT, update, FieldMask(paths=["run_state", "name"])) == PRESENT


def test_the_present_value_is_left_as_it_is() -> None:
    before = PRESENT.SerializeToString(deterministic=True)
    merged(PRESENT, pb.Campaign(display_name="July"), FieldMask())
    assert PRESENT.SerializeToString(deterministic=True) == before


@pytest.mark.parametrize("path", ["nothing", "calling_hours.opens", "", "Mode"])
def test_a_field_that_does_not_exist_is_refused(path: str) -> None:
    with pytest.raises(InvalidRequestError, match="update_mask"):
        merged(PRESENT, pb.Campaign(), FieldMask(paths=[path]))
