"""How refusals look on the wire: one table from kinds to status codes, and the slug as reason."""

from dataclasses import dataclass

import grpc
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from engine.domain.refusals import (
    AlreadyExistsError,
    DialerError,
    ExhaustedError,
    InvalidRequestError,
    NotFoundError,
    NotNowError,
    PastEndError,
    StaleError,
    UnavailableError,
)

DOMAIN = "paceline"
"""Domain of every ``ErrorInfo``."""

CODES: dict[type[DialerError], grpc.StatusCode] = {
    InvalidRequestError: grpc.StatusCode.INVALID_ARGUMENT,
    NotFoundError: grpc.StatusCode.NOT_FOUND,
    AlreadyExistsError: grpc.StatusCode.ALREADY_EXISTS,
    NotNowError: grpc.StatusCode.FAILED_PRECONDITION,
    StaleError: grpc.StatusCode.ABORTED,
    ExhaustedError: grpc.StatusCode.RESOURCE_EXHAUSTED,
    PastEndError: grpc.StatusCode.OUT_OF_RANGE,
    UnavailableError: grpc.StatusCode.UNAVAILABLE,
}
"""Status code of each kind of refusal."""


@dataclass(frozen=True, slots=True)
class FieldFault:
    """What is wrong with one field of a request.

    Attributes:
        field: Path of the field, such as ``campaign.mode``.
        message: What is wrong, for a person.
    """

    field: str
    message: str


class InvalidFieldsError(InvalidRequestError):
    """Fields of the message break the rules that the .proto states."""

    slug = "invalid-fields"

    def __init__(self, faults: tuple[FieldFault, ...]) -> None:
        super().__init__("; ".join(f"{fault.field}: {fault.message}" for fault in faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal as the wire tells it.

    Attributes:
        code: Status code.
        reason: Slug that clients may rely on.
        message: What is wrong, for a person.
        faults: Faults by field, if that is what is wrong.
    """

    code: grpc.StatusCode
    reason: str
    message: str
    faults: tuple[FieldFault, ...] = ()


def refusal_of(error: BaseException) -> Refused:
    """Return how an error is told; what is no refusal is a bug and is told to no one.

    Args:
        error: What the method raised.
    """
    if isinstance(error, TimeoutError):
        message = "the engine did not answer in time; the command may still be carried out"
        return Refused(grpc.StatusCode.DEADLINE_EXCEEDED, "deadline-exceeded", message)
    if not isinstance(error, DialerError):
        message = "an error inside the engine; its log tells more"
        return Refused(grpc.StatusCode.INTERNAL, "internal", message)
    code = next((CODES[kind] for kind in type(error).__mro__ if kind in CODES), None)
    if code is None:
        return Refused(grpc.StatusCode.INTERNAL, "internal", "a refusal of no known kind")
    faults = error.faults if isinstance(error, InvalidFieldsError) else ()
    return Refused(code, error.slug, error.message, faults)


def to_status(refused: Refused) -> "rpc_status._Status":
    """Return the status with its details, as ``abort_with_status`` takes it (AIP-193)."""
    number: int = refused.code.value[0]
    status = status_pb2.Status(code=number, message=refused.message)
    details = [error_details_pb2.ErrorInfo(reason=refused.reason, domain=DOMAIN)]
    status.details.extend(_packed(detail) for detail in details)
    if refused.faults:
        violations = [
            error_details_pb2.BadRequest.FieldViolation(
                field=fault.field, description=fault.message
            )
            for fault in refused.faults
        ]
        status.details.append(_packed(error_details_pb2.BadRequest(field_violations=violations)))
    return rpc_status.to_status(status)


def _packed(detail: error_details_pb2.ErrorInfo | error_details_pb2.BadRequest) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(detail)
    return packed
