from pathlib import Path

import pytest

from memory.errors import SetupError
from memory.risk import POLICIES, load_policies

GOOD = """
[policies.abuse]
means = "x"
prevalence = 0.01
watch = 0.2
flag = 0.5
high = 0.9
response_template = "t"
escalate = true
"""


def test_shipped_policies_cover_the_model() -> None:
    """Each policy that the model scores has advice."""
    assert tuple(load_policies()) == POLICIES


def test_a_file_may_watch_for_less(tmp_path: Path) -> None:
    """An operator's file may leave policies out and set limits."""
    (tmp_path / "p.toml").write_text(GOOD)

    found = load_policies(tmp_path / "p.toml")

    assert list(found) == ["abuse"]
    assert found["abuse"].flag == 0.5


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("abuse", "jaywalking"),
        ("flag = 0.5", "flag = 5"),
        ("watch = 0.2", "watch = 0.8"),
        ("escalate = true", 'escalate = "yes"'),
        ('means = "x"', ""),
        ("[policies.abuse]", "not toml ["),
    ],
)
def test_faulty_files_are_refused(tmp_path: Path, old: str, new: str) -> None:
    """A fault in the file stops the start, by name."""
    (tmp_path / "p.toml").write_text(GOOD.replace(old, new))

    with pytest.raises(SetupError, match="risk polic"):
        load_policies(tmp_path / "p.toml")


def test_a_missing_file_is_a_setup_error(tmp_path: Path) -> None:
    """A file that isn't there is named."""
    with pytest.raises(SetupError):
        load_policies(tmp_path / "none.toml")
