"""A listener with TLS: who has no part in it gets nothing."""

from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import grpc.aio
import pytest
import pytest_asyncio
import trustme

from engine.domain.refusals import InvalidRequestError
from gateway.identity import caller_of
from gateway.pb.paceline.v1 import dnc_pb2, dnc_pb2_grpc
from gateway.server import Gateway, Tls
from tests.integration.gateway.conftest import Context, Dnc
from tests.support.load import PATIENCE_S

pytestmark = pytest.mark.asyncio


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def identity(authority: trustme.CA, folder: Path, *, mutual: bool) -> Tls:
    leaf = authority.issue_cert("127.0.0.1")
    leaf.private_key_pem.write_to_path(str(folder / "key.pem"))
    for part in leaf.cert_chain_pems:
        part.write_to_path(str(folder / "chain.pem"), append=True)
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    return Tls(folder / "chain.pem", folder / "key.pem", folder / "ca.pem" if mutual else None)


def register(server: grpc.aio.Server) -> None:
    dnc_pb2_grpc.add_DncServiceServicer_to_server(Dnc(), server)


@pytest_asyncio.fixture(params=[False, True], ids=["tls", "mutual"])
async def secure_port(
    request: pytest.FixtureRequest, authority: trustme.CA, tmp_path: Path
) -> AsyncIterator[tuple[int, bool]]:
    mutual = bool(request.param)
    gateway = Gateway(
        [register], listen="127.0.0.1:0", tls=identity(authority, tmp_path, mutual=mutual)
    )
    yield await gateway.start(), mutual
    await gateway.stop(0)


class Names(Dnc):
    """Keeps who called."""

    def __init__(self) -> None:
        self.callers: list[str] = []

    async def CheckDncNumber(
        self, request: dnc_pb2.CheckDncNumberRequest, context: Context
    ) -> dnc_pb2.CheckDncNumberResponse:
        self.callers.append(caller_of(context))
        return dnc_pb2.CheckDncNumberResponse(listed=True)


@pytest.mark.parametrize(
    ("common_name", "who"),
    [
        pytest.param("reports-01", "reports-01", id="a name"),
        pytest.param("schedule", "operator", id="a name of ours"),
        pytest.param("a b", "operator", id="no name for a log"),
        pytest.param(None, "operator", id="none"),
    ],
)
async def test_a_certificate_says_who_calls_and_metadata_does_not_gainsay_it(
    authority: trustme.CA, tmp_path: Path, common_name: str | None, who: str
) -> None:
    names = Names()
    gateway = Gateway(
        [lambda server: dnc_pb2_grpc.add_DncServiceServicer_to_server(names, server)],
        listen="127.0.0.1:0",
        tls=identity(authority, tmp_path, mutual=True),
    )
    port = await gateway.start()
    client = authority.issue_cert("client@paceline.test", common_name=common_name)
    credentials = grpc.ssl_channel_credentials(
        authority.cert_pem.bytes(),
        client.private_key_pem.bytes(),
        b"".join(part.bytes() for part in client.cert_chain_pems),
    )
    said = (("x-paceline-user", "eve"),) if common_name else ()
    assert await ask(port, credentials, said)
    assert names.callers == [who]
    await gateway.stop(0)


async def ask(
    port: int,
    credentials: grpc.ChannelCredentials | None,
    metadata: tuple[tuple[str, str], ...] = (),
) -> bool:
    target = f"127.0.0.1:{port}"
    channel = (
        grpc.aio.insecure_channel(target)
        if credentials is None
        else grpc.aio.secure_channel(target, credentials)
    )
    async with channel:
        stub = dnc_pb2_grpc.DncServiceStub(channel)
        request = dnc_pb2.CheckDncNumberRequest(number="+14155550100")
        return (await stub.CheckDncNumber(request, timeout=PATIENCE_S, metadata=metadata)).listed


async def test_a_client_that_trusts_the_server_and_is_trusted_gets_in(
    secure_port: tuple[int, bool], authority: trustme.CA
) -> None:
    port, _ = secure_port
    client = authority.issue_cert("client@paceline.test")
    credentials = grpc.ssl_channel_credentials(
        authority.cert_pem.bytes(),
        client.private_key_pem.bytes(),
        b"".join(part.bytes() for part in client.cert_chain_pems),
    )
    assert await ask(port, credentials)


async def test_a_client_without_a_certificate_gets_in_only_where_none_is_asked(
    secure_port: tuple[int, bool], authority: trustme.CA
) -> None:
    port, mutual = secure_port
    credentials = grpc.ssl_channel_credentials(authority.cert_pem.bytes())
    if mutual:
        with pytest.raises(grpc.aio.AioRpcError):
            await ask(port, credentials)
    else:
        assert await ask(port, credentials)


async def test_plain_text_gets_nothing(secure_port: tuple[int, bool]) -> None:
    with pytest.raises(grpc.aio.AioRpcError):
        await ask(secure_port[0], None)


async def test_a_server_of_another_authority_is_not_believed(
    secure_port: tuple[int, bool],
) -> None:
    with pytest.raises(grpc.aio.AioRpcError):
        await ask(secure_port[0], grpc.ssl_channel_credentials(trustme.CA().cert_pem.bytes()))


async def test_files_that_are_missing_are_named(tmp_path: Path) -> None:
    tls = Tls(tmp_path / "no.pem", tmp_path / "no.key")
    with pytest.raises(InvalidRequestError, match=r"no\.key"):
        await Gateway([register], listen="127.0.0.1:0", tls=tls).start()


async def test_an_address_in_use_is_a_clear_error(tmp_path: Path) -> None:
    first = Gateway([register], listen="127.0.0.1:0")
    port = await first.start()
    second = Gateway([register], listen=f"127.0.0.1:{port}")
    with pytest.raises(InvalidRequestError, match="cannot listen"):
        await second.start()
    await first.stop(0)
