"""What a receipt says about backups that still hold what was erased."""

from typing import Any


def no_backups(tenant: str) -> dict[str, Any]:
    """Return what is known where the service makes no backups itself."""
    del tenant
    return {
        "last_expires_at": None,
        "note": "none are known to this service; copies made by others are theirs",
    }
