"""A TCP proxy in front of a database that breaks connections: at a chosen statement, before it arrives or after it was done."""

import contextlib
import socket
import threading


class Cutter:
    """`cut_at` (bytes of a statement) is watched for; `arrives`: the server still gets it, but its answer never comes. Once per setting."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.cut_at: bytes | None = None
        self.arrives = True
        self.cuts = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                try:
                    server = socket.create_connection(self._target)
                except ConnectionRefusedError:  # it is down, and so are we
                    client.close()
                    continue
                threading.Thread(target=self._serve, args=(client, server), daemon=True).start()

    def _serve(self, client: socket.socket, server: socket.socket) -> None:
        back = threading.Thread(target=self._pump, args=(server, client), daemon=True)
        back.start()
        with contextlib.suppress(OSError):
            while data := client.recv(1 << 16):
                if self.cut_at and self.cut_at in data:
                    self.cut_at, self.cuts = None, self.cuts + 1
                    client.shutdown(socket.SHUT_RDWR)  # first, so that no answer passes
                    if self.arrives:
                        server.sendall(data)
                        threading.Event().wait(0.3)  # it is done by then
                    break
                server.sendall(data)
        for end in (client, server):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        back.join()
        client.close()
        server.close()

    def _pump(self, server: socket.socket, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(1 << 16):
                client.sendall(data)
        with contextlib.suppress(OSError):  # also when the server was killed
            client.shutdown(socket.SHUT_RDWR)
