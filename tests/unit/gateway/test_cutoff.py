"""A peer is found by its address, and its connection shut down without taking its descriptor."""

import socket

import pytest

from gateway.cutoff import cut_off, parse_peer


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        pytest.param("ipv4:127.0.0.1:40312", ("127.0.0.1", 40312), id="ipv4"),
        pytest.param("ipv6:%5B::1%5D:40312", ("::1", 40312), id="ipv6, quoted"),
        pytest.param("unix:/tmp/x", None, id="unix socket"),
        pytest.param("unknown", None, id="nothing"),
        pytest.param("ipv4:127.0.0.1:", None, id="no port"),
    ],
)
def test_a_peer_has_an_address(peer: str, address: tuple[str, int] | None) -> None:
    assert parse_peer(peer) == address


def test_the_connection_ends_and_the_descriptor_stays_ours() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as client,
    ):
        accepted, _ = listener.accept()
        with accepted:
            host, port = client.getsockname()
            assert cut_off(f"ipv4:{host}:{port}")
            assert client.recv(1) == b"", "the peer does not see the end"
            assert accepted.recv(1) == b"", "our side does not see the end"
            assert accepted.fileno() >= 0


def test_a_peer_that_is_not_there_is_not_found() -> None:
    assert not cut_off("ipv4:127.0.0.1:1")
    assert not cut_off("unix:")
