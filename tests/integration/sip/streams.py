"""What tests of TCP and TLS need: plain clients, certificates, a far end that is no program."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import trustme

from engine.config import SipSettings
from tests.integration.sip.peer import LONGEST_S

_SDP = (
    b"v=0\r\no=far 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    b"m=audio 6000 RTP/AVP 0\r\n"
)


class Files(NamedTuple):
    """Certificates as PEM files.

    Attributes:
        ca: The authority.
        server: Certificate and key for 127.0.0.1 and sip.example.net.
        client: Certificate and key of a peer.
        stranger_ca: Another authority.
        stranger: Certificate and key that it signed.
    """

    ca: str
    server: str
    client: str
    stranger_ca: str
    stranger: str

    def settings(self, **more: object) -> SipSettings:
        """Return settings of an engine that speaks TLS."""
        values = {"port": 0, "tls_port": 0, "tls_certificate": self.server} | more
        return SipSettings.model_validate(values)

    def server_context(self, certificate: str = "", ca: str = "") -> ssl.SSLContext:
        """Return how a far end of the tests speaks TLS; with ``ca`` it wants a certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate or self.server)
        if ca:
            context.load_verify_locations(ca)
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def client_context(self, certificate: str = "") -> ssl.SSLContext:
        """Return how a client of the tests speaks TLS."""
        context = ssl.create_default_context(cafile=self.ca)
        if certificate:
            context.load_cert_chain(certificate)
        return context


def make_files(folder: Path) -> Files:
    """Write two authorities and the certificates that they sign."""
    ours, theirs = trustme.CA(), trustme.CA()
    ours.cert_pem.write_to_path(folder / "ca.pem")
    theirs.cert_pem.write_to_path(folder / "stranger-ca.pem")
    signed = {
        "server": ours.issue_cert("127.0.0.1", "sip.example.net"),
        "client": ours.issue_cert("client.example.net"),
        "stranger": theirs.issue_cert("127.0.0.1"),
    }
    for name, certificate in signed.items():
        certificate.private_key_and_cert_chain_pem.write_to_path(folder / f"{name}.pem")
    names = ("ca", "server", "client", "stranger-ca", "stranger")
    return Files(*(str(folder / f"{name}.pem") for name in names))


class Client:
    """A peer that opened a connection to the engine."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    def send(self, octets: bytes) -> None:
        """Write octets."""
        self.writer.write(octets)

    async def read_message(self) -> bytes:
        """Return the next message."""
        async with asyncio.timeout(LONGEST_S):
            head = await self._reader.readuntil(b"\r\n\r\n")
            lines = head.lower().split(b"\r\n")
            length = int(next(x for x in lines if x.startswith(b"content-length")).split(b":")[1])
            return head + await self._reader.readexactly(length)

    async def read(self, count: int) -> bytes:
        """Return so many octets."""
        async with asyncio.timeout(LONGEST_S):
            return await self._reader.readexactly(count)

    async def is_closed(self) -> bool:
        """Wait until the engine has closed the connection; whatever it still says is dropped."""
        async with asyncio.timeout(LONGEST_S):
            try:
                while await self._reader.read(65_536):
                    pass
            except (ConnectionError, ssl.SSLError):
                pass
            return True

    async def ask(self, number: int = 1) -> bytes:
        """Send OPTIONS; return the status line of the answer."""
        self.send(options(number))
        return (await self.read_message()).partition(b"\r\n")[0]

    async def close(self) -> None:
        """Close it."""
        self.writer.close()
        with suppress(OSError, ssl.SSLError):
            await self.writer.wait_closed()


@asynccontextmanager
async def connected(port: int, context: ssl.SSLContext | None = None) -> AsyncIterator[Client]:
    """Connect to the engine."""
    async with asyncio.timeout(LONGEST_S):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    client = Client(reader, writer)
    try:
        yield client
    finally:
        await client.close()


def options(number: int = 1, transport: str = "TCP") -> bytes:
    """Return an OPTIONS."""
    return (
        f"OPTIONS sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/{transport} 127.0.0.1:9;"
        f"branch=z9hG4bKo{number}\r\nMax-Forwards: 70\r\nFrom: <sip:a@127.0.0.1>;tag=1\r\n"
        f"To: <sip:127.0.0.1>\r\nCall-ID: o{number}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
    ).encode()


class FarEnd:
    """A trunk of the tests over TCP or TLS: answers each request with a status.

    Attributes:
        port: Its port.
        requests: What it got.
        connections: Connections it has had.
        status: What it answers; 0: nothing.
    """

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.port = 0
        self.requests: list[bytes] = []
        self.connections = 0
        self._changed = asyncio.Event()
        self._writers: list[asyncio.StreamWriter] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.append(writer)
        client = Client(reader, writer)
        while True:
            try:
                request = await client.read_message()
            except (EOFError, ConnectionError, TimeoutError, ssl.SSLError):
                return
            self.requests.append(request)
            self._changed.set()
            if self.status and not request.startswith(b"ACK "):
                writer.write(answer(request, self.status, self.port))

    def late(self, status: int) -> None:
        """Answer the last request, where it came from."""
        self._writers[-1].write(answer(self.requests[-1], status, self.port))

    async def drop(self) -> None:
        """Close the connections."""
        writers, self._writers = self._writers, []
        for writer in writers:
            writer.close()

    async def wait_for(self, method: bytes, number: int = 1) -> bytes:
        """Return the request of a method that came as number so-and-so."""
        async with asyncio.timeout(LONGEST_S):
            while True:
                found = [each for each in self.requests if each.startswith(method + b" ")]
                if len(found) >= number:
                    return found[number - 1]
                self._changed.clear()
                await self._changed.wait()


@asynccontextmanager
async def far_end(
    status: int = 200, context: ssl.SSLContext | None = None, port: int = 0
) -> AsyncIterator[FarEnd]:
    """Run a trunk of the tests."""
    made = FarEnd(status)
    server = await asyncio.start_server(made._serve, "127.0.0.1", port, ssl=context)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        await made.drop()
        await server.wait_closed()


def answer(request: bytes, status: int, port: int) -> bytes:
    """Return an answer to a request; an INVITE that is accepted gets audio."""
    kept = (b"Via", b"From", b"To:", b"Call", b"CSeq")
    lines = [
        line + (b";tag=far" if line.startswith(b"To:") and b";tag=" not in line else b"")
        for line in request.split(b"\r\n")
        if line.startswith(kept)
    ]
    body = b""
    if request.startswith(b"INVITE ") and status == 200:
        kind = b"tls" if b"SIP/2.0/TLS" in request else b"tcp"
        lines.append(b"Contact: <sip:far@127.0.0.1:%d;transport=%b>" % (port, kind))
        lines.append(b"Content-Type: application/sdp")
        body = _SDP
    lines.append(b"Content-Length: %d" % len(body))
    return b"SIP/2.0 %d Status\r\n" % status + b"\r\n".join(lines) + b"\r\n\r\n" + body
