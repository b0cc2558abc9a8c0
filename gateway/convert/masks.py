"""Field masks (AIP-134): which fields of a resource an update changes."""

from typing import TypeVar

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from engine.domain.refusals import InvalidRequestError

M = TypeVar("M", bound=Message)

KEPT = frozenset({"name", "etag", "run_state", "record_count", "status", "state"})
"""Fields that name or tell, which no update changes; in a mask they are passed over."""


def merged(present: M, update: M, mask: FieldMask) -> M:
    """Return a resource with an update applied to it.

    Args:
        present: As it is now, secrets included.
        update: The new values.
        mask: Fields to change; none: those set in the update; ``*``: all.

    Raises:
        InvalidRequestError: The mask names a field that the resource does not have.
    """
    result = type(present)()
    result.CopyFrom(present)
    for field in _paths(update, mask):
        result.ClearField(field)
        part = type(present)()
        part.CopyFrom(update)
        for other in part.DESCRIPTOR.fields_by_name:
            if other != field:
                part.ClearField(other)
        result.MergeFrom(part)
    return result


def _paths(update: Message, mask: FieldMask) -> list[str]:
    known = set(update.DESCRIPTOR.fields_by_name)
    if list(mask.paths) == ["*"]:
        return sorted(known - KEPT)
    unknown = sorted(set(mask.paths) - known)
    if unknown:
        raise InvalidRequestError(
            f"update_mask names {unknown[0][:80]!r}, which is no field of "
            f"{update.DESCRIPTOR.name}; whole top-level fields are changed, or * for all",
            slug="invalid-mask",
        )
    if mask.paths:
        return sorted(set(mask.paths) - KEPT)
    return [field.name for field, _ in update.ListFields() if field.name not in KEPT]
