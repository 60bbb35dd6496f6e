from pathlib import Path

import numpy as np
import pytest

from memory.errors import CorruptFileError, EncoderMismatchError
from memory.intent.model import IntentModel, load, shipped
from memory.intent.taxonomy import taxonomy
from tests.unit.intent.conftest import toward


def test_a_model_survives_its_file(model: IntentModel, tmp_path: Path) -> None:
    """A saved model scores as before."""
    model.save(tmp_path / "m.npz")

    again = load(tmp_path / "m.npz")

    vector = toward("editing")
    assert np.allclose(again.scores("sql now", vector), model.scores("sql now", vector), atol=0.01)
    assert (again.name, again.labels, again.words) == (model.name, model.labels, model.words)


def test_the_shipped_model_fits_the_taxonomy() -> None:
    """The model in the package knows the labels of the taxonomy in the package."""
    assert shipped().labels == taxonomy().names


def test_other_files_are_refused(tmp_path: Path) -> None:
    """A file that is no model is a typed error."""
    (tmp_path / "m.npz").write_bytes(b"not a model")
    np.savez(tmp_path / "n.npz", a=1)

    for name in ("m.npz", "n.npz", "missing.npz"):
        with pytest.raises(CorruptFileError):
            load(tmp_path / name)


def test_another_encoder_is_refused(model: IntentModel) -> None:
    """Vectors of another encoder mean nothing to the model."""
    model.check("toy/2", 17)
    with pytest.raises(EncoderMismatchError, match="satchel intents train"):
        model.check("other/1", 17)
