"""Who calls, as the carrier and the called party are told (RFC 3323, RFC 3325, RFC 5806).

Display names are quoted here and the users of URIs were escaped before, so that nothing of a list
or a campaign becomes protocol (invariant X7).
"""

from typing import Final

from engine.telephony.sip.grammar import quote

_ANONYMOUS: Final = '"Anonymous" <sip:anonymous@anonymous.invalid>'
"""From of a caller who is not to be known (RFC 3323 §4.1.1.3)."""


def from_value(caller: str, name: str, private: bool) -> str:
    """Return the value of From, without a tag.

    Args:
        caller: URI of the caller.
        name: Display name; may be empty.
        private: Whether the called party is not to see either.
    """
    return _ANONYMOUS if private else _address(caller, name)


def identity_headers(
    caller: str, name: str, asserted: bool, private: bool, diverted_from: str
) -> str:
    """Return the headers beside From that say who calls, each with its line end.

    Args:
        caller: URI of the caller.
        name: Display name; may be empty.
        asserted: Whether the trunk is told who calls apart from From (RFC 3325 §9.1).
        private: Whether the called party is not to see it; then the trunk, which is trusted, is
            told in any case, and asked to take it out (RFC 3325 §9.3).
        diverted_from: URI that the call is said to be diverted from; empty: none.
    """
    lines = ""
    if asserted or private:
        lines = f"P-Asserted-Identity: {_address(caller, name)}\r\n"
    if private:
        lines += "Privacy: id\r\n"
    if diverted_from:
        privacy = "full" if private else "off"
        lines += (
            f"Diversion: <{diverted_from}>;reason=unconditional;counter=1;privacy={privacy}\r\n"
        )
    return lines


def _address(uri: str, name: str) -> str:
    return f"{quote(name)} <{uri}>" if name else f"<{uri}>"
