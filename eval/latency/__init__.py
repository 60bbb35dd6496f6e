"""How long the service takes, over real HTTP, beside the bare encoder in the same run."""

from eval.latency.measure import measured

__all__ = ["measured"]
