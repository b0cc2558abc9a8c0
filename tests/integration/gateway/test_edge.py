"""What every call passes: rules, deadlines, refusals, limits, and the end of dead readers."""

import asyncio
import signal
import sys
from typing import Any

import grpc
import grpc.aio
import pytest
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_status import rpc_status

from engine.domain.refusals import InvalidRequestError
from gateway.cutoff import cut_off
from gateway.interceptors import Deadlines
from gateway.pb.paceline.v1 import (
    campaigns_pb2,
    campaigns_pb2_grpc,
    dnc_pb2,
    dnc_pb2_grpc,
    events_pb2,
    events_pb2_grpc,
)
from gateway.server import Gateway, Limits, is_loopback
from gateway.status import Refused
from tests.integration.gateway.conftest import Dnc, Events
from tests.support.load import PATIENCE_S

pytestmark = pytest.mark.asyncio


async def refusal(call: Any) -> tuple[grpc.StatusCode, str]:
    """Status code and slug that a call is refused with."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    status = rpc_status.from_call(caught.value)
    info = error_details_pb2.ErrorInfo()
    assert status is not None
    assert status.details[0].Unpack(info)
    assert info.domain == "paceline"
    return caught.value.code(), info.reason


def check(number: str) -> dnc_pb2.CheckDncNumberRequest:
    return dnc_pb2.CheckDncNumberRequest(number=number)


async def test_a_sound_call_is_answered(channel: grpc.aio.Channel) -> None:
    answer = await dnc_pb2_grpc.DncServiceStub(channel).CheckDncNumber(check("+14155550100"))
    assert answer.listed


async def test_a_refusal_is_told_with_its_slug(channel: grpc.aio.Channel) -> None:
    stub = dnc_pb2_grpc.DncServiceStub(channel)
    assert await refusal(stub.CheckDncNumber(check("refuse"))) == (
        grpc.StatusCode.UNAVAILABLE,
        "draining",
    )


async def test_a_bug_is_told_to_no_one_and_the_server_lives(channel: grpc.aio.Channel) -> None:
    stub = dnc_pb2_grpc.DncServiceStub(channel)
    assert await refusal(stub.CheckDncNumber(check("fail"))) == (
        grpc.StatusCode.INTERNAL,
        "internal",
    )
    assert (await stub.CheckDncNumber(check("x"))).listed


async def test_a_call_without_a_deadline_gets_ours() -> None:
    gateway = Gateway(
        [lambda server: dnc_pb2_grpc.add_DncServiceServicer_to_server(Dnc(), server)],
        listen="127.0.0.1:0",
        limits=Limits(deadlines=Deadlines(call_s=0.3)),
    )
    port = await gateway.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = dnc_pb2_grpc.DncServiceStub(channel)
        assert await refusal(stub.CheckDncNumber(check("hang"))) == (
            grpc.StatusCode.DEADLINE_EXCEEDED,
            "deadline-exceeded",
        )
    await gateway.stop(0)


async def test_a_message_that_breaks_the_rules_names_the_field(channel: grpc.aio.Channel) -> None:
    stub = dnc_pb2_grpc.DncServiceStub(channel)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.AddDncNumbers(dnc_pb2.AddDncNumbersRequest(note="n" * 501))
    status = rpc_status.from_call(caught.value)
    bad = error_details_pb2.BadRequest()
    assert status is not None
    assert status.details[1].Unpack(bad)
    assert {violation.field for violation in bad.field_violations} == {"numbers", "note"}


async def test_a_huge_message_is_refused_and_the_server_lives(channel: grpc.aio.Channel) -> None:
    stub = dnc_pb2_grpc.DncServiceStub(channel)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.CheckDncNumber(check("9" * (2 << 20)))
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert (await stub.CheckDncNumber(check("x"))).listed


async def test_huge_metadata_is_refused_and_the_server_lives(channel: grpc.aio.Channel) -> None:
    stub = dnc_pb2_grpc.DncServiceStub(channel)
    with pytest.raises(grpc.aio.AioRpcError):
        await stub.CheckDncNumber(check("x"), metadata=[("k", "v" * 60_000)])
    assert (await stub.CheckDncNumber(check("x"))).listed


async def test_a_service_that_is_not_there_is_unimplemented(channel: grpc.aio.Channel) -> None:
    stub = campaigns_pb2_grpc.CampaignServiceStub(channel)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.GetCampaign(campaigns_pb2.GetCampaignRequest(name="campaigns/c"))
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


class Nobody:
    """A policy that lets nobody in."""

    def judge(self, permission: str, caller: str) -> Refused:
        message = f"{permission} is missing to {caller}"
        return Refused(grpc.StatusCode.PERMISSION_DENIED, "not-permitted", message)


async def test_the_policy_is_asked_for_the_methods_permission() -> None:
    gateway = Gateway(
        [lambda server: dnc_pb2_grpc.add_DncServiceServicer_to_server(Dnc(), server)],
        listen="127.0.0.1:0",
        policy=Nobody(),
    )
    port = await gateway.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = dnc_pb2_grpc.DncServiceStub(channel)
        with pytest.raises(grpc.aio.AioRpcError, match=r"dnc\.view is missing to operator"):
            await stub.CheckDncNumber(check("x"))
    await gateway.stop(0)


async def test_health_says_serving_only_when_the_engine_is_ready(
    gateway: Gateway, channel: grpc.aio.Channel
) -> None:
    stub = health_pb2_grpc.HealthStub(channel)

    async def status(service: str) -> int:
        answer = await stub.Check(health_pb2.HealthCheckRequest(service=service))
        return int(answer.status)

    assert await status("") == health_pb2.HealthCheckResponse.NOT_SERVING
    await gateway.ready()
    assert await status("") == health_pb2.HealthCheckResponse.SERVING
    assert await status("paceline.v1.CampaignService") == health_pb2.HealthCheckResponse.SERVING
    await gateway.unready()
    assert await status("") == health_pb2.HealthCheckResponse.NOT_SERVING


async def test_reflection_lists_the_services(channel: grpc.aio.Channel) -> None:
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    call = stub.ServerReflectionInfo(
        iter([reflection_pb2.ServerReflectionRequest(list_services="")])
    )
    answer = await call.read()
    names = {service.name for service in answer.list_services_response.service}
    assert {"paceline.v1.CampaignService", "grpc.health.v1.Health"} <= names
    call.cancel()


@pytest.mark.parametrize(
    ("listen", "loopback"),
    [
        ("127.0.0.1:50051", True),
        ("[::1]:50051", True),
        ("localhost:0", True),
        ("0.0.0.0:50051", False),
        ("[::]:50051", False),
        ("192.0.2.1:1", False),
        ("example.org:1", False),
    ],
)
async def test_plain_text_is_for_loopback_alone(listen: str, loopback: bool) -> None:
    assert is_loopback(listen) is loopback
    if not loopback:
        with pytest.raises(InvalidRequestError, match="needs TLS"):
            Gateway([], listen=listen)


async def test_a_reader_that_goes_away_frees_its_stream(
    channel: grpc.aio.Channel, events: Events
) -> None:
    call = events_pb2_grpc.EventServiceStub(channel).WatchEvents(events_pb2.WatchEventsRequest())
    first = await call.read()
    assert isinstance(first, events_pb2.WatchEventsResponse)
    assert first.last_sequence == 1
    call.cancel()
    async with asyncio.timeout(PATIENCE_S):
        await events.closed.wait()
    assert events.open == 0


async def test_a_reader_that_does_not_read_is_cut_off_and_costs_bounded_memory(
    channel: grpc.aio.Channel, events: Events
) -> None:
    call = events_pb2_grpc.EventServiceStub(channel).WatchEvents(events_pb2.WatchEventsRequest())
    async with asyncio.timeout(PATIENCE_S):
        await events.closed.wait()
    assert events.open == 0
    assert events.sent * 60_000 < 32 << 20
    call.cancel()


FROZEN = """
import sys, grpc
from gateway.pb.paceline.v1 import events_pb2, events_pb2_grpc
with grpc.insecure_channel(sys.argv[1]) as channel:
    for message in events_pb2_grpc.EventServiceStub(channel).WatchEvents(
        events_pb2.WatchEventsRequest()
    ):
        print("reading", flush=True)
