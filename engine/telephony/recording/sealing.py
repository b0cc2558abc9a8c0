"""Answer for recordings at rest: AES-256-GCM in chunks of one size, so a cut file opens to its end.

A sealed file is a prelude and slots of one size. The prelude says whose file it is and carries a
salt; the file's own key follows from the installation's by HKDF (RFC 5869) over salt and recording
id. Each slot is a head (its number, the writer's life, its kind) and one sealed payload; prelude
and kind are authenticated with it, and number and life are the nonce (NIST SP 800-38D
§8.2.1). A writer that goes on with a file draws a new life, so no nonce is ever used for two
payloads. Slot 0 holds notes; the last slot alone may be shorter and is of kind ``LAST``: one who
cuts a file cannot make the rest look whole.
"""

import os
import secrets
import struct
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_OCTETS: Final = 32
PRELUDE: Final = 128
"""Octets of the prelude."""

_MAGIC: Final = b"PACELREC"
_VERSION: Final = 1
_PRELUDE = struct.Struct("<8sBBHI16s8s64s24x")
_HEAD = struct.Struct("<QIB3x")
_TAG: Final = 16
OVERHEAD: Final = _HEAD.size + _TAG
"""Octets of a slot beside its payload."""


class Content(IntEnum):
    """What the payloads of a sealed file are."""

    FRAMES = 0
    """Chunks of a recording that goes on (``live``)."""
    DOCUMENT = 1
    """A WAV or FLAC file, cut into pieces."""


class Kind(IntEnum):
    """What a slot holds."""

    NOTES = 0
    DATA = 1
    LAST = 2


class SealError(Exception):
    """A file, or a part of it, that does not open: a wrong key, damage, or no such file."""


@dataclass(frozen=True, slots=True)
class Prelude:
    """The beginning of a sealed file.

    Attributes:
        content: What its payloads are.
        payload: Octets of a payload.
        salt: Random, of this file.
        check: Tells a wrong key from damage.
        recording_id: Whose file it is.
    """

    content: Content
    payload: int
    salt: bytes
    check: bytes
    recording_id: str

    def encode(self) -> bytes:
        """Return it as octets."""
        name = self.recording_id.encode()
        return _PRELUDE.pack(
            _MAGIC, _VERSION, self.content, len(name), self.payload, self.salt, self.check, name
        )

    @property
    def slot(self) -> int:
        """Octets of a slot."""
        return self.payload + OVERHEAD


def decode_prelude(octets: bytes) -> Prelude:
    """Return the prelude at the beginning of a file.

    Raises:
        SealError: It is none.
    """
    if len(octets) < PRELUDE:
        raise SealError("the file is too short")
    magic, version, content, length, payload, salt, check, name = _PRELUDE.unpack(octets[:PRELUDE])
    if magic != _MAGIC or version != _VERSION or content > 1 or not payload:
        raise SealError("this is no sealed recording")
    return Prelude(Content(content), payload, salt, check, name[:length].decode())


class Sealer:
    """Seals and opens the slots of one file.

    Args:
        key: The installation's key.
        prelude: The file's.
    """

    def __init__(self, key: bytes, prelude: Prelude) -> None:
        file_key, check = _derive(key, prelude.recording_id, prelude.salt)
        if not secrets.compare_digest(check, prelude.check):
            raise SealError("the recording was sealed with another key")
        self.prelude = prelude
        self._octets = prelude.encode()
        self._cipher = AESGCM(file_key)
        self._life = secrets.randbits(32)

    @classmethod
    def begin(cls, key: bytes, recording_id: str, content: Content, payload: int) -> "Sealer":
        """Return the sealer of a new file."""
        salt = secrets.token_bytes(16)
        _, check = _derive(key, recording_id, salt)
        return cls(key, Prelude(content, payload, salt, check, recording_id))

    @property
    def octets(self) -> bytes:
        """The prelude, as the file begins."""
        return self._octets

    def place(self, number: int) -> int:
        """Return where a slot begins in the file."""
        return PRELUDE + number * self.prelude.slot

    def renew(self) -> None:
        """Begin a new life: slots whose writing failed may then be sealed again."""
        self._life = secrets.randbits(32)

    def seal(self, number: int, kind: Kind, payload: bytes) -> bytes:
        """Return a slot; no number may be sealed twice by one sealer."""
        head = _HEAD.pack(number, self._life, kind)
        nonce = head[:12]
        return head + self._cipher.encrypt(nonce, payload, self._octets + head[12:13])

    def open(self, number: int, slot: bytes) -> tuple[Kind, bytes]:
        """Return kind and payload of a slot.

        Raises:
            SealError: It does not open as that slot of this file.
        """
        if len(slot) < OVERHEAD:
            raise SealError(f"slot {number} is cut")
        found, _, kind = _HEAD.unpack(slot[: _HEAD.size])
        if found != number or kind not in tuple(Kind):
            raise SealError(f"slot {number} is damaged")
        try:
            opened = self._cipher.decrypt(slot[:12], slot[_HEAD.size :], self._octets + slot[12:13])
        except InvalidTag:
            raise SealError(f"slot {number} is damaged") from None
        return Kind(kind), opened


def _derive(key: bytes, recording_id: str, salt: bytes) -> tuple[bytes, bytes]:
    """Return a file's key and its check value."""
    info = b"paceline recording " + recording_id.encode()
    whole = HKDF(algorithm=SHA256(), length=KEY_OCTETS + 8, salt=salt, info=info).derive(key)
    return whole[:KEY_OCTETS], whole[KEY_OCTETS:]


class SealedReader:
    """Opens the slots of a sealed file, each by its place.

    Args:
        key: The installation's key.
        read: Reads octets (count, offset) of the file.
        size: Octets of the file.

    Raises:
        SealError: It is no sealed file, or of another key.
    """

    def __init__(self, key: bytes, read: Callable[[int, int], bytes], size: int) -> None:
        prelude = decode_prelude(read(PRELUDE, 0))
        self._sealer = Sealer(key, prelude)
        self._read = read
        self.prelude = prelude
        self.slots = -(-max(0, size - PRELUDE) // prelude.slot)
        """Slots, a cut last one included."""

    def open(self, number: int) -> tuple[Kind, bytes]:
        """Return kind and payload of a slot.

        Raises:
            SealError: It does not open.
        """
        slot = self._read(self.prelude.slot, self._sealer.place(number))
        return self._sealer.open(number, slot)


def load_key(path: Path) -> bytes:
    """Return the installation's key, made on the first call and kept with mode 0600.

    Raises:
        SealError: The file holds no key, or others may read it.
        OSError: It cannot be read or written.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _read_key(path)
    with open(descriptor, "wb") as file:
        file.write(secrets.token_hex(KEY_OCTETS).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return _read_key(path)


def _read_key(path: Path) -> bytes:
    if path.stat().st_mode & 0o077:
        raise SealError(f"{path} may be read by others; it must have mode 0600")
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii"))
    except ValueError:
        key = b""
    if len(key) != KEY_OCTETS:
        raise SealError(f"{path} does not hold a key of {2 * KEY_OCTETS} hexadecimal digits")
    return key
