"""What users configure, as the gateway asks for it: checked, durable when it returns."""

from collections.abc import Sequence

from engine.actors.messages import DescribeAgent, DescribeCampaign
from engine.domain.ids import AgentId, CampaignId
from engine.domain.refusals import InvalidRequestError, NotNowError
from engine.domain.specs import AnySpec, CampaignSpec
from engine.machines.agent import AgentState
from engine.machines.campaign import CampaignPhase
from engine.runtime.asker import Asker, carried_out
from engine.runtime.checks import check_delete, check_spec
from engine.runtime.prompt_checks import find_fault
from engine.runtime.resources import Resources


class Configuration:
    """Campaigns, lists, agents, teams and trunks as users put them.

    Args:
        asker: Asks whether what is to be deleted is at rest.
        resources: Keeps them.
    """

    def __init__(self, asker: Asker, resources: Resources) -> None:
        self._asker = asker
        self._resources = resources

    def get(self, kind: str, resource_id: str) -> AnySpec:
        """Return a resource's spec.

        Raises:
            NotFoundError: There is none of that id.
        """
        return self._resources.get(kind, resource_id)

    def all(self, kind: str) -> Sequence[AnySpec]:
        """Return the specs of a kind."""
        return self._resources.all(kind)

    async def put(
        self,
        kind: str,
        spec: AnySpec,
        *,
        expected_revision: int | None = None,
        request_id: str = "",
        by: str = "",
    ) -> None:
        """Create or replace a resource, durably (see ``Resources.put``).

        Raises:
            DialerError: It is refused; the text says what is wrong.
        """
        await self._check_prompts(spec)
        self._asker.check_open()
        check_spec(spec, self._resources)
        await carried_out(
            lambda done: self._resources.put(
                kind,
                spec,
                done,
                expected_revision=expected_revision,
                request_id=request_id,
                by=by,
            )
        )

    async def _check_prompts(self, spec: AnySpec) -> None:
        """Refuse a campaign that newly names a prompt which cannot be played."""
        if not isinstance(spec, CampaignSpec):
            return
        present = self._resources.find("campaign", spec.campaign_id)
        before = present if isinstance(present, CampaignSpec) else None
        if fault := await find_fault(spec, before):
            raise InvalidRequestError(fault, slug="invalid-prompt")

    async def delete(
        self, kind: str, resource_id: str, *, request_id: str = "", by: str = ""
    ) -> None:
        """Delete a resource that nothing needs, durably; the log says by whom.

        Raises:
            NotFoundError: There is none of that id.
            NotNowError: Something needs it; the text says what.
        """
        self._resources.get(kind, resource_id)
        check_delete(kind, resource_id, self._resources)
        if kind == "campaign":
            await self._check_idle(CampaignId(resource_id))
        if kind == "agent":
            await self._check_logged_out(AgentId(resource_id))
        await carried_out(
            lambda done: self._resources.delete(
                kind, resource_id, done, request_id=request_id, by=by
            )
        )

    async def _check_idle(self, campaign_id: CampaignId) -> None:
        view = await self._asker.ask(self._asker.campaign(campaign_id), DescribeCampaign)
        if view.phase is not CampaignPhase.IDLE:
            raise NotNowError(f"campaigns/{campaign_id} runs", slug="campaign-running")

    async def _check_logged_out(self, agent_id: AgentId) -> None:
        view = await self._asker.ask(self._asker.agent(agent_id), DescribeAgent)
        if view.state is not AgentState.LOGGED_OUT:
            raise NotNowError(f"agents/{agent_id} is logged in", slug="agent-logged-in")
