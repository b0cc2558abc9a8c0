"""Durable state behind the ``Store`` port: SQLite for real, memory for virtual time and trials."""

from pathlib import Path
from typing import Protocol

from engine.domain.refusals import InvalidRequestError
from engine.ports import Store, StoredFact, StoredState
from engine.store.memory import CallLater, MemoryStore, StoreFaults
from engine.store.sqlite import CallSoon, OnCommitted, SqliteStore

__all__ = [
    "EngineStore",
    "MemoryStore",
    "SqliteStore",
    "StoreFaults",
    "StoredFact",
    "open_store",
]


class EngineStore(Store, Protocol):
    """A store as ``open_store`` returns it: recovered, and to be closed."""

    @property
    def recovered(self) -> StoredState:
        """Everything a start needs, as it was when the store was opened."""
        ...

    def close(self) -> None:
        """Commit what waits and let go; blocks."""
        ...


def open_store(
    url: str,
    *,
    call_soon: CallSoon,
    call_later: CallLater,
    on_committed: OnCommitted,
    commit_every_s: float = 0.004,
) -> EngineStore:
    """Open the store that a URL names, and recover from it; blocks.

    Args:
        url: ``sqlite:PATH``, or ``memory:`` (nothing is kept).
        call_soon: Runs a callable on the engine's thread, from any thread.
        call_later: Runs a callable on the engine's thread after a delay [s].
        on_committed: Gets every durable group, in order.
        commit_every_s: Least time between two groups. [s]

    Raises:
        InvalidRequestError: The URL names no store that there is.
        JournalError: The store cannot be opened or trusted; the text says why.
    """
    kind, _, rest = url.partition(":")
    if kind == "memory" and not rest:
        return MemoryStore(call_later, on_committed, latency_s=(0.0, 0.0))
    if kind == "sqlite" and rest:
        return SqliteStore(
            _sqlite_path(url, rest),
            call_soon=call_soon,
            on_committed=on_committed,
            commit_every_s=commit_every_s,
        )
    if kind in {"postgresql", "postgres"}:
        raise _refusal(url.partition("@")[2] or kind, "PostgreSQL is not offered yet")
    raise _refusal(url, "no such store")


def _sqlite_path(url: str, rest: str) -> Path:
    path = Path(rest.removeprefix("//")).expanduser()
    if path.is_dir():
        raise _refusal(url, "that is a folder")
    if not path.parent.is_dir():
        raise _refusal(url, f"there is no folder {path.parent}")
    return path


def _refusal(url: str, reason: str) -> InvalidRequestError:
    text = f"store {url!r}: {reason}; use sqlite:PATH or memory:"
    return InvalidRequestError(text, slug="invalid-store")
