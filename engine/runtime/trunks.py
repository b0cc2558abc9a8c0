"""Trunks as the gateway sees them."""

from engine.actors.messages import DescribeTrunk, TrunkView
from engine.domain.ids import TrunkId
from engine.runtime.asker import Asker


class Trunks:
    """Tells of trunks.

    Args:
        asker: Asks them.
    """

    def __init__(self, asker: Asker) -> None:
        self._asker = asker

    async def describe(self, trunk_id: TrunkId) -> TrunkView:
        """Tell how a trunk stands.

        Raises:
            UnknownTrunkError: There is no such trunk.
        """
        return await self._asker.ask(self._asker.trunk(trunk_id), DescribeTrunk)
