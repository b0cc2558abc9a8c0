"""Resource names (AIP-122): ids and full names are both taken, full names are sent."""


def full(collection: str, name: str) -> str:
    """Return ``collection/id`` of an id or a name that is full already.

    Args:
        collection: Such as ``campaigns``.
        name: An id, or ``collection/id``.
    """
    return name if not name or "/" in name else f"{collection}/{name}"


def short(name: str) -> str:
    """Return the last part of a name: the id."""
    return name.rpartition("/")[2]


def in_campaign(campaign: str, list_: str) -> str:
    """Return ``campaigns/{campaign}/lists/{list}``."""
    return f"{full('campaigns', campaign)}/{full('lists', list_)}"


def record_name(list_: str, row: int | str) -> str:
    """Return ``lists/{list}/records/{row}``."""
    return f"{full('lists', list_)}/records/{row}"
