"""What the commands share: the data folder, output for people and for scripts, exit codes."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from pydantic import ValidationError
from rich.console import Console

from api.settings import Settings
from memory.errors import ConflictError, InvalidInputError, NotFoundError, SatchelError, SetupError

# 0 done, 1 failed, 2 wrong usage (also typer's own), 3 not found, 4 an operator must act.
EXIT_CODES: tuple[tuple[type[SatchelError], int], ...] = (
    (NotFoundError, 3),
    (SetupError, 4),
    (InvalidInputError, 2),
    (ConflictError, 1),
    (SatchelError, 1),
)

Data = Annotated[Path | None, typer.Option("--data", help="Data folder (default: SATCHEL_DATA or ./data).")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
Tenant = Annotated[str, typer.Option("--tenant", help="Whose users are meant.")]

console = Console(stderr=True)


def settings_with(**given: Any) -> Settings:
    """Return the settings, with those given on the command line before the environment's."""
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise SetupError(
            f"a setting is wrong: {wrong} (environment variables begin with SATCHEL_)"
        ) from error


def show(value: object) -> None:
    """Print one line of JSON."""
    sys.stdout.write(json.dumps(value, default=str) + "\n")


def say(text: str) -> None:
    """Print a line."""
    sys.stdout.write(text + "\n")


def fail(error: SatchelError) -> NoReturn:
    """Print what was wrong and leave with the code of its kind."""
    console.print(f"[bold red]satchel:[/] {error}", highlight=False, soft_wrap=True)
    raise SystemExit(next(code for kind, code in EXIT_CODES if isinstance(error, kind)))
