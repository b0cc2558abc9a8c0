"""How TLS peers are met, by the link of their destinations; renewed when a file changes."""

from collections.abc import Callable

from engine.telephony.sip.tls import TlsFilesError, TlsProfile


class TlsProfiles:
    """Holds profiles by key, and tells which became another."""

    __slots__ = ("_on_changed", "_profiles")

    def __init__(self, on_changed: Callable[[str], None]) -> None:
        """Begin without any.

        Args:
            on_changed: Learns the key of a profile that replaced another one.
        """
        self._on_changed = on_changed
        self._profiles: dict[str, TlsProfile] = {}

    def set(self, key: str, profile: TlsProfile) -> None:
        """Set a profile; one of the same files, which have not changed, changes nothing."""
        old = self._profiles.get(key)
        if old is not None and _are_same(old, profile):
            return
        self._profiles[key] = profile
        if old is not None:
            self._on_changed(key)

    def find(self, key: str) -> TlsProfile | None:
        """Return the profile of a key."""
        return self._profiles.get(key)

    def renew(self) -> int:
        """Read anew what has changed on disk; a wrong file leaves its profile as it was.

        Returns:
            Profiles that could not be renewed; they are tried again the next time. [profiles]
        """
        failed = 0
        for key, profile in list(self._profiles.items()):
            if not profile.is_stale:
                continue
            try:
                self.set(key, profile.renewed())
            except TlsFilesError:
                failed += 1
        return failed


def _are_same(old: TlsProfile, new: TlsProfile) -> bool:
    """Say whether two profiles are of the same files in the same state."""
    known = old.files is not None and old[1:] == new[1:]
    return known or (old.context is new.context and old.name == new.name)
