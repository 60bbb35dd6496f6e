"""Any sentence-transformers model as an encoder (extra `models`)."""

import threading
from collections.abc import Sequence

import numpy as np

from memory.encoders.port import Encoding, Floats, batches_by_length, unit
from memory.errors import SetupError

try:
    import torch
    from sentence_transformers import SentenceTransformer
except ImportError as missing:
    raise SetupError("this encoder needs the extra 'models': pip install 'satchel[models]'") from missing


class TransformersEncoder:
    """A sentence-transformers model: pooled and token vectors from one forward pass."""

    def __init__(self, model: str, *, device: str | None = None) -> None:
        """Load `model` (a name or a folder); raise `SetupError` where that can't be done."""
        self._model = _load(model, device)
        # Its tokenizer keeps the padding of the last call in itself, so calls take turns.
        self._turn = threading.Lock()
        self.id = f"{model.rstrip('/').rsplit('/', 1)[-1]}/sentence-transformers"
        self.dim = int(self._model.get_embedding_dimension() or 0)
        self.max_pieces = int(self._model.max_seq_length or 512)
        if not self._model.tokenizer.is_fast:
            raise SetupError(f"{model!r} has no fast tokenizer, which token vectors need")

    def encode(self, texts: Sequence[str]) -> list[Encoding]:
        """Return one encoding per text, in the order of `texts`."""
        if not texts:
            return []
        with self._turn:
            pieces = self._model.tokenizer(
                list(texts), truncation=True, max_length=self.max_pieces, return_offsets_mapping=True
            )
            spans = pieces.pop("offset_mapping")
            lengths = [len(ids) for ids in pieces["input_ids"]]
            found: list[Encoding | None] = [None] * len(lengths)
            for batch in batches_by_length(lengths):
                output = self._forward({name: [rows[i] for i in batch] for name, rows in pieces.items()})
                for row, place in enumerate(batch):
                    # The first and last states belong to the special tokens: pooled, but not kept.
                    states = output["token_embeddings"][row, 1 : lengths[place] - 1]
                    found[place] = Encoding(
                        pooled=unit(output["sentence_embedding"][row]),
                        tokens=unit(states),
                        spans=np.array(spans[place][1:-1], np.int32).reshape(-1, 2),
                    )
        return [encoding for encoding in found if encoding is not None]

    def _forward(self, pieces: dict[str, list[list[int]]]) -> dict[str, Floats]:
        """Run the model's modules on word pieces; return its pooled and token vectors."""
        padded = self._model.tokenizer.pad(pieces, return_tensors="pt").to(self._model.device)
        with torch.inference_mode():
            output = self._model.forward(dict(padded))
        return {
            name: output[name].float().cpu().numpy() for name in ("token_embeddings", "sentence_embedding")
        }


def _load(model: str, device: str | None) -> SentenceTransformer:
    try:
        loaded: SentenceTransformer = SentenceTransformer(model, device=device)
    except (OSError, ValueError) as error:
        raise SetupError(f"can't load the encoder {model!r}: {error}") from error
    return loaded
