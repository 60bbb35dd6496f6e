"""What a purge needs of the stores that are derived from the ledger."""

from collections.abc import Collection, Iterator
from typing import Protocol

from memory.residue import Piece
from memory.scope import Scope


class Derived(Protocol):
    """A store derived from turns: what it holds of them must go when they go."""

    def delete(self, scope: Scope, keys: Collection[int] | None = None) -> None:
        """Remove what came from these turns, or from all of the user's; durable on return."""

    def traces(self, scope: Scope, keys: Collection[int]) -> Iterator[Piece]:
        """Yield pieces of what is kept of these turns, to be looked for once they were removed."""

    def held(self) -> Iterator[bytes]:
        """Yield all that is kept now, of everybody, as the bytes in local files."""

    def compact(self, *, thorough: bool = False) -> str:
        """Get removed turns out of the files, or raise `UnavailableError`; return in words how."""
