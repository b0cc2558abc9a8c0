"""TLS of SIP: who we are, whom we trust, and what is wrong with the files that say so."""

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Self

_WHAT = {
    "certificate": "no PEM certificate and key that fit each other",
    "authorities": "no PEM certificate of an authority",
}


class TlsFilesError(ValueError):
    """A file of TLS is missing or wrong; the message names it."""


Stamps = tuple[tuple[int, int, int], ...]
"""Inode, size and time of change of files."""


class TlsFiles(NamedTuple):
    """The files of one context.

    Attributes:
        ca: Authorities trusted; empty: the system's for peers that we connect to, and no
            certificate wanted of those that connect to us.
        certificate: Our certificate; empty: none.
        key: Its key; empty: it is in the certificate's file.
        serves: Whether peers connect to us.
    """

    ca: str = ""
    certificate: str = ""
    key: str = ""
    serves: bool = False

    def load(self) -> ssl.SSLContext:
        """Return the context.

        Raises:
            TlsFilesError: A file is missing or wrong.
        """
        if self.serves:
            return server_context(self.certificate, self.key, self.ca)
        return client_context(self.ca, self.certificate, self.key)

    def stamps(self) -> Stamps:
        """Return what tells a file from what it was."""
        return tuple(_stamp(path) for path in (self.ca, self.certificate, self.key) if path)


class TlsProfile(NamedTuple):
    """How a peer that we connect to is met.

    Attributes:
        context: Our certificate, if any, and the authorities trusted.
        name: Name that its certificate must carry (RFC 5922 §4); empty: its address.
        files: What the context was made of; None: it never changes.
        stamps: What the files were like then.
    """

    context: ssl.SSLContext
    name: str = ""
    files: TlsFiles | None = None
    stamps: Stamps = ()

    @classmethod
    def of(cls, files: TlsFiles, name: str = "") -> Self:
        """Return how a peer is met by some files.

        Raises:
            TlsFilesError: A file is missing or wrong.
        """
        stamps = files.stamps()  # first: a change meanwhile is then seen the next time
        return cls(files.load(), name, files, stamps)

    @property
    def is_stale(self) -> bool:
        """Whether a file has changed since."""
        return self.files is not None and self.files.stamps() != self.stamps

    def renewed(self) -> Self:
        """Return the same by the files as they are now.

        Raises:
            TlsFilesError: A file is missing or wrong.
        """
        return self.of(self.files, self.name) if self.files is not None else self


def server_context(certificate: str, key: str, client_ca: str = "") -> ssl.SSLContext:
    """Return what peers that connect to us meet.

    Args:
        certificate: PEM file of our certificate and those between it and its authority.
        key: PEM file of its key; empty: it is in the certificate's file.
        client_ca: PEM file of the authorities that must have signed a peer's certificate; empty:
            peers need none.

    Raises:
        TlsFilesError: A file is missing or wrong.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _load_own(context, certificate, key)
    if client_ca:
        _check_readable(client_ca)
        _load("authorities", client_ca, lambda: context.load_verify_locations(client_ca))
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def client_context(ca: str = "", certificate: str = "", key: str = "") -> ssl.SSLContext:
    """Return how we meet a peer: its certificate and its name are checked in any case.

    Args:
        ca: PEM file of the authorities trusted; empty: the system's.
        certificate: PEM file of our certificate, for peers that want one; empty: none.
        key: PEM file of its key; empty: it is in the certificate's file.

    Raises:
        TlsFilesError: A file is missing or wrong.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca:
        _check_readable(ca)
        _load("authorities", ca, lambda: context.load_verify_locations(ca))
    else:
        context.load_default_certs()
    if certificate:
        _load_own(context, certificate, key)
    return context


def _stamp(path: str) -> tuple[int, int, int]:
    try:
        found = Path(path).stat()
    except OSError:
        return 0, 0, 0
    return found.st_ino, found.st_size, found.st_mtime_ns


def _load_own(context: ssl.SSLContext, certificate: str, key: str) -> None:
    def no_password() -> str:
        raise TlsFilesError(f"{key or certificate}: the key is encrypted; it must not be")

    _check_readable(certificate)
    _check_readable(key or certificate)
    _load(
        "certificate",
        f"{certificate} and {key}" if key else certificate,
        lambda: context.load_cert_chain(certificate, key or None, no_password),
    )


def _load(what: str, path: str, load: Callable[[], None]) -> None:
    try:
        load()
    except ssl.SSLError as error:
        raise TlsFilesError(f"{path}: {_WHAT[what]} ({error.reason or error})") from error


def _check_readable(path: str) -> None:
    """Read a file: the library would not tell which of two is missing."""
    try:
        Path(path).read_bytes()
    except OSError as error:
        raise TlsFilesError(f"{path}: {error.strerror}") from error
