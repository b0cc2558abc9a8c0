"""Who reaches whose recordings, over the wire: every method, every kind of caller (X2)."""

from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import grpc
import grpc.aio
import pytest
import pytest_asyncio
import trustme

from clients import PacelineError
from clients.cli.common import client_of
from engine.actors.messages import RecordingView
from engine.compliance.recording import RecordingState
from engine.config import UserSettings
from engine.domain.facts import RecordingAccessed, RecordingDeleted
from engine.domain.ids import AttemptId, CampaignId
from engine.runtime import Campaigns
from gateway.access import UserTable
from gateway.pb.paceline.v1 import events_pb2, events_pb2_grpc
from gateway.pb.paceline.v1 import recordings_pb2 as pb
from gateway.pb.paceline.v1.recordings_pb2_grpc import (
    RecordingServiceStub,
    add_RecordingServiceServicer_to_server,
)
from gateway.permissions import SCOPED
from gateway.server import Gateway, Tls
from gateway.services.recordings import RecordingService
from tests.integration.gateway.conftest import Events
from tests.support.recording_house import NOW_S, House, shelf_of

pytestmark = pytest.mark.asyncio

CALLS = {"spring": "a1-0001-000000a1", "autumn": "a1-0001-000000a2"}
NONE = "a1-0001-000000ff"
USERS = {
    "boss": UserSettings(),
    "sue": UserSettings(permissions=("recordings.*", "events.view"), campaigns=("spring",)),
    "tim": UserSettings(permissions=("recordings.view",), campaigns=("spring",)),
    "nil": UserSettings(campaigns=()),
}
OK, HIDDEN = grpc.StatusCode.OK, grpc.StatusCode.NOT_FOUND
CLOSED = grpc.StatusCode.PERMISSION_DENIED


class Actors:
    """Two campaigns that answer whatever is asked."""

    def campaign(self, campaign_id: CampaignId) -> CampaignId:
        return campaign_id

    async def ask(self, _campaign_id: CampaignId, _make: object) -> RecordingView:
        return RecordingView(AttemptId("a"), RecordingState.ON, "manual", "")


def service_of(house: House) -> RecordingService:
    """Return the service over two calls, with the rules of the engine itself."""
    of = {AttemptId(call): CampaignId(campaign) for campaign, call in CALLS.items()}
    # Any: of the engine only what recordings of calls need stands behind the rules.
    actors: Any = Actors()
    nobody: Any = None
    live: Any = SimpleNamespace(campaign_of=of.get)
    return RecordingService(shelf_of(house), Campaigns(actors, nobody, nobody, nobody, live))


class Desk:
    """A gateway over two campaigns' recordings."""

    def __init__(self, house: House, channel: grpc.aio.Channel) -> None:
        self.house = house
        self.stub = RecordingServiceStub(channel)
        self.events = events_pb2_grpc.EventServiceStub(channel)
        self.of = {
            "spring": house.make(1, NOW_S, campaign="spring"),
            "autumn": house.make(2, NOW_S, campaign="autumn"),
        }

    async def code(self, method: str, who: str, campaign: str) -> grpc.StatusCode:
        """Return the status that a caller gets of a method on something of a campaign."""
        name = f"recordings/{self.of.get(campaign, NONE)}"
        call = f"calls/{CALLS.get(campaign, NONE)}"
        requests = {
            "GetRecording": pb.GetRecordingRequest(name=name),
            "DeleteRecording": pb.DeleteRecordingRequest(name=name),
            "DownloadRecording": pb.DownloadRecordingRequest(name=name),
            "PlayRecording": pb.PlayRecordingRequest(name=name, speed=100),
            "StartRecording": pb.StartRecordingRequest(call=call),
            "StopRecording": pb.StopRecordingRequest(call=call),
            "PauseRecording": pb.PauseRecordingRequest(call=call),
            "ResumeRecording": pb.ResumeRecordingRequest(call=call),
        }
        asked = getattr(self.stub, method)(requests[method], metadata=(("x-paceline-user", who),))
        try:
            if method in ("DownloadRecording", "PlayRecording"):
                assert [piece async for piece in asked]
            else:
                await asked
        except grpc.aio.AioRpcError as error:
            return error.code()
        return OK

    async def listed(self, who: str, campaign: str = "") -> set[str]:
        """Return the campaigns of the recordings that a caller is shown."""
        request = pb.ListRecordingsRequest(campaign=campaign)
        answer = await self.stub.ListRecordings(request, metadata=(("x-paceline-user", who),))
        return {recording.campaign.removeprefix("campaigns/") for recording in answer.recordings}


