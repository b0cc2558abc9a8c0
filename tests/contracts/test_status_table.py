"""Every kind of refusal has a status, and nothing else gets out."""

from collections.abc import Iterator

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from engine.domain import refusals
from engine.domain.refusals import KINDS, DialerError, EventsExpiredError
from gateway.status import CODES, DOMAIN, FieldFault, InvalidFieldsError, refusal_of, to_status


def descendants(kind: type[DialerError]) -> Iterator[type[DialerError]]:
    for child in kind.__subclasses__():
        yield child
        yield from descendants(child)


REFUSALS = sorted(set(descendants(DialerError)), key=lambda kind: kind.__name__)

STYLE = {
    "InvalidRequestError": grpc.StatusCode.INVALID_ARGUMENT,
    "NotFoundError": grpc.StatusCode.NOT_FOUND,
    "AlreadyExistsError": grpc.StatusCode.ALREADY_EXISTS,
    "NotNowError": grpc.StatusCode.FAILED_PRECONDITION,
    "StaleError": grpc.StatusCode.ABORTED,
    "ExhaustedError": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "PastEndError": grpc.StatusCode.OUT_OF_RANGE,
    "UnavailableError": grpc.StatusCode.UNAVAILABLE,
}


def test_the_table_is_the_one_of_the_style_guide() -> None:
    assert {kind.__name__: code for kind, code in CODES.items()} == STYLE
    assert set(CODES) == set(KINDS)


@pytest.mark.parametrize("kind", REFUSALS, ids=lambda kind: kind.__name__)
def test_every_refusal_descends_from_exactly_one_kind(kind: type[DialerError]) -> None:
    assert sum(issubclass(kind, known) for known in KINDS) == 1
    assert kind.__name__.endswith("Error")


@pytest.mark.parametrize(
    "kind", [kind for kind in REFUSALS if kind is not InvalidFieldsError], ids=lambda k: k.__name__
)
def test_every_refusal_is_told_with_its_slug(kind: type[DialerError]) -> None:
    refused = refusal_of(kind("what is wrong"))
    assert (refused.reason, refused.message) == (kind.slug, "what is wrong")
    assert refused.code is next(code for known, code in CODES.items() if issubclass(kind, known))


def test_slugs_are_unique() -> None:
    slugs = [kind.slug for kind in REFUSALS]
    assert len(slugs) == len(set(slugs))
    assert all(slug == slug.lower().replace("_", "-") for slug in slugs)


def test_a_refusal_without_a_kind_tells_nothing() -> None:
    assert refusal_of(DialerError("secret")).code is grpc.StatusCode.INTERNAL
    assert "secret" not in refusal_of(DialerError("secret")).message


def test_a_bug_is_told_to_no_one() -> None:
    refused = refusal_of(KeyError("+14155550100"))
    assert refused.code is grpc.StatusCode.INTERNAL
    assert "4155550100" not in refused.message


def test_a_question_not_answered_in_time_is_a_deadline() -> None:
    assert refusal_of(TimeoutError()).code is grpc.StatusCode.DEADLINE_EXCEEDED


def test_details_carry_the_slug_as_reason() -> None:
    status = to_status(refusal_of(EventsExpiredError("gone")))
    parsed = status_pb2.Status.FromString(dict(status.trailing_metadata)["grpc-status-details-bin"])
    info = error_details_pb2.ErrorInfo()
    assert parsed.details[0].Unpack(info)
    assert (info.reason, info.domain) == ("events-expired", DOMAIN)


def test_details_name_the_fields_that_are_wrong() -> None:
    error = InvalidFieldsError((FieldFault("campaign.mode", "is not a mode"),))
    status = to_status(refusal_of(error))
    parsed = status_pb2.Status.FromString(dict(status.trailing_metadata)["grpc-status-details-bin"])
    bad = error_details_pb2.BadRequest()
    assert parsed.details[1].Unpack(bad)
    assert bad.field_violations[0].field == "campaign.mode"


def test_kinds_are_those_of_the_domain() -> None:
    direct = {kind for kind in vars(refusals).values() if _is_direct(kind)}
    assert direct == set(KINDS)


def _is_direct(kind: object) -> bool:
    return isinstance(kind, type) and DialerError in kind.__bases__
