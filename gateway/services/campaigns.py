"""CampaignService: campaigns, their start and stop, lists, teams, pacing, and explanations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from engine.domain.ids import CampaignId, ListId, check_resource_id
from engine.domain.refusals import NotFoundError
from engine.domain.specs import CampaignSpec, ListLink
from gateway.convert import names
from gateway.convert.campaigns import MODE_OF, from_campaign, to_campaign, to_campaign_list
from gateway.convert.explain import to_campaign_explanation
from gateway.convert.masks import merged
from gateway.convert.views import RUN_STATES
from gateway.identity import caller_of
from gateway.pb.paceline.v1 import campaigns_pb2 as pb
from gateway.pb.paceline.v1 import campaigns_pb2_grpc
from gateway.services.resources import Resources

if TYPE_CHECKING:
    from engine.actors.messages import RunAnswer
    from engine.runtime import Campaigns, Configuration
    from gateway.interceptors import Context


class CampaignService(campaigns_pb2_grpc.CampaignServiceServicer):
    """Configures, starts, stops and explains campaigns."""

    def __init__(self, configuration: Configuration, running: Campaigns) -> None:
        self._running = running
        self._campaigns = Resources(configuration, CampaignSpec, "campaign")

    async def CreateCampaign(
        self, request: pb.CreateCampaignRequest, context: Context
    ) -> pb.CreateCampaignResponse:
        campaign_id = CampaignId(check_resource_id("campaign", request.campaign_id))
        spec = from_campaign(request.campaign, campaign_id)
        spec = await self._campaigns.create(spec, request.request_id, by=caller_of(context))
        return pb.CreateCampaignResponse(campaign=await self._told(spec))

    async def GetCampaign(
        self, request: pb.GetCampaignRequest, context: Context
    ) -> pb.GetCampaignResponse:
        spec = self._campaigns.get(names.campaign_id(request.name))
        return pb.GetCampaignResponse(campaign=await self._told(spec))

    async def ListCampaigns(
        self, request: pb.ListCampaignsRequest, context: Context
    ) -> pb.ListCampaignsResponse:
        specs, following = self._campaigns.page(request.page_size, request.page_token)
        return pb.ListCampaignsResponse(
            campaigns=[await self._told(spec) for spec in specs], next_page_token=following
        )

    async def UpdateCampaign(
        self, request: pb.UpdateCampaignRequest, context: Context
    ) -> pb.UpdateCampaignResponse:
        campaign_id = names.campaign_id(request.campaign.name)

        def changed(present: CampaignSpec) -> CampaignSpec:
            message = to_campaign(present, pb.RUN_STATE_UNSPECIFIED)
            update = merged(message, request.campaign, request.update_mask)
            return from_campaign(update, campaign_id)

        spec = await self._campaigns.change(
            campaign_id, changed, request.campaign.etag, request.request_id, by=caller_of(context)
        )
        return pb.UpdateCampaignResponse(campaign=await self._told(spec))

    async def DeleteCampaign(
        self, request: pb.DeleteCampaignRequest, context: Context
    ) -> pb.DeleteCampaignResponse:
        campaign_id = names.campaign_id(request.name)
        await self._campaigns.delete(
            campaign_id, request.etag, request.request_id, by=caller_of(context)
        )
        return pb.DeleteCampaignResponse()

    async def StartCampaign(
        self, request: pb.StartCampaignRequest, context: Context
    ) -> pb.StartCampaignResponse:
        answer = await self._running.start(
            names.campaign_id(request.name), by=caller_of(context), request_id=request.request_id
        )
        return pb.StartCampaignResponse(result=_result(answer), run_state=RUN_STATES[answer.phase])

    async def StopCampaign(
        self, request: pb.StopCampaignRequest, context: Context
    ) -> pb.StopCampaignResponse:
        answer = await self._running.stop(
            names.campaign_id(request.name), by=caller_of(context), request_id=request.request_id
        )
        return pb.StopCampaignResponse(result=_result(answer), run_state=RUN_STATES[answer.phase])

    async def ExplainCampaign(
        self, request: pb.ExplainCampaignRequest, context: Context
    ) -> pb.ExplainCampaignResponse:
        campaign_id = names.campaign_id(request.name)
        spec = self._campaigns.get(campaign_id)
        told = await self._running.explain(campaign_id)
        return to_campaign_explanation(spec, told.view, told.supplies, told.ready_agents)

    async def EnableList(
        self, request: pb.EnableListRequest, context: Context
    ) -> pb.EnableListResponse:
        result, link = await self._switch(
            request.name, request.request_id, on=True, by=caller_of(context)
        )
        return pb.EnableListResponse(result=result, campaign_list=link)

    async def DisableList(
        self, request: pb.DisableListRequest, context: Context
    ) -> pb.DisableListResponse:
        result, link = await self._switch(
            request.name, request.request_id, on=False, by=caller_of(context)
        )
        return pb.DisableListResponse(result=result, campaign_list=link)

    async def UpdateCampaignList(
        self, request: pb.UpdateCampaignListRequest, context: Context
    ) -> pb.UpdateCampaignListResponse:
        update = request.campaign_list
        campaign_id, list_id = names.campaign_list(update.name)

        def changed(present: CampaignSpec) -> CampaignSpec:
            if request.allow_missing and not any(x.list_id == list_id for x in present.lists):
                present = _with_links(present, (*present.lists, ListLink(list_id)))
            link = link_of(present, list_id)
            return _with_link(
                present,
                ListLink(
                    list_id=list_id,
                    enabled=link.enabled,
                    order=update.order if update.HasField("order") else link.order,
                    ratio=update.ratio if update.HasField("ratio") else link.ratio,
                ),
            )

        spec = await self._campaigns.change(
            campaign_id, changed, "", request.request_id, by=caller_of(context)
        )
        return pb.UpdateCampaignListResponse(
            campaign_list=to_campaign_list(campaign_id, link_of(spec, list_id))
        )

    async def AddTeam(self, request: pb.AddTeamRequest, context: Context) -> pb.AddTeamResponse:
        campaign_id, team_id = names.campaign_id(request.name), names.team_id(request.team)
        spec = self._campaigns.get(campaign_id)
        already = team_id in spec.teams
        if not already:
            spec = await self._campaigns.change(
                campaign_id,
                lambda present: msgspec.structs.replace(
                    present, teams=tuple(dict.fromkeys((*present.teams, team_id)))
                ),
                "",
                request.request_id,
                by=caller_of(context),
            )
        return pb.AddTeamResponse(result=_done(already), campaign=await self._told(spec))

    async def RemoveTeam(
        self, request: pb.RemoveTeamRequest, context: Context
    ) -> pb.RemoveTeamResponse:
        campaign_id, team_id = names.campaign_id(request.name), names.team_id(request.team)
        spec = self._campaigns.get(campaign_id)
        already = team_id not in spec.teams
        if not already:
            spec = await self._campaigns.change(
                campaign_id,
                lambda present: msgspec.structs.replace(
                    present, teams=tuple(team for team in present.teams if team != team_id)
                ),
                "",
                request.request_id,
                by=caller_of(context),
            )
        return pb.RemoveTeamResponse(result=_done(already), campaign=await self._told(spec))

    async def SetPacing(
        self, request: pb.SetPacingRequest, context: Context
    ) -> pb.SetPacingResponse:
        values: dict[str, object] = {}
        if request.HasField("mode"):
            values["mode"] = MODE_OF[request.mode]
        if request.HasField("progressive_rate"):
            values["progressive_rate"] = request.progressive_rate
        if request.HasField("max_level"):
            values["max_level"] = request.max_level
        if request.HasField("max_unattended_ratio"):
            values["max_unattended_ratio"] = request.max_unattended_ratio
        spec = await self._campaigns.change(
            names.campaign_id(request.name),
            lambda present: msgspec.structs.replace(present, **values),
            request.etag,
            request.request_id,
            by=caller_of(context),
        )
        return pb.SetPacingResponse(campaign=await self._told(spec))

    async def _told(self, spec: CampaignSpec) -> pb.Campaign:
        view = await self._running.describe(spec.campaign_id)
        return to_campaign(spec, RUN_STATES[view.phase])

    async def _switch(
        self, name: str, request_id: str, *, on: bool, by: str
    ) -> tuple[pb.CommandResult.ValueType, pb.CampaignList]:
        campaign_id, list_id = names.campaign_list(name)
        spec = self._campaigns.get(campaign_id)
        already = link_of(spec, list_id).enabled is on
        if not already:
            spec = await self._campaigns.change(
                campaign_id,
                lambda present: _with_link(
                    present, msgspec.structs.replace(link_of(present, list_id), enabled=on)
                ),
                "",
                request_id,
                by=by,
            )
        return _done(already), to_campaign_list(campaign_id, link_of(spec, list_id))


def link_of(spec: CampaignSpec, list_id: ListId) -> ListLink:
    """Return a list's place in a campaign.

    Raises:
        NotFoundError: The campaign does not dial the list.
    """
    link = next((link for link in spec.lists if link.list_id == list_id), None)
    if link is None:
        raise NotFoundError(
            f"campaigns/{spec.campaign_id} does not dial lists/{list_id}",
            slug="unknown-campaign-list",
        )
    return link


def _with_link(spec: CampaignSpec, link: ListLink) -> CampaignSpec:
    links = (link if other.list_id == link.list_id else other for other in spec.lists)
    return _with_links(spec, tuple(links))


def _with_links(spec: CampaignSpec, links: tuple[ListLink, ...]) -> CampaignSpec:
    return msgspec.structs.replace(spec, lists=links)


def _result(answer: RunAnswer) -> pb.CommandResult.ValueType:
    return _done(answer.already)


def _done(already: bool) -> pb.CommandResult.ValueType:
    return pb.COMMAND_RESULT_ALREADY if already else pb.COMMAND_RESULT_DONE
