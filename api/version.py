"""Which Satchel this is."""

from importlib.metadata import version

VERSION = version("satchel")
