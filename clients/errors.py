"""What went wrong with a call of the API, in words that programs and people can use."""

import contextlib

import grpc
import grpc.aio
from google.rpc import code_pb2, error_details_pb2, status_pb2

_DETAILS = "grpc-status-details-bin"


class PacelineError(Exception):
    """A request was not carried out.

    Attributes:
        slug: Stable reason, such as ``unknown-campaign``; programs rely on it.
        message: What is wrong, for a person.
        code: The gRPC status code's name, such as ``NOT_FOUND``.
    """

    def __init__(self, slug: str, message: str, code: str) -> None:
        super().__init__(f"{slug}: {message}")
        self.slug = slug
        self.message = message
        self.code = code

    @property
    def passing(self) -> bool:
        """Whether the same request may succeed later without a change."""
        return self.code in {"UNAVAILABLE", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED"}


def error_of(error: grpc.aio.AioRpcError, server: str) -> PacelineError:
    """Return what a failed call says.

    Args:
        error: What gRPC raised.
        server: Address of the server, for errors that come from no server.
    """
    status = _status_in(error)
    code: str = error.code().name
    message: str = error.details() or code.lower().replace("_", " ")
    if status is not None:
        for detail in status.details:
            info = error_details_pb2.ErrorInfo()
            if detail.Is(info.DESCRIPTOR) and detail.Unpack(info):
                return PacelineError(info.reason, status.message, code)
    if error.code() is grpc.StatusCode.UNAVAILABLE:
        return PacelineError("unreachable", f"no answer from {server}: {message}", code)
    return PacelineError(code.lower().replace("_", "-"), message, code)


def refused(slug: str, message: str) -> PacelineError:
    """Return an error for a command that a stream refused."""
    return PacelineError(slug, message, code_pb2.Code.Name(code_pb2.FAILED_PRECONDITION))


def _status_in(error: grpc.aio.AioRpcError) -> status_pb2.Status | None:
    for key, value in error.trailing_metadata() or ():
        if key == _DETAILS and isinstance(value, bytes):
            with contextlib.suppress(Exception):  # a foreign server may send anything
                return status_pb2.Status.FromString(value)
    return None
