"""The command `satchel`."""

from api.cli.main import main

__all__ = ["main"]
