"""Addresses: of an actor, and of a caller outside that waits for an answer."""

from collections.abc import Callable
from typing import Generic, TypeVar

from engine.domain.refusals import DialerError

M_contra = TypeVar("M_contra", contravariant=True)


class Ref(Generic[M_contra]):
    """The address of an actor that takes messages of type ``M_contra``.

    It stays the same over restarts of the actor. Two refs are the same only if they are one.
    """

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"Ref({self.name})"


R = TypeVar("R")


class ReplyTo(Generic[R]):
    """Where one answer goes, once; a second answer, or one after the deadline, is dropped."""

    __slots__ = ("_done",)

    def __init__(self, done: Callable[[R | None, DialerError | None], None]) -> None:
        self._done: Callable[[R | None, DialerError | None], None] | None = done

    @property
    def open(self) -> bool:
        """Whether an answer is still waited for."""
        return self._done is not None

    def resolve(self, value: R | None, error: DialerError | None) -> None:
        """Deliver the answer or the refusal; later ones are dropped."""
        done, self._done = self._done, None
        if done is not None:
            done(value, error)

    def close(self) -> None:
        """Drop whatever answer comes."""
        self._done = None
