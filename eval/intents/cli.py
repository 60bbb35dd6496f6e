"""`satchel intents`: discover kinds of sessions, train on labels, report what the fleet is used for."""

import json
from collections import defaultdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from api.cli.shared import AsJson, Data, Tenant, say, settings_with, show
from api.stores import DEFAULT_TENANT, open_ledger
from eval.intents import report as reports
from eval.intents.examples import YOURS, Example, read_jsonl, seed_examples, training, user_turns
from eval.intents.vectors import VectorCache
from memory import analytics
from memory.encoders import OnnxEncoder
from memory.errors import InvalidInputError
from memory.intent import IntentTagger
from memory.intent.taxonomy import taxonomy

app = typer.Typer(help="What sessions are about: discover, train, report.", no_args_is_help=True)

Cache = Annotated[Path, typer.Option(help="Folder for encoded texts.")]
_CACHE = Path("runs/intent-cache")


@app.command("discover")
def discover_command(  # noqa: PLR0917 - typer reads them by name
    data: Data = None,
    tenant: Tenant = DEFAULT_TENANT,
    file: Annotated[
        Path | None, typer.Option(help="Sessions as JSON Lines instead of the data folder.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the page and the file to label.")] = Path(
        "runs/discover"
    ),
    before: Annotated[
        str | None,
        typer.Option(help="Only the messages that this outcome followed: retry, abandon, thumbs_down …"),
    ] = None,
    clusters: Annotated[int, typer.Option(min=2)] = 20,
    cache: Cache = _CACHE,
    *,
    as_json: AsJson = False,
) -> None:
    """Cluster masked sessions, or the messages before an outcome; write a page and a file to label."""
    from eval.intents.discover import Session, discover, write  # noqa: PLC0415 - loads scikit-learn
    from eval.intents.remembered import before_outcome, remembered  # noqa: PLC0415

    if file is not None:
        found = [Session(str(place), user_turns(row)) for place, row in enumerate(read_jsonl(file))]
    else:
        with open_ledger(settings_with(data=data)) as ledger:
            found = before_outcome(ledger, tenant, before) if before else remembered(ledger, tenant)
    found = [session for session in found if session.turns]
    if len(found) < 6:  # noqa: PLR2004 - two clusters of three
        raise InvalidInputError(f"{len(found)} are too few to cluster; at least 6 are needed")
    vectors = VectorCache(OnnxEncoder(), cache if file else None)
    made = discover(found, vectors, IntentTagger(), clusters=clusters)
    write(made, out)
    summary = {
        "sessions": made.sessions,
        "clusters": len(made.clusters),
        "stability": round(made.stability, 3),
    }
    if as_json:
        show(summary | {"out": str(out)})
    else:
        counts = f"{made.sessions} sessions in {len(made.clusters)} clusters"
        say(f"{counts}, stability {made.stability:.2f}: {out}")


@app.command("train")
def train_command(
    labels: Annotated[list[Path] | None, typer.Option(help="Labelled rows of your own, JSON Lines.")] = None,
    corpus: Annotated[Path | None, typer.Option(help="Folder of the project's shared data.")] = None,
    out: Annotated[Path, typer.Option(help="Where the model goes.")] = Path("intent.npz"),
    cache: Cache = _CACHE,
    *,
    as_json: AsJson = False,
) -> None:
    """Fit the intent model on our seeds, your labels and the shared data; write it and its card."""
    from eval.intents.train import card, train  # noqa: PLC0415 - loads scikit-learn

    examples = training(corpus) if corpus else seed_examples()
    for path in labels or []:
        examples += labelled(path)
    encoder = OnnxEncoder()
    results = train(examples, encoder, cache, out)
    out.with_suffix(".md").write_text(card(results, encoder.id), "utf-8")
    if as_json:
        show({"out": str(out), "sources": [[item.source, item.n, item.accuracy] for item in results]})
    else:
        say(f"{len(examples)} examples; model {out}, card {out.with_suffix('.md')}")


@app.command("train-risk")
def train_risk_command(
    corpus: Annotated[Path, typer.Option(help="Folder of the project's shared data.")],
    data: Data = None,
    tenant: Tenant = DEFAULT_TENANT,
    out: Annotated[Path, typer.Option(help="Where the model goes.")] = Path("risk.npz"),
    cache: Cache = _CACHE,
    *,
    as_json: AsJson = False,
) -> None:
    """Fit the risk model on the shared data and on what reviewers decided."""
    from eval.intents.decisions import decided  # noqa: PLC0415 - loads scikit-learn
    from eval.intents.risk_examples import turns_to_learn  # noqa: PLC0415
    from eval.intents.risk_train import train  # noqa: PLC0415

    with open_ledger(settings_with(data=data)) as ledger, ledger.reading(tenant) as tx:
        reviewed = decided(tx, tenant)
    encoder = OnnxEncoder()
    known, corpus_turns = VectorCache(encoder, cache), turns_to_learn(corpus)
    known.encode([turn.text for turn in corpus_turns])
    train([*corpus_turns, *reviewed], encoder, known.unsaved()).save(out)
    if as_json:
        show({"out": str(out), "decisions": len(reviewed)})
    else:
        say(f"model {out}, with {len(reviewed)} decisions")


@app.command("report")
def report_command(  # noqa: PLR0917 - typer reads them by name
    data: Data = None,
    tenant: Tenant = DEFAULT_TENANT,
    days: Annotated[int, typer.Option(min=1, max=366)] = 28,
    out: Annotated[Path | None, typer.Option(help="Write a page of charts here.")] = None,
    labels: Annotated[
        Path | None, typer.Option(help="Labelled rows: adds the confusion of the tagger.")
    ] = None,
    cache: Cache = _CACHE,
    *,
    as_json: AsJson = False,
) -> None:
    """Show shares with intervals, growth, failures and quality by intent, and where the tagger abstains."""
    settings = settings_with(data=data)
    with open_ledger(settings) as ledger, ledger.reading(tenant) as tx:
        least = settings.analytics_min_sessions
        intents = analytics.intents(tx, tenant, days=days, least=least)
        quality = analytics.quality(tx, tenant, days=days, least=least)
    found: dict[str, Any] = {"intents": intents, "quality": quality}
    if labels is not None:
        found["confusion"] = confusion(labelled(labels), cache)
    if out is not None:
        out.write_text(reports.page(intents, quality), "utf-8")
    if as_json:
        show(found)
        return
    Console().print(reports.table(intents))
    if labels is not None:
        say(json.dumps(found["confusion"], indent=1))


def labelled(path: Path) -> list[Example]:
    """Return the rows of a file that have a label; raise `InvalidInputError` on one that isn't ours."""
    known = taxonomy().names
    rows = [row for row in read_jsonl(path) if row.get("label")]
    wrong = sorted({str(row["label"]) for row in rows} - set(known))
    if wrong:
        raise InvalidInputError(
            f"unknown labels in {path.name}: {', '.join(wrong)}; known: {', '.join(known)}"
        )
    return [Example(user_turns(row), row["label"], (), YOURS + path.stem) for row in rows if user_turns(row)]


def confusion(examples: list[Example], cache: Path) -> dict[str, dict[str, int]]:
    """Return, for each label, what the tagger says of its examples; `abstained` is one of the answers."""
    vectors = VectorCache(OnnxEncoder(), cache)
    tagger = IntentTagger()
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for example in examples:
        pooled = list(vectors.encode(example.turns))
        tag = tagger.tag(pooled, example.turns, ["user"] * len(pooled))
        counts[example.label]["abstained" if tag is None or tag.abstained else tag.label] += 1
    return {label: dict(said) for label, said in counts.items()}
