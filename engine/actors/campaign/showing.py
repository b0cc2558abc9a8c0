"""Which number a call shows: by the record's field, by the nearest area, or the campaign's own."""

from engine.actors.campaign.context import CampaignContext
from engine.domain.caller_ids import NearestNumbers, find_e164
from engine.domain.e164 import E164
from engine.domain.specs import CampaignSpec


def can_show(spec: CampaignSpec) -> bool:
    """Say whether a campaign has a number to show for every record, its field filled or not."""
    return spec.caller_id is not None or bool(spec.caller_ids)


class Showing:
    """Chooses caller ids for one campaign (settings 100 and 102).

    Attributes:
        refused: Values of the field that were no numbers, since the behavior began.
    """

    __slots__ = ("_context", "_nearest", "_prepared", "refused")

    def __init__(self, context: CampaignContext) -> None:
        self._context = context
        self._prepared: tuple[E164, ...] = ()
        self._nearest = NearestNumbers(())
        self.refused = 0

    def choose(self, called: E164, field: str = "") -> E164 | None:
        """Return the number to show, or None if the campaign has none.

        Args:
            called: Number about to be called.
            field: What the record says; nothing but a whole E.164 number is taken from it.
        """
        own = find_e164(field) if field else None
        if own is not None:
            return own
        self.refused += bool(field)
        spec = self._context.spec
        if spec.caller_ids is not self._prepared:
            self._prepared = spec.caller_ids
            self._nearest = NearestNumbers(spec.caller_ids)
        nearest = self._nearest.find(called)
        return nearest or spec.caller_id or next(iter(spec.caller_ids), None)
