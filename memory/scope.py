"""Whose memory is meant: every read and write names a scope."""

from dataclasses import dataclass

from memory.errors import InvalidInputError

MAX_NAME = 256


@dataclass(frozen=True, slots=True)
class Scope:
    """A tenant's user and, where only one conversation is meant, a session.

    There is no scope for "everybody": an empty name raises `InvalidInputError`.
    """

    tenant: str
    user: str
    session: str | None = None

    def __post_init__(self) -> None:
        for field, name in (("tenant", self.tenant), ("user", self.user), ("session", self.session)):
            if name is None and field == "session":
                continue
            check_name(field, name)

    def whole_user(self) -> "Scope":
        """Return the same scope without its session."""
        return Scope(self.tenant, self.user)


def check_name(field: str, name: object) -> None:
    """Raise `InvalidInputError` unless `name` is a usable identifier."""
    if not isinstance(name, str) or not name.strip():
        raise InvalidInputError(f"{field} must be a non-empty string")
    if len(name) > MAX_NAME:
        raise InvalidInputError(f"{field} is longer than {MAX_NAME} characters")
    if not name.isprintable():
        raise InvalidInputError(f"{field} must hold printable characters only")
