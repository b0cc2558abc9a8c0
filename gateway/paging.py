"""Pages (AIP-158): which part of an ordered whole a request asks for."""

import base64
from collections.abc import Sequence
from typing import TypeVar

from engine.domain.refusals import InvalidRequestError

T = TypeVar("T")

DEFAULT_SIZE = 100
LARGEST_SIZE = 1_000


def size_of(page_size: int) -> int:
    """Return how many items a page holds; 0 asks for the default."""
    return min(page_size or DEFAULT_SIZE, LARGEST_SIZE)


def encode_token(position: str) -> str:
    """Return a token for the page after a position; clients do not look into it."""
    return base64.urlsafe_b64encode(position.encode()).decode().rstrip("=")


def decode_token(token: str) -> str:
    """Return the position that a token holds; an empty token holds the beginning.

    Raises:
        InvalidRequestError: The token is not one of ours.
    """
    try:
        return base64.b64decode(token + "=" * (-len(token) % 4), b"-_", validate=True).decode()
    except (ValueError, UnicodeError) as error:
        raise InvalidRequestError("page_token was not made here", slug="invalid-token") from error


def row_of(token: str) -> int:
    """Return the row that a token holds; an empty token holds 0.

    Raises:
        InvalidRequestError: The token is not one of ours.
    """
    position = decode_token(token)
    if not position.isascii() or not (position or "0").isdigit() or len(position) > 18:
        raise InvalidRequestError("page_token was not made here", slug="invalid-token")
    return int(position or 0)


def page(items: Sequence[tuple[str, T]], page_size: int, token: str) -> tuple[list[T], str]:
    """Return one page of items and the token of the next.

    Items that come or go between two pages shift nothing: a page begins after an id.

    Args:
        items: (id, item) in any order.
        page_size: Most items; 0: the default.
        token: Of this page.
    """
    after = decode_token(token)
    rest = sorted((item for item in items if item[0] > after), key=lambda item: item[0])
    size = size_of(page_size)
    following = encode_token(rest[size - 1][0]) if len(rest) > size else ""
    return [item for _, item in rest[:size]], following
