"""Any sentence-transformers model as an encoder (extra `models`)."""

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from memory.encoders.port import Encoding, batches_by_length, unit
from memory.errors import SetupError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


class TransformersEncoder:
    """A sentence-transformers model: pooled and token vectors from one forward pass."""

    def __init__(self, model: str, *, device: str | None = None) -> None:
        """Load `model` (a name or a folder); raise `SetupError` where that can't be done."""
        self._model = _load(model, device)
        # Its tokenizer keeps the padding of the last call in itself, so calls take turns.
        self._turn = threading.Lock()
        self.id = f"{model.rstrip('/').rsplit('/', 1)[-1]}/sentence-transformers"
        self.dim = int(self._model.get_sentence_embedding_dimension() or 0)
        self.max_pieces = int(self._model.max_seq_length or 512)
        if not self._model.tokenizer.is_fast:
            raise SetupError(f"{model!r} has no fast tokenizer, which token vectors need")

    def encode(self, texts: Sequence[str]) -> list[Encoding]:
        """Return one encoding per text, in the order of `texts`."""
        with self._turn:
            pieces = self._model.tokenizer(
                list(texts), truncation=True, max_length=self.max_pieces, return_offsets_mapping=True
            )
            lengths = [len(ids) for ids in pieces["input_ids"]]
            found: list[Encoding | None] = [None] * len(lengths)
            for batch in batches_by_length(lengths):
                outputs = self._model.encode(
                    [texts[place] for place in batch],
                    output_value=None,
                    batch_size=len(batch),
                    show_progress_bar=False,
                )
                for place, output in zip(batch, outputs, strict=True):
                    states = output["token_embeddings"].float().cpu().numpy()[: lengths[place]]
                    found[place] = Encoding(
                        pooled=unit(output["sentence_embedding"].float().cpu().numpy()),
                        tokens=unit(states[1:-1]),
                        spans=np.array(pieces["offset_mapping"][place][1:-1], np.int32).reshape(-1, 2),
                    )
        return [encoding for encoding in found if encoding is not None]


def _load(model: str, device: str | None) -> "SentenceTransformer":
    try:
        from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - an optional extra
    except ImportError as error:
        raise SetupError("this encoder needs the extra 'models': pip install 'satchel[models]'") from error
    try:
        return SentenceTransformer(model, device=device)
    except (OSError, ValueError) as error:
        raise SetupError(f"can't load the encoder {model!r}: {error}") from error
