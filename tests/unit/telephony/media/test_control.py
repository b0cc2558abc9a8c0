"""The switch's end of its control socket: a whole turn of the engine fits a datagram."""

import socket

import msgspec

from engine.telephony.media import messages
from engine.telephony.media.link import COMMANDS_A_BATCH
from engine.telephony.media.switch import Control

LONGEST_NAME = "\N{GRINNING FACE}" * 500
"""As the API allows it: 500 characters, four octets each."""


def test_a_turn_of_prompts_with_the_longest_names_comes_whole() -> None:
    plays = [messages.Play(row, row, LONGEST_NAME, True, False) for row in range(COMMANDS_A_BATCH)]
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        for end in (ours, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        ours.send(msgspec.msgpack.encode(messages.Commands(1, list(plays))))
        control = Control(theirs)
        assert control.receive() == plays
        assert control.acked == 1
