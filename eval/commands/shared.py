"""What the commands share."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer
from rich.console import Console

from memory.errors import InvalidInputError, SatchelError

console = Console(stderr=True)


@contextmanager
def told() -> Iterator[None]:
    """Turn errors that are meant into one line and exit code 2 (wrong use) or 1 (anything else)."""
    try:
        yield
    except SatchelError as error:
        console.print(f"[red]error:[/red] {error}", soft_wrap=True, highlight=False)
        raise typer.Exit(2 if isinstance(error, InvalidInputError) else 1) from error


def numbers(text: str) -> tuple[int, ...]:
    """Return "256,512" as numbers, ascending; raise `InvalidInputError` where it isn't that."""
    try:
        found = sorted({int(part) for part in text.split(",")})
    except ValueError as error:
        raise InvalidInputError(f"{text!r} is not a list of numbers such as 256,512,1024") from error
    if not found or found[0] < 1:
        raise InvalidInputError("budgets must be positive")
    return tuple(found)


def pairs(texts: list[str]) -> dict[str, str]:
    """Return ["name=value"] as a dictionary."""
    split = [text.partition("=") for text in texts]
    for name, equals, _ in split:
        if not (name and equals):
            raise InvalidInputError(f"{name!r} is not name=value")
    return {name: value for name, _, value in split}


def print_json(content: Any) -> None:
    """Print for a script."""
    sys.stdout.write(json.dumps(content, ensure_ascii=False) + "\n")
