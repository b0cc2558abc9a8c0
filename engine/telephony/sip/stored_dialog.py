"""Dialogs as octets that outlive the process: a later life ends what an earlier one began (C2)."""

from collections.abc import Callable
from typing import Literal

import msgspec

from engine.telephony.sip.destination import Destination
from engine.telephony.sip.dialog import Dialog
from engine.telephony.sip.grammar import ParseError
from engine.telephony.sip.origin import Origin


class _Stored(msgspec.Struct, array_like=True):
    """A dialog as octets; fields are only ever added at the end.

    In version 2 each character of the far end's texts stands for an octet: they were not UTF-8.
    """

    version: Literal[1, 2]
    call_id: str
    local: str
    local_tag: str
    remote: str
    remote_tag: str
    target: str
    routes: tuple[str, ...]
    destination: tuple[str, int, str]
    hop: tuple[str, int, str]
    pinned: bool
    cseq: int
    remote_cseq: int
    salt: str
    branches: int
    link: str = ""


def store_dialog(dialog: Dialog) -> bytes:
    """Return a dialog as octets, whatever octets the far end put into its names."""
    try:
        return _encode(dialog, 1, lambda text: text)
    except UnicodeEncodeError:
        return _encode(dialog, 2, _octets_as_text)


def _encode(dialog: Dialog, version: int, clean: Callable[[str], str]) -> bytes:
    return msgspec.msgpack.encode(
        (
            version,
            clean(dialog.call_id),
            clean(dialog.local),
            dialog.local_tag,
            clean(dialog.remote),
            clean(dialog.remote_tag),
            clean(dialog.target),
            tuple(map(clean, dialog.routes)),
            dialog.destination[:3],
            dialog.hop[:3],
            dialog.pinned,
            dialog.cseq,
            dialog.remote_cseq,
            dialog.salt,
            dialog.branches,
            dialog.hop.link,
        )
    )


def read_dialog(state: bytes, origin: Origin) -> Dialog:
    """Return a dialog of an earlier life.

    Raises:
        ParseError: The octets are no dialog, or a newer version's.
    """
    try:
        stored = msgspec.msgpack.decode(state, type=_Stored)
    except msgspec.MsgspecError as error:
        raise ParseError("no stored dialog") from error
    clean = _text_of_octets if stored.version == 2 else str
    link = "#gone" if stored.link.startswith("#") else stored.link  # a flow ends with its life
    dialog = Dialog(
        origin,
        clean(stored.call_id),
        clean(stored.local),
        stored.local_tag,
        clean(stored.remote),
        clean(stored.target),
        Destination(*stored.destination, link),
        stored.salt,
        stored.pinned,
    )
    dialog.remote_tag = clean(stored.remote_tag)
    dialog.routes = tuple(map(clean, stored.routes))
    dialog.hop = Destination(*stored.hop, link)
    dialog.cseq = stored.cseq
    dialog.remote_cseq = stored.remote_cseq
    dialog.branches = stored.branches
    return dialog


def _octets_as_text(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("latin-1")


def _text_of_octets(text: str) -> str:
    try:
        return text.encode("latin-1").decode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        raise ParseError("no stored dialog") from error
