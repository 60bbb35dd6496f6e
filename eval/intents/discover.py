"""Find kinds of sessions that the labels don't have: cluster, sample, measure stability, browse, label."""

import html
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from eval.intents.vectors import VectorCache
from eval.report.document import document
from memory.encoders.port import Floats, unit
from memory.intent import IntentTagger
from memory.intent.masking import mask
from memory.intent.state import turn_weight

_SAMPLES = 6
_REPEATS = 5
_SNIPPET = 240
_TURNS = 8
_UNSURE = "abstained"


@dataclass(frozen=True, slots=True)
class Session:
    """A session's name and its user turns."""

    name: str
    turns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cluster:
    """Sessions alike. samples: the most typical, masked, then some from the edge, each with the tag that it
    got or None where the tagger abstained. labels: tags within.
    """

    number: int
    size: int
    labels: dict[str, int]
    samples: tuple[tuple[Session, str | None], ...]
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Discovery:
    """Clusters, largest first. stability: mean adjusted Rand index of repeats on resampled sessions."""

    clusters: tuple[Cluster, ...]
    stability: float
    sessions: int


def discover(
    sessions: Sequence[Session], cache: VectorCache, tagger: IntentTagger, *, clusters: int, seed: int = 0
) -> Discovery:
    """Return clusters of sessions; texts are masked before they are encoded and shown."""
    masked = [Session(item.name, tuple(mask(turn).text for turn in item.turns[:_TURNS])) for item in sessions]
    vectors, tags = _vectors(masked, cache, tagger)
    count = max(2, min(clusters, len(masked) // 3))
    model = KMeans(count, n_init=4, random_state=seed).fit(vectors)
    places = model.labels_
    found = [
        _cluster(
            number,
            np.flatnonzero(places == number),
            masked,
            vectors,
            tags,
            center=model.cluster_centers_[number],
        )
        for number in range(count)
    ]
    found.sort(key=lambda cluster: -cluster.size)
    return Discovery(tuple(found), stability(vectors, count, seed), len(masked))


def stability(vectors: Floats, count: int, seed: int) -> float:
    """Return how alike clusterings of random four fifths of the sessions are, where they overlap."""
    rng = np.random.default_rng(seed)
    runs: list[NDArray[np.int32]] = []
    for repeat in range(_REPEATS):
        chosen = rng.random(len(vectors)) < 0.8  # noqa: PLR2004 - four fifths
        if chosen.sum() <= count:
            return float("nan")
        runs.append(KMeans(count, n_init=2, random_state=repeat).fit(vectors[chosen]).predict(vectors))
    pairs = [adjusted_rand_score(runs[i], runs[j]) for i in range(_REPEATS) for j in range(i)]
    return float(np.mean(pairs))


def write(found: Discovery, folder: Path) -> None:
    """Write `index.html` to browse and `label.jsonl` to fill in."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "index.html").write_text(page(found), "utf-8")
    with (folder / "label.jsonl").open("w", encoding="utf-8") as out:
        for cluster in found.clusters:
            for session, guess in cluster.samples:
                row = {
                    "session": session.name,
                    "cluster": cluster.number,
                    "guess": guess,
                    "label": None,
                    "messages": [{"role": "user", "content": turn} for turn in session.turns],
                }
                out.write(json.dumps(row, ensure_ascii=False) + "\n")


def page(found: Discovery) -> str:
    """Return a self-contained page of all clusters."""
    parts = [
        "<h1>Sessions by kind</h1>",
        f"<p>{found.sessions} sessions, {len(found.clusters)} clusters.</p>",
        f"<p>Stability {found.stability:.2f} (1 = the same every time). Texts are masked.</p>",
    ]
    for cluster in found.clusters:
        tags = ", ".join(f"{name} {n}" for name, n in sorted(cluster.labels.items(), key=lambda x: -x[1])[:4])
        shown = [" / ".join(session.turns)[:_SNIPPET] for session, _ in cluster.samples]
        items = "".join(f"<li>{html.escape(text)}</li>" for text in shown)
        words = html.escape(", ".join(cluster.words))
        parts.append(
            f"<h2>{words}</h2><small>cluster {cluster.number}: {cluster.size} sessions; {html.escape(tags)}"
            f"</small><ul>{items}</ul>"
        )
    return document("Sessions by kind", "\n".join(parts))


def _vectors(
    sessions: Sequence[Session], cache: VectorCache, tagger: IntentTagger
) -> tuple[Floats, list[str]]:
    pooled = iter(cache.encode([turn for item in sessions for turn in item.turns]))
    rows, tags = [], []
    for item in sessions:
        own = [next(pooled) for _ in item.turns]
        weights = np.array([turn_weight(turn, first=place == 0) for place, turn in enumerate(item.turns)])
        rows.append((weights / weights.sum()) @ np.stack(own))
        tag = tagger.tag(own, item.turns, ["user"] * len(own))
        tags.append("other" if tag is None else _UNSURE if tag.abstained else tag.label)
    return unit(np.stack(rows).astype(np.float32)), tags


def _cluster(
    number: int,
    rows: NDArray[np.int64],
    sessions: Sequence[Session],
    vectors: Floats,
    tags: Sequence[str],
    *,
    center: Floats,
) -> Cluster:
    # Of sessions that begin alike one is enough to read.
    first: dict[str, int] = {}
    for row in rows[np.argsort(-(vectors[rows] @ center))]:
        first.setdefault(sessions[row].turns[0], int(row))
    order = list(first.values())
    # The core says what a cluster is, the edge where it ends.
    chosen = list(dict.fromkeys([*order[: _SAMPLES - 2], *order[-2:]]))
    inside = [tags[row] for row in rows]
    return Cluster(
        number=number,
        size=len(rows),
        labels={label: inside.count(label) for label in sorted(set(inside))},
        samples=tuple((sessions[row], None if tags[row] == _UNSURE else tags[row]) for row in chosen),
        words=_words([sessions[row] for row in rows], sessions),
    )


def _words(inside: Sequence[Session], every: Sequence[Session]) -> tuple[str, ...]:
    """Return the five words that tell the cluster from the rest."""
    here, all_of = _counts(inside), _counts(every)
    scores = {word: n / len(inside) - all_of[word] / len(every) for word, n in here.items() if n > 1}
    return tuple(sorted(scores, key=lambda word: -scores[word])[:5])


def _counts(sessions: Sequence[Session]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for item in sessions:
        words = {word.strip(".,?!:;\"'()").lower() for turn in item.turns for word in turn.split()}
        for word in words:
            if len(word) > 3:  # noqa: PLR2004 - short words tell little
                counts[word] = counts.get(word, 0) + 1
    return counts
