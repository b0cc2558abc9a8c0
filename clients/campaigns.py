"""Campaigns over the API: configure, start, stop, explain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf.field_mask_pb2 import FieldMask

from clients.channel import Connection, new_request_id
from clients.naming import full, in_campaign
from gateway.pb.paceline.v1 import campaigns_pb2 as pb
from gateway.pb.paceline.v1.campaigns_pb2_grpc import CampaignServiceStub

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable


class Campaigns:
    """What ``CampaignService`` offers. Campaigns are named by id or full name."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stub = CampaignServiceStub(connection.channel)

    async def create(
        self, campaign_id: str, campaign: pb.Campaign, *, request_id: str = ""
    ) -> pb.Campaign:
        """Create a campaign, idle, and return it with its defaults filled in."""
        request = pb.CreateCampaignRequest(
            campaign_id=campaign_id, campaign=campaign, request_id=request_id or new_request_id()
        )
        return (await self._connection.call(self._stub.CreateCampaign, request)).campaign

    async def get(self, campaign: str) -> pb.Campaign:
        """Return a campaign."""
        request = pb.GetCampaignRequest(name=full("campaigns", campaign))
        return (await self._connection.call(self._stub.GetCampaign, request)).campaign

    async def list(self) -> AsyncIterator[pb.Campaign]:
        """Yield all campaigns, page by page."""
        request = pb.ListCampaignsRequest(page_size=500)
        while True:
            page = await self._connection.call(self._stub.ListCampaigns, request)
            for each in page.campaigns:
                yield each
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def update(
        self, campaign: pb.Campaign, fields: Iterable[str] = (), *, request_id: str = ""
    ) -> pb.Campaign:
        """Change a campaign and return it.

        Args:
            campaign: New values, and its name; its etag guards against changes in between.
            fields: Fields to change; none: those that are set.
            request_id: Makes the command idempotent; empty: a new one.
        """
        request = pb.UpdateCampaignRequest(
            campaign=campaign,
            update_mask=FieldMask(paths=fields),
            request_id=request_id or new_request_id(),
        )
        return (await self._connection.call(self._stub.UpdateCampaign, request)).campaign

    async def delete(self, campaign: str, *, etag: str = "", request_id: str = "") -> None:
        """Delete an idle campaign."""
        request = pb.DeleteCampaignRequest(
            name=full("campaigns", campaign), etag=etag, request_id=request_id or new_request_id()
        )
        await self._connection.call(self._stub.DeleteCampaign, request)

    async def start(self, campaign: str, *, request_id: str = "") -> pb.StartCampaignResponse:
        """Start a campaign at once."""
        request = pb.StartCampaignRequest(
            name=full("campaigns", campaign), request_id=request_id or new_request_id()
        )
        return await self._connection.call(self._stub.StartCampaign, request)

    async def stop(self, campaign: str, *, request_id: str = "") -> pb.StopCampaignResponse:
        """Stop a campaign at once: when this returns, no new call of it leaves."""
        request = pb.StopCampaignRequest(
            name=full("campaigns", campaign), request_id=request_id or new_request_id()
        )
        return await self._connection.call(self._stub.StopCampaign, request)

    async def explain(self, campaign: str) -> pb.ExplainCampaignResponse:
        """Say why nothing, or not more, is dialed."""
        request = pb.ExplainCampaignRequest(name=full("campaigns", campaign))
        return await self._connection.call(self._stub.ExplainCampaign, request)

    async def add_list(
        self,
        campaign: str,
        list_: str,
        *,
        order: int | None = None,
        ratio: int | None = None,
        request_id: str = "",
    ) -> pb.CampaignList:
        """Add a list, disabled, or change its place.

        Args:
            campaign: The campaign.
            list_: The list.
            order: Lists of a lower order are used first.
            ratio: Records taken per turn among lists of equal order.
            request_id: Makes the command idempotent; empty: a new one.
        """
        place = pb.CampaignList(name=in_campaign(campaign, list_), order=order, ratio=ratio)
        request = pb.UpdateCampaignListRequest(
            campaign_list=place, allow_missing=True, request_id=request_id or new_request_id()
        )
        return (await self._connection.call(self._stub.UpdateCampaignList, request)).campaign_list

    async def enable_list(
        self, campaign: str, list_: str, *, request_id: str = ""
    ) -> pb.EnableListResponse:
        """Let the records of a list be dialed, from now on."""
        request = pb.EnableListRequest(
            name=in_campaign(campaign, list_), request_id=request_id or new_request_id()
        )
        return await self._connection.call(self._stub.EnableList, request)

    async def disable_list(
        self, campaign: str, list_: str, *, request_id: str = ""
    ) -> pb.DisableListResponse:
        """Take nothing new from a list, from now on."""
        request = pb.DisableListRequest(
            name=in_campaign(campaign, list_), request_id=request_id or new_request_id()
        )
        return await self._connection.call(self._stub.DisableList, request)

    async def add_team(
        self, campaign: str, team: str, *, request_id: str = ""
    ) -> pb.AddTeamResponse:
        """Let a team's agents take the campaign's calls."""
        request = pb.AddTeamRequest(
            name=full("campaigns", campaign),
            team=full("teams", team),
            request_id=request_id or new_request_id(),
        )
        return await self._connection.call(self._stub.AddTeam, request)

    async def remove_team(
        self, campaign: str, team: str, *, request_id: str = ""
    ) -> pb.RemoveTeamResponse:
        """Give a team's agents no more calls of the campaign."""
        request = pb.RemoveTeamRequest(
            name=full("campaigns", campaign),
            team=full("teams", team),
            request_id=request_id or new_request_id(),
        )
        return await self._connection.call(self._stub.RemoveTeam, request)

    async def set_pacing(self, request: pb.SetPacingRequest) -> pb.Campaign:
        """Change how a campaign is paced while it runs; what is not set stays."""
        sent = pb.SetPacingRequest()
        sent.CopyFrom(request)
        sent.name = full("campaigns", request.name)
        sent.request_id = request.request_id or new_request_id()
        return (await self._connection.call(self._stub.SetPacing, sent)).campaign
