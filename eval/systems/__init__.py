"""Everything that can be judged, by name."""

from importlib import import_module

from eval.systems.peers.known import PEERS
from eval.systems.peers.system import PeerSystem
from eval.systems.port import Delivered, Item, Means, Quality, System, SystemFailedError
from memory.errors import InvalidInputError

__all__ = ["Delivered", "Item", "Means", "Quality", "System", "SystemFailedError", "make", "names"]

# Modules are imported when asked for: a baseline needs no service, a peer no other peer.
_PLACES = {
    "satchel": ("satchel", "Satchel"),
    "newest": ("newest", "Newest"),
    "random": ("random", "Random"),
    "bm25": ("bm25", "Bm25"),
    "dense": ("dense", "Dense"),
    "rrf": ("rrf", "ReciprocalRank"),
    "full": ("full", "FullHistory"),
}


def names() -> list[str]:
    """Return what `make` knows."""
    return [*_PLACES, *PEERS]


def make(name: str, means: Means) -> System:
    """Return a new system; raise `InvalidInputError` on an unknown name."""
    if name in PEERS:
        return PeerSystem(name, means)
    if name not in _PLACES:
        raise InvalidInputError(f"unknown system {name!r}; known: {', '.join(names())}")
    module, maker = _PLACES[name]
    system: System = getattr(import_module(f"eval.systems.{module}"), maker)(means)
    return system
