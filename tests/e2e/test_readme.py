"""The README's commands work as they are printed."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.serving import ROOT, Server, new_key

README = (ROOT / "README.md").read_text()
ADDRESS = "http://127.0.0.1:8377"


def blocks(language: str) -> list[str]:
    """Return the code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def test_the_first_conversation_in_curl(server: Server) -> None:
    """Both commands answer, and the context is the one that the page shows."""
    env = os.environ | {"SATCHEL_KEY": new_key(server.data)}
    (script,) = blocks("sh")

    done = subprocess.run(
        ["/bin/sh", "-ec", script.replace(ADDRESS, server.url)],
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )

    assert '"seq":2' in done.stdout
    shown = re.search(r'^user: "The Aurora.*"$', README, re.MULTILINE)
    assert shown is not None
    assert shown[0].replace('"', '\\"') in done.stdout
    assert "peanuts" not in done.stdout.split('"context"')[1].split('"items"')[0]


def test_the_first_conversation_in_python(server: Server, tmp_path: Path) -> None:
    """The example runs to its end."""
    env = os.environ | {"SATCHEL_KEY": new_key(server.data)}
    (source,) = blocks("python")
    script = tmp_path / "example.py"
    script.write_text(source.replace(ADDRESS, server.url))

    subprocess.run([sys.executable, str(script)], env=env, check=True)


@pytest.mark.parametrize("link", re.findall(r"\]\(((?:docs|tests)/[^)]*)\)", README))
def test_links_lead_somewhere(link: str) -> None:
    """No page is promised that isn't there."""
    assert (ROOT / link).exists()
