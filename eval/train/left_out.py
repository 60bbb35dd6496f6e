"""Fit a model for each history that leaves it out: `python -m eval.train.left_out --data DIR --out FOLDER`.

What the shipped model learned from can only be judged by models that never saw it:
`satchel eval run FILE --system satchel --option models=FOLDER` asks each conversation with its own.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from threadpoolctl import threadpool_limits

from eval.train.prepared import Prepared
from eval.train.questions import SOURCES, Source
from eval.train.relevance import complete, fitted, learned_from, save


def main(arguments: Sequence[str] | None = None) -> None:
    """Write CONVERSATION.npz for every history of a file; one that is there already is kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds own/ and evidence/")
    parser.add_argument("--out", type=Path, required=True, help="folder for the models")
    parser.add_argument("--of", choices=[source.file for source in SOURCES if source.complete], required=True)
    parser.add_argument("--cache", type=Path, default=Path("runs/encoded"))
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    with threadpool_limits(1):  # sums in another order differ in the last bit
        asked = learned_from(options.data, options.cache)
        for name in dict.fromkeys(q.history for source, q in asked if source.file == options.of):
            path = options.out / f"{name}.npz"
            if not path.exists():
                others = _without(asked, name)
                save(path, fitted([question for _, question in others], complete(others))[0])


def _without(asked: list[tuple[Source, Prepared]], name: str) -> list[tuple[Source, Prepared]]:
    """Leave out what is asked of a history, and its questions where they are put to others as strangers'."""
    own = {q.asked.question.text for _, q in asked if q.history == name and q.asked.origin == "own"}
    return [(of, q) for of, q in asked if q.history != name and q.asked.question.text not in own]


if __name__ == "__main__":
    main()
