"""All registrations of a user agent: begun, changed, and taken back."""

from collections.abc import Callable

from engine.telephony.sip.account import Account
from engine.telephony.sip.core import Core
from engine.telephony.sip.destination import Destination
from engine.telephony.sip.events import RegistrationOver
from engine.telephony.sip.registration import Registration


class Registrations:
    """All registrations of one user agent, by key."""

    __slots__ = ("_by_key", "_core", "_leaving")

    def __init__(self, core: Core) -> None:
        self._core = core
        self._by_key: dict[str, Registration] = {}
        self._leaving: set[Registration] = set()

    def __len__(self) -> int:
        """Return how many there are, those that are leaving included."""
        return len(self._by_key) + len(self._leaving)

    def set(
        self, account: Account, find: Callable[[], tuple[Destination, ...]], now_s: float
    ) -> None:
        """Register, or go on as changed; one that is the same tells how it stands, if it does."""
        held = self._by_key.get(account.key)
        if held is not None and held.account == account:
            held.look_again(now_s)
            return
        if held is not None and held.account.record == account.record:
            held.change(account, now_s)
            return
        self.drop(account.key, now_s)
        registration = Registration(self._core, account, find, self._over)
        self._by_key[account.key] = registration
        registration.begin(now_s)

    def drop(self, key: str, now_s: float) -> None:
        """Take a registration back, if there is one."""
        held = self._by_key.pop(key, None)
        if held is not None:
            self._leaving.add(held)
            held.leave(now_s)

    def drop_all(self, now_s: float) -> None:
        """Take all registrations back."""
        for key in list(self._by_key):
            self.drop(key, now_s)

    def lose(self, destination: Destination, now_s: float) -> None:
        """Learn that a connection is gone."""
        for held in self._by_key.values():
            held.lose(destination, now_s)

    def _over(self, registration: Registration) -> None:
        self._leaving.discard(registration)
        self._core.emit(RegistrationOver(registration.account.key))
