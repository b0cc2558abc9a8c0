"""What every call passes on its way in and out: permission, rules, deadlines, errors, log.

One interceptor, so that the order of these is read in one place. Health and reflection pass
untouched. Messages of a client's stream are checked by the service, which can refuse one of them
and go on.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import grpc
import grpc.aio
import structlog
from google.protobuf.message import Message
from protovalidate import FieldPathPb, Validator

from engine.domain.refusals import DialerError
from gateway.access import Policy, admit
from gateway.cutoff import cut_off
from gateway.identity import caller_of, principal_of
from gateway.status import FieldFault, InvalidFieldsError, Refused, refusal_of, to_status
from gateway.streams import SlowReaderError, write_all

PREFIX = "/paceline.v1."
SHARED = frozenset({"/paceline.v1.MetricsService/WatchMetrics"})
"""Methods that send the very same message, never changed again, to many readers."""

_log = structlog.get_logger("gateway")

# Any: handlers of all methods pass here, each with message types of its own.
if TYPE_CHECKING:  # gRPC's classes take type parameters in their stubs alone
    Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]
    Handler: TypeAlias = grpc.RpcMethodHandler[Any, Any]
    Run: TypeAlias = Callable[[Any, Context], Awaitable[object]]
    Stream: TypeAlias = Callable[[Any, Context], AsyncIterator[object]]


_validator = Validator()


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Longest waits of the edge.

    Attributes:
        call_s: A call without streams whose client sets no deadline. [s]
        write_s: One message to a reader of a stream. [s]
    """

    call_s: float = 10.0
    write_s: float = 10.0


def check_rules(message: Message) -> None:
    """Check a message against the rules that the .proto states.

    Raises:
        InvalidFieldsError: With every field that breaks one.
    """
    violations = _validator.collect_violations(message)
    if violations:
        raise InvalidFieldsError(
            tuple(
                FieldFault(
                    _path(violation.proto.field) or "message",
                    violation.proto.message or violation.proto.rule_id,
                )
                for violation in violations
            )
        )


def _path(field: FieldPathPb | None) -> str:
    return ".".join(element.field_name for element in field.elements) if field else ""


class EdgeInterceptor(grpc.aio.ServerInterceptor):
    """Checks permission and rules, keeps deadlines, tells refusals and logs faults whole."""

    def __init__(self, policy: Policy, deadlines: Deadlines) -> None:
        self._policy = policy
        self._deadlines = deadlines

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        """Return the method's handler with the edge around it."""
        handler = await continuation(handler_call_details)
        method = handler_call_details.method
        if handler is None or not method.startswith(PREFIX):
            return handler
        return self._wrap(method, handler)

    def _wrap(self, method: str, handler: Handler) -> Handler:
        coders = {
            "request_deserializer": handler.request_deserializer,
            "response_serializer": handler.response_serializer,
        }
        if method in SHARED:
            coders["response_serializer"] = _once(handler.response_serializer)
        # The stubs type handlers as those of the synchronous server, hence the casts.
        if handler.stream_stream is not None:
            behavior = self._streaming(method, cast("Stream", handler.stream_stream), checked=False)
            return grpc.stream_stream_rpc_method_handler(behavior, **coders)
        if handler.unary_stream is not None:
            behavior = self._streaming(method, cast("Stream", handler.unary_stream), checked=True)
            return grpc.unary_stream_rpc_method_handler(behavior, **coders)
        if handler.unary_unary is None:
            raise TypeError(f"{method} streams requests into one response; the API has no such")
        run = self._unary(method, cast("Run", handler.unary_unary))
        return grpc.unary_unary_rpc_method_handler(run, **coders)

    def _unary(self, method: str, inner: Run) -> Run:
        async def run(request: Message, context: Context) -> object:
            async def call() -> object:
                check_rules(request)
                remaining_s: float | None = context.time_remaining()
                limit_s = self._deadlines.call_s
                async with asyncio.timeout(limit_s if remaining_s is None else remaining_s):
                    return await inner(request, context)

            return await self._guard(method, context, call)

        return run

    def _streaming(self, method: str, inner: Stream, *, checked: bool) -> Run:
        async def run(request: Any, context: Context) -> object:
            async def call() -> None:
                if checked:
                    check_rules(request)
                await write_all(inner(request, context), context.write, self._deadlines.write_s)

            return await self._guard(method, context, call)

        return run

    async def _guard(
        self, method: str, context: Context, call: Callable[[], Awaitable[object]]
    ) -> object:
        began_s = time.monotonic()
        refused = self._denied(method, context)
        if refused is None:
            try:
                return await call()
            except SlowReaderError as error:
                _log.warning("slow_reader", method=method, peer=context.peer(), error=str(error))
                cut_off(context.peer())
                refused = Refused(grpc.StatusCode.RESOURCE_EXHAUSTED, "slow-reader", str(error))
            except (DialerError, TimeoutError) as error:
                refused = refusal_of(error)
            except Exception as error:  # noqa: BLE001 - a bug in one call must end that call alone
                _log.exception("call_failed", method=method)
                refused = refusal_of(error)
        _log.info(
            "call_refused",
            method=method,
            peer=context.peer(),
            code=refused.code.name,
            reason=refused.reason,
            took_s=round(time.monotonic() - began_s, 6),
        )
        return await context.abort_with_status(to_status(refused))

    def _denied(self, method: str, context: Context) -> Refused | None:
        try:
            caller_of(context)
        except DialerError as error:
            return refusal_of(error)
        return admit(self._policy, method, principal_of(context))


def _once(serialize: Callable[[Any], bytes] | None) -> Callable[[Any], bytes]:
    """Return a serializer that does not repeat itself for the message it had last."""
    last: tuple[object, bytes] = (None, b"")

    def run(message: Any) -> bytes:
        nonlocal last
        if last[0] is not message and serialize is not None:
            last = (message, serialize(message))
        return last[1]

    return run
