"""Who may try a password at this moment. Knows no password, and keeps a bounded number of names and addresses.

An address that failed too often waits. An account at which too many failed, from wherever, makes those addresses wait that failed
themselves: so a crowd of addresses gets one guess each, and the owner, whose address did not fail, gets in.
"""

import ipaddress
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from hashlib import sha256

FAILURES, WITHIN_S = 10, 60
MOST = 10_000


class Guesses:
    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failed: OrderedDict[str, deque[float]] = OrderedDict()

    def wait(self, username: str, address: str) -> int:
        """The seconds until this address may try this name; 0 if at once."""
        with self._lock:
            from_here = self._recent(_place(address))
            of_it = self._recent(_name(username))
            held = [times for times in (from_here, of_it) if len(times) == FAILURES]
            if not held or not from_here:
                return 0
            return int(WITHIN_S - (self._clock() - max(times[0] for times in held))) + 1

    def failed(self, username: str, address: str) -> None:
        with self._lock:
            for who in (_place(address), _name(username)):
                self._failed.setdefault(who, deque(maxlen=FAILURES)).append(self._clock())
                self._failed.move_to_end(who)
            while len(self._failed) > MOST:
                self._failed.popitem(last=False)

    def _recent(self, who: str) -> list[float]:
        return [at for at in self._failed.get(who, ()) if self._clock() - at < WITHIN_S]


def _place(address: str) -> str:
    """An IPv4 address, or the network of an IPv6 one: whoever has one such address has 2^64 of them."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return f"address {address}"
    if isinstance(ip, ipaddress.IPv6Address):
        ip = ip.ipv4_mapped or ipaddress.ip_network((int(ip) >> 64 << 64, 64)).network_address
    return f"address {ip}"


def _name(username: str) -> str:
    return sha256(username.encode()).hexdigest()