"""


async def test_a_frozen_client_is_cut_off_though_its_kernel_answers(
    port: int, channel: grpc.aio.Channel, events: Events
) -> None:
    client = await asyncio.create_subprocess_exec(
        sys.executable, "-c", FROZEN, f"127.0.0.1:{port}", stdout=asyncio.subprocess.PIPE
    )
    assert client.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE_S):
            assert await client.stdout.readline() == b"reading\n"
            client.send_signal(signal.SIGSTOP)
            await events.closed.wait()
        assert events.open == 0
        async with asyncio.timeout(PATIENCE_S):
            while cut_off(events.peer):  # noqa: ASYNC110 - gRPC closes it untold
                await asyncio.sleep(0.01)
        answer = await dnc_pb2_grpc.DncServiceStub(channel).CheckDncNumber(check("x"))
        assert answer.listed
    finally:
        client.send_signal(signal.SIGCONT)
        client.kill()
        await client.communicate()


async def test_a_frozen_client_with_little_to_read_is_found_by_keep_alive() -> None:
    events = Events(version_octets=10, pause_s=0.1)
    gateway = Gateway(
        [lambda server: events_pb2_grpc.add_EventServiceServicer_to_server(events, server)],
        listen="127.0.0.1:0",
        limits=Limits(keepalive_s=1.0, keepalive_timeout_s=3.0),
    )
    port = await gateway.start()
    client = await asyncio.create_subprocess_exec(
        sys.executable, "-c", FROZEN, f"127.0.0.1:{port}", stdout=asyncio.subprocess.PIPE
    )
    assert client.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE_S):
            assert await client.stdout.readline() == b"reading\n"
            client.send_signal(signal.SIGSTOP)
            await events.closed.wait()
        assert events.open == 0
    finally:
        client.send_signal(signal.SIGCONT)
        client.kill()
        await client.communicate()
        await gateway.stop(0)


async def test_limits_are_those_of_the_invariants() -> None:
    limits = Limits()
    assert (limits.message_bytes, limits.metadata_bytes) == (1 << 20, 8 << 10)
    found_s = limits.keepalive_s + limits.keepalive_timeout_s
    assert found_s <= 10, "G3: a dead peer is found in at most 10 s"
    assert Deadlines().write_s <= 10
