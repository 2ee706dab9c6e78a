"""The resolver as a small truthful peer: knows the names it was told, and reads numeric addresses as the C library does."""

import socket

_real = socket.getaddrinfo


class Names:
    """Put `lookup` in the place of `socket.getaddrinfo`. `asked` keeps every name that was looked up, numeric ones left out."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._answers: dict[str, list[list[str]]] = {}

    def tell(self, name: str, *answers: list[str]) -> None:
        """The addresses of `name`, one list for each question; the last one from then on."""
        self._answers[name] = list(answers)

    def lookup(self, host, port, family=0, type=0, proto=0, flags=0):
        name = host.encode("idna").decode().lower().rstrip(".")  # the real one does so, and refuses what is no name
        if name not in self._answers:
            return _real(host, port, family, type, proto, flags | socket.AI_NUMERICHOST)
        self.asked.append(name)
        left = self._answers[name]
        addresses = left.pop(0) if len(left) > 1 else left[0]
        return [entry for address in addresses for entry in _real(address, port, family, type, proto, flags | socket.AI_NUMERICHOST)]
