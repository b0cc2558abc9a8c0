"""Questions from outside: an actor is asked, a store is waited for, within a deadline."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast

from engine.actors.kernel import Kernel, Ref, ReplyTo
from engine.actors.messages import AgentMessage, CampaignMessage, ListMessage, TrunkMessage
from engine.actors.registry import Registry
from engine.domain.ids import AgentId, CampaignId, ListId, TrunkId
from engine.domain.refusals import (
    DialerError,
    DrainingError,
    UnknownAgentError,
    UnknownCampaignError,
    UnknownListError,
    UnknownTrunkError,
)

R = TypeVar("R")
M = TypeVar("M")

ASK_S = 5.0
"""Deadline of a question to an actor. [s]"""
LOGIN_S = 40.0
"""Deadline of a login and of a supervisor's leg: a phone may have to ring. [s]"""


class Asker:
    """Finds actors by the ids that people use, and asks them.

    Args:
        kernel: Runs the actors.
        registry: Their addresses.
        draining: Whether the engine goes down.
    """

    def __init__(self, kernel: Kernel, registry: Registry, draining: Callable[[], bool]) -> None:
        self._kernel = kernel
        self._registry = registry
        self._draining = draining

    async def ask(
        self, ref: Ref[Any], make: Callable[[ReplyTo[R]], Any], deadline_s: float = ASK_S
    ) -> R:
        """Ask an actor and wait for its answer.

        Args:
            ref: Whom.
            make: Builds the message around the place of the answer.
            deadline_s: How long to wait. [s]

        Raises:
            DialerError: It refuses.
            TimeoutError: No answer came in time.
        """
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()

        def done(value: R | None, error: Exception | None) -> None:
            if future.done():
                return
            if error is not None:
                future.set_exception(error)
            else:
                # R may itself be None; whoever replies keeps to the type of its ReplyTo.
                future.set_result(cast("R", value))

        reply_to = self._kernel.request(ref, make, done)
        try:
            async with asyncio.timeout(deadline_s):
                return await future
        finally:
            reply_to.close()

    def tell(self, ref: Ref[Any], message: Any) -> None:  # Any: a message that the actor takes
        """Tell an actor, and wait for nothing."""
        self._kernel.tell(ref, message)

    def check_open(self) -> None:
        """Let nothing new begin while the engine goes down.

        Raises:
            DrainingError: It does.
        """
        if self._draining():
            raise DrainingError("the engine is going down")

    def campaign(self, campaign_id: CampaignId) -> Ref[CampaignMessage]:
        """Return a campaign's address.

        Raises:
            UnknownCampaignError: There is no such campaign.
        """
        found = self._registry.campaigns.find(campaign_id)
        return _known(found, UnknownCampaignError, f"campaigns/{campaign_id}")

    def list(self, list_id: ListId) -> Ref[ListMessage]:
        """Return a list's address.

        Raises:
            UnknownListError: There is no such list.
        """
        found = self._registry.lists.find(list_id)
        return _known(found, UnknownListError, f"lists/{list_id}")

    def agent(self, agent_id: AgentId) -> Ref[AgentMessage]:
        """Return an agent's address.

        Raises:
            UnknownAgentError: There is no such agent.
        """
        found = self._registry.agents.find(agent_id)
        return _known(found, UnknownAgentError, f"agents/{agent_id}")

    def trunk(self, trunk_id: TrunkId) -> Ref[TrunkMessage]:
        """Return a trunk's address.

        Raises:
            UnknownTrunkError: There is no such trunk.
        """
        found = self._registry.trunks.find(trunk_id)
        return _known(found, UnknownTrunkError, f"trunks/{trunk_id}")


def _known(ref: Ref[M] | None, error: type[DialerError], name: str) -> Ref[M]:
    if ref is None:
        raise error(f"there is no {name}")
    return ref


def told(begin: Callable[[Callable[[R], None]], object]) -> Awaitable[R]:
    """Begin what calls back when it is done, at once; return what waits for its answer.

    Whoever waits may go away meanwhile: a store's callback must not raise, for others of the same
    group wait behind it.
    """
    future: asyncio.Future[R] = asyncio.get_running_loop().create_future()

    def settle(value: R) -> None:
        if not future.done():
            future.set_result(value)

    begin(settle)
    return future


async def carried_out(begin: Callable[[Callable[[DialerError | None], None]], object]) -> None:
    """Begin what calls back when it is done or refused, and wait.

    Raises:
        DialerError: It is refused.
    """
    if (error := await told(begin)) is not None:
        raise error
