import pytest

from memory.errors import CorruptFileError
from memory.intent.taxonomy import parse, taxonomy


def test_all_labels_have_rules_and_a_group() -> None:
    """Every label says what it means and what it is not."""
    known = taxonomy()

    assert len(known.names) == len(set(known.names)) == 17
    assert all(label.means and label.yes and label.no for label in known.labels)


def test_edges_name_labels() -> None:
    """Each edge is decided for a label of the taxonomy, with a reason."""
    known = taxonomy()

    assert {edge.label for edge in known.edges} <= set(known.names)
    assert all(edge.why for edge in known.edges)


def test_unknown_groups_are_refused() -> None:
    """A label of an unknown group makes the file unusable."""
    with pytest.raises(CorruptFileError, match="leisure"):
        parse('version = 1\n[labels.x]\ngroup = "leisure"\nmeans = ""\nyes = []\nno = []\n')