@pytest_asyncio.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    house = House(tmp_path)
    service = service_of(house)
    gateway = Gateway(
        [
            lambda to: add_RecordingServiceServicer_to_server(service, to),
            lambda to: events_pb2_grpc.add_EventServiceServicer_to_server(Events(), to),
        ],
        listen="127.0.0.1:0",
        policy=UserTable(USERS),
    )
    port = await gateway.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield Desk(house, channel)
    await gateway.stop(0)


ON_ONE = sorted(
    name for name in (method.rpartition("/")[2] for method in SCOPED)
    if name.endswith("Recording")
)  # fmt: skip


@pytest.mark.parametrize("method", ON_ONE)
async def test_what_is_of_another_campaign_looks_like_what_is_not(desk: Desk, method: str) -> None:
    codes = {
        (who, campaign): await desk.code(method, who, campaign)
        for who in ("nil", "tim", "sue", "operator", "boss")
        for campaign in ("autumn", "winter", "spring")
    }
    tim = OK if method == "GetRecording" else CLOSED
    assert codes == {
        **{("nil", campaign): HIDDEN for campaign in ("autumn", "winter", "spring")},
        ("tim", "autumn"): HIDDEN if tim is OK else CLOSED,
        ("tim", "winter"): HIDDEN if tim is OK else CLOSED,
        ("tim", "spring"): tim,
        ("sue", "autumn"): HIDDEN,
        ("sue", "winter"): HIDDEN,
        ("sue", "spring"): OK,
        **{("operator", campaign): CLOSED for campaign in ("autumn", "winter", "spring")},
        ("boss", "autumn"): OK,
        ("boss", "winter"): HIDDEN,
        ("boss", "spring"): OK,
    }
    facts = desk.house.facts(RecordingAccessed) + desk.house.facts(RecordingDeleted)
    touched = {(fact.recording_id, fact.by) for fact in facts}
    assert touched <= {(desk.of["spring"], "sue"), *((name, "boss") for name in desk.of.values())}


async def test_the_list_shows_what_the_caller_may_reach(desk: Desk) -> None:
    assert await desk.listed("boss") == {"spring", "autumn"}
    assert await desk.listed("sue") == {"spring"}
    assert await desk.listed("sue", "campaigns/autumn") == set()
    assert await desk.listed("nil") == set()
    with pytest.raises(grpc.aio.AioRpcError, match="has not the permission"):
        await desk.listed("eve")


async def test_a_certificate_proves_whose_rights_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command line's client, with the files its environment names, over mutual TLS."""
    house, authority = House(tmp_path), trustme.CA()
    service = service_of(house)
    house.make(1, NOW_S, campaign="spring")
    house.make(2, NOW_S, campaign="autumn")
    files = {}
    for name, common_name in (("server", None), ("sue", "sue"), ("eve", "eve")):
        leaf = authority.issue_cert("127.0.0.1", common_name=common_name)
        files[name] = (tmp_path / f"{name}.pem", tmp_path / f"{name}.key")
        files[name][0].write_bytes(b"".join(each.bytes() for each in leaf.cert_chain_pems))
        leaf.private_key_pem.write_to_path(str(files[name][1]))
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    gateway = Gateway(
        [lambda to: add_RecordingServiceServicer_to_server(service, to)],
        listen="127.0.0.1:0",
        tls=Tls(*files["server"], tmp_path / "ca.pem"),
        policy=UserTable(USERS),
    )
    port = await gateway.start()
    monkeypatch.setenv("PACELINE_ROOT_CA", str(tmp_path / "ca.pem"))
    monkeypatch.setenv("PACELINE_USER", "boss")

    async def seen_by(name: str) -> list[str]:
        monkeypatch.setenv("PACELINE_CERTIFICATE", str(files[name][0]))
        monkeypatch.setenv("PACELINE_KEY", str(files[name][1]))
        async with client_of(f"127.0.0.1:{port}") as client:
            return [recording.campaign async for recording in client.recordings.list()]

    assert await seen_by("sue") == ["campaigns/spring"]
    with pytest.raises(PacelineError, match="user eve has not the permission"):
        await seen_by("eve")
    monkeypatch.delenv("PACELINE_KEY")
    with pytest.raises(PacelineError, match="go together"):
        client_of(f"127.0.0.1:{port}")
    await gateway.stop(0)


async def test_who_is_limited_to_campaigns_does_not_watch_everybodys_events(desk: Desk) -> None:
    request = events_pb2.WatchEventsRequest()
    watching = desk.events.WatchEvents(request, metadata=(("x-paceline-user", "sue"),))
    with pytest.raises(grpc.aio.AioRpcError, match="limited to campaigns") as refused:
        await anext(aiter(watching))
    assert refused.value.code() is CLOSED
