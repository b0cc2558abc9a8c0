"""Prompt files of campaigns over the real engine: told when they are named, and at Start."""

import os
import wave
from pathlib import Path

import grpc.aio
import pytest

from engine.config import EngineSettings, SipSettings, StoreSettings
from engine.runtime import Engine
from gateway.pb.paceline.v1 import campaigns_pb2 as pb
from gateway.pb.paceline.v1 import campaigns_pb2_grpc
from gateway.server import Gateway
from gateway.services import all_services

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(300)]

NAME = "campaigns/spring"


async def test_a_wrong_prompt_is_told_when_it_is_named_and_one_that_is_gone_at_start(
    tmp_path: Path,
) -> None:
    settings = EngineSettings(
        sip=SipSettings(port=0), store=StoreSettings(url="memory:"), drain_s=0.0
    )
    engine = Engine(settings)
    await engine.start()
    gateway = Gateway(all_services(engine), listen="127.0.0.1:0")
    try:
        port = await gateway.start()
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            await _scenario(campaigns_pb2_grpc.CampaignServiceStub(channel), tmp_path / "sorry.wav")
    finally:
        await gateway.stop(0)
        await engine.stop()


async def _scenario(stub: campaigns_pb2_grpc.CampaignServiceStub, path: Path) -> None:
    campaign = pb.Campaign(caller_id="+14155550199", unattended_prompt=str(path))
    create = pb.CreateCampaignRequest(campaign_id="spring", campaign=campaign)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub.CreateCampaign(create)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert f"unattended_prompt '{path}': there is no such file" in (refused.value.details() or "")
    _write(path)
    await stub.CreateCampaign(create)
    os.remove(path)
    # What was right when it was named does not stand in the way of another change.
    await stub.SetPacing(pb.SetPacingRequest(name=NAME, mode=pb.MODE_PREVIEW))
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub.StartCampaign(pb.StartCampaignRequest(name=NAME))
    assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert "unattended_prompt" in (refused.value.details() or "")


def _write(path: Path) -> None:
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        out.writeframes(bytes(640))
