"""The table of settings in docs/settings.md: `python -m api.settings_table [--check]`."""

import sys
from pathlib import Path

from api.settings import Settings
from memory.errors import SetupError

PAGE = Path("docs/settings.md")

_HEAD = """# Settings

Each is an environment variable. This page is made by `python -m api.settings_table`; the tests hold it
equal to the code.

| variable | default | meaning |
|---|---|---|
"""


def page() -> str:
    """Return the page as the code has it."""
    rows = [
        f"| `SATCHEL_{name.upper()}` | `{field.default}` | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    return _HEAD + "\n".join(rows) + "\n"


def main(arguments: list[str]) -> None:
    """Write the page, or with `--check` raise `SetupError` where it is not what the code says."""
    if "--check" not in arguments:
        PAGE.write_text(page())
    elif PAGE.read_text() != page():
        raise SetupError(f"{PAGE} is old; run `python -m api.settings_table`")


if __name__ == "__main__":
    main(sys.argv[1:])
