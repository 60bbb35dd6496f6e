"""Who asks, what they may do, and how much of it."""

from api.access.authenticator import Authenticator
from api.access.caller import Caller

__all__ = ["Authenticator", "Caller"]
