"""One command, one environment: peers' dependencies clash with each other and with ours."""

import subprocess
import venv
from collections.abc import Callable

from eval.systems.peers.known import PEERS, environments, python_of
from memory.errors import InvalidInputError, UnavailableError


def install(name: str, say: Callable[[str], None]) -> None:
    """Make the peer's environment; what is there already is kept.

    Raises `InvalidInputError` on an unknown name, `UnavailableError` where pip fails.
    """
    if name not in PEERS:
        raise InvalidInputError(f"unknown peer {name!r}; known: {', '.join(PEERS)}")
    folder = environments() / name
    if not python_of(name).exists():
        say(f"{name}: making {folder}")
        venv.create(folder, with_pip=True)
    for packages in PEERS[name].packages:
        say(f"{name}: installing {' '.join(packages)}")
        command = [str(python_of(name)), "-m", "pip", "install", "--quiet", *packages]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - fixed names
        if done.returncode:
            raise UnavailableError(f"pip could not install {' '.join(packages)}:\n{done.stderr[-1500:]}")


def installed(name: str) -> dict[str, str]:
    """Return the versions of the distributions that were asked for by name; {} if there is none."""
    if not python_of(name).exists():
        return {}
    named = [part.partition("==")[0] for group in PEERS[name].packages for part in group if part[0] != "-"]
    script = (
        "import sys, importlib.metadata as m\n"
        "for name in sys.argv[1:]:\n"
        "    try: print(name, m.version(name))\n"
        "    except m.PackageNotFoundError: pass\n"
    )
    command = [str(python_of(name)), "-c", script, *named]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - fixed script
    return dict(line.split(" ", 1) for line in done.stdout.splitlines())
