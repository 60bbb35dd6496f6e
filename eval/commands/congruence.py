"""`satchel eval congruence`."""

import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated

import typer

from api.settings import Settings
from eval.cache import CachedEncoder, default_folder
from eval.commands.shared import console, print_json, told
from eval.congruence import BEST, compared
from eval.datasets import read
from eval.run.encoders import lazy_encoder
from memory.encoders import Encoder
from memory.errors import SetupError
from retrieval.embedded import EmbeddedIndex
from retrieval.index.port import Index
from retrieval.passages.codec import TokenCodec, default_codec

_HOT = 1 << 30


def congruence_command(
    path: Annotated[Path, typer.Argument(help="Evidence file.")],
    limit: Annotated[int | None, typer.Option(min=1, help="Only so many conversations.")] = None,
    budget: Annotated[int, typer.Option(min=1, help="Tokens of a context.")] = 1024,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Put the same questions to the embedded index and to Qdrant's, on the same data.

    A new collection on the server that SATCHEL_QDRANT_URL names is compared, and deleted afterwards.
    """
    with told(), tempfile.TemporaryDirectory(prefix="satchel-congruence-") as folder:
        encoder = CachedEncoder(lazy_encoder("onnx"), default_folder())
        codec = default_codec(encoder.dim)
        embedded = EmbeddedIndex(Path(folder), encoder.id, encoder.dim, codec, hot_bytes=_HOT)
        with closing(embedded), _qdrant(encoder, codec) as qdrant:
            found = [
                each
                for conversation in list(read(path))[:limit]
                for each in compared(conversation, embedded, qdrant, encoder, codec, budget=budget)
            ]
    overlap = sum(each.overlap for each in found) / max(len(found), 1)
    same = sum(each.same_context for each in found) / max(len(found), 1)
    if as_json:
        print_json({"questions": len(found), f"overlap_{BEST}": overlap, "same_context": same})
    else:
        console.print(
            f"{len(found)} questions: {overlap:.4f} of the best {BEST} turns, {same:.1%} equal contexts"
        )


@contextmanager
def _qdrant(encoder: Encoder, codec: TokenCodec) -> Iterator[Index]:
    """Open a new index, and remove it afterwards."""
    settings = Settings()
    if settings.qdrant_url is None:
        raise SetupError(
            "no Qdrant to compare with: set SATCHEL_QDRANT_URL. In a checkout `python -m tests.qdrant FOLDER "
            "6333` serves Qdrant's engine at http://127.0.0.1:6333"
        )
    try:
        from retrieval.qdrant import QdrantIndex, QdrantOptions, connect  # noqa: PLC0415 - an optional extra
    except ImportError as error:
        raise SetupError("Qdrant needs the extra 'cluster': pip install 'satchel[cluster]'") from error
    key = settings.qdrant_api_key.get_secret_value() if settings.qdrant_api_key else None
    clients = connect(settings.qdrant_url, key, read_timeout=60, write_timeout=60)
    options = QdrantOptions(alias="satchel-congruence")
    index = QdrantIndex(clients, encoder.id, encoder.dim, codec, hot_bytes=_HOT, options=options)
    try:
        yield index
    finally:
        index.remove()
        index.close()
