"""A TCP proxy on loopback whose network can fail."""

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Iterator
from enum import Enum

_CHUNK = 65536


class Network(Enum):
    """What becomes of bytes, and of new connections."""

    FINE = "fine"
    LATE = "late"  # every byte comes 5 s later
    SILENT = "silent"  # connections are taken, nothing comes back
    RESET = "reset"  # connections are cut, and new ones at once


DELAY = 5.0


class Proxy:
    """Forwards to a port of this machine, as its network allows."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._network = Network.FINE
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def network(self) -> Network:
        """How the network is."""
        return self._network

    @network.setter
    def network(self, value: Network) -> None:
        self._network = value
        if value is Network.RESET:
            for end in list(self._open):
                _reset(end)

    def close(self) -> None:
        """Cut everything."""
        _reset(self._listener)
        self.network = Network.RESET

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if self._network is Network.RESET:
                _reset(near)
                continue
            # In a thread of its own: a target that is stopped takes no connections after a few.
            threading.Thread(target=self._join, args=(near,), daemon=True).start()

    def _join(self, near: socket.socket) -> None:
        try:
            far = socket.create_connection(("127.0.0.1", self._target))
        except OSError:
            _reset(near)
            return
        self._open |= {near, far}
        for source, sink in ((near, far), (far, near)):
            threading.Thread(target=self._forward, args=(source, sink), daemon=True).start()

    def _forward(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(_CHUNK):
                if self._network is Network.LATE:
                    time.sleep(DELAY)
                while self._network is Network.SILENT:
                    time.sleep(0.01)
                sink.sendall(data)
        for end in (source, sink):
            self._open.discard(end)
            with contextlib.suppress(OSError):
                end.close()


def _reset(end: socket.socket) -> None:
    """Close with RST, so that the other side learns at once."""
    with contextlib.suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        end.shutdown(socket.SHUT_RDWR)
    with contextlib.suppress(OSError):
        end.close()


@contextlib.contextmanager
def proxied(target: int) -> Iterator[Proxy]:
    """Run a proxy before a port."""
    proxy = Proxy(target)
    try:
        yield proxy
    finally:
        proxy.close()
