"""Satchel in each of its configurations."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import numpy as np
import psycopg
import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from eval.cli import app
from eval.systems import Means, System, make
from eval.train.untrained import untrained
from memory.encoders import OnnxEncoder
from memory.errors import InvalidInputError, SetupError, UnavailableError
from memory.tokens import TokenCounter
from retrieval.embedded import EmbeddedIndex
from retrieval.evidence.features import featured
from retrieval.evidence.turnwise import standard
from retrieval.relevance.model import RelevanceModel
from tests.postgres import Databases
from tests.qdrant.rest import scratch, serving
from tests.searching import Said, ask
from tests.unit.eval.samples import QUERIES, UNITS, write_sample

Made = Callable[..., System]
BUDGET = 200


@pytest.fixture
def made(encoder: OnnxEncoder, counter: TokenCounter) -> Iterator[Made]:
    """Make a system that has the sample in memory; it is closed at the end."""
    opened: list[System] = []

    def make_one(name: str, **options: str) -> System:
        system = make(name, Means(encoder, counter, options=options))
        opened.append(system)
        system.start("c1")
        system.remember(UNITS)
        return system

    yield make_one
    for system in opened:
        system.close()


@pytest.fixture
def contrary(tmp_path: Path) -> Path:
    """Return a folder with a model for the conversation c1 that wants what the shipped one doesn't."""
    folder = tmp_path / "models"
    folder.mkdir()
    shipped = Path(__file__).parents[4] / "retrieval" / "models" / "relevance.npz"
    with np.load(shipped) as arrays:
        np.savez(folder / "c1.npz", **{**arrays, "weights": -arrays["weights"]})
    return folder


@pytest.fixture
def servers(databases: Databases, postgres: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Name PostgreSQL, for a role that may make databases, and Qdrant; return the URL of the former.

    At the end nothing may be left on Qdrant.
    """
    databases.as_superuser(postgres, "CREATE ROLE evaluator LOGIN CREATEDB")
    url = databases.url(sa.make_url(postgres).database or "", "evaluator")
    with scratch() as folder, serving(folder) as qdrant:
        monkeypatch.setenv("SATCHEL_DATABASE", url)
        monkeypatch.setenv("SATCHEL_QDRANT_URL", qdrant)
        # The engine of the tests is slow.
        monkeypatch.setenv("SATCHEL_QDRANT_READ_TIMEOUT", "20")
        yield url
        for kind in ("collections", "aliases"):
            assert httpx.get(f"{qdrant}/{kind}").json()["result"] == {kind: []}
    databases.as_superuser(postgres, "DROP ROLE evaluator")


def test_an_outage_is_answered_by_words(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """The index isn't asked, every answer says that it is degraded, and what shares words is found."""

    def asked(*_: object, **__: object) -> None:
        raise AssertionError

    system = made("satchel-words")
    monkeypatch.setattr(EmbeddedIndex, "search", asked)
    delivered = system.context(QUERIES[1], BUDGET)

    assert delivered.quality is not None
    assert delivered.quality.degraded
    assert system.ranking(QUERIES[1], 1) == ["s2:2"]


def test_the_sum_ranks_by_nothing_learned(made: Made) -> None:
    """It packs and ranks as the service does, and says nothing about how good that is."""
    system = made("satchel-sum")
    delivered = system.context(QUERIES[1], BUDGET)

    assert delivered.quality is None
    assert {item.relevance for item in delivered.items} == {None}
    assert system.ranking(QUERIES[1], 1) == ["s2:2"]
    assert system.settings == {"model": "untrained sum"}
    with pytest.raises(InvalidInputError, match="'models'; it has min_relevance"):
        made("satchel-sum", models="somewhere")


def test_the_untrained_model_is_the_sum() -> None:
    """It scores by the dense, lexical and token-level scores together, and is never silent."""
    said = [
        Said(f"{colour} paint for the {room}") for colour in ("red", "blue") for room in ("hall", "attic")
    ]
    query, found = ask("Which paint is for the attic?", said)
    turns, model = featured(query, found), untrained()
    scored = model.score(turns)

    np.testing.assert_allclose(scored.score, standard(turns.base), rtol=1e-5)
    assert not model.silent(scored)


@pytest.mark.parametrize("name", ["satchel", "satchel-words"])
def test_a_conversation_has_the_model_that_never_saw_it(name: str, made: Made, contrary: Path) -> None:
    """It answers, not the shipped one; a conversation without one is told."""
    system = made(name, models=str(contrary))

    assert system.ranking(QUERIES[1], 6)[0] != made(name).ranking(QUERIES[1], 6)[0]
    assert "did not learn from" in system.settings["model"]
    with pytest.raises(SetupError, match=r"c2\.npz"):
        system.start("c2")


def test_the_least_relevance_is_an_option(made: Made) -> None:
    """Where nothing is likely enough nothing is packed; what is no share is refused."""
    sure = made("satchel", min_relevance="1")

    assert made("satchel").context(QUERIES[1], BUDGET).items
    assert not sure.context(QUERIES[1], BUDGET).items
    assert sure.settings == {"model": RelevanceModel.shipped().name, "min_relevance": 1.0}
    for wrong in ("2", "much"):
        with pytest.raises(InvalidInputError, match="from 0 to 1"):
            made("satchel", min_relevance=wrong)


@pytest.mark.parametrize("name", ["satchel", "bm25", "mem0"])
def test_an_option_that_a_system_has_not_is_told(name: str, made: Made) -> None:
    """Ignored, its results would pass for what was asked for."""
    with pytest.raises(InvalidInputError, match=f"{name} has no option 'min_relevanse'"):
        made(name, min_relevanse="0.2")


@pytest.mark.parametrize("name", ["satchel", "satchel-sum", "satchel-words"])
def test_stores_in_use_are_not_touched(name: str, made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever evaluates may have the settings of a service at work in the environment."""
    monkeypatch.setenv("SATCHEL_DATABASE", "postgresql://satchel@127.0.0.1:1/satchel")
    monkeypatch.setenv("SATCHEL_QDRANT_URL", "http://127.0.0.1:1")

    assert made(name).ranking(QUERIES[1], 1) == ["s2:2"]


def test_the_cluster_answers_alike_and_leaves_nothing(servers: str, made: Made) -> None:
    """A database and a collection of its own, gone afterwards; nothing that was there is touched."""
    before = _databases(servers)
    cluster, embedded = made("satchel-cluster"), made("satchel")
    during = _databases(servers)
    answers = [[one.context(query, BUDGET) for query in QUERIES] for one in (cluster, embedded)]
    cluster.close()

    packed = [[[item.unit for item in answer.items] for answer in each] for each in answers]
    assert packed[0] == packed[1]
    assert [answer.quality and answer.quality.degraded for answer in answers[0]] == [False] * len(QUERIES)
    assert cluster.settings["ledger"] == "postgresql"
    assert len(during - before) == 1
    assert _databases(servers) == before


def test_the_cluster_needs_its_servers(
    servers: str, databases: Databases, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What isn't named, doesn't answer or may not be done is told, with nothing left behind."""
    before = _databases(servers)
    monkeypatch.setenv("SATCHEL_QDRANT_URL", "http://127.0.0.1:1")
    with pytest.raises(UnavailableError, match="Qdrant does not answer"):
        made("satchel-cluster")
    monkeypatch.setenv("SATCHEL_DATABASE", databases.url("template_ledger"))
    with pytest.raises(SetupError, match="permission denied to create database"):
        made("satchel-cluster")
    monkeypatch.delenv("SATCHEL_DATABASE")
    with pytest.raises(SetupError, match="SATCHEL_DATABASE"):
        made("satchel-cluster")

    assert _databases(servers) == before


def test_a_suite_gives_models_to_what_learned(tmp_path: Path, contrary: Path) -> None:
    """To every configuration that ranks by a model, and to no other."""
    data, models = write_sample(tmp_path / "sample.jsonl"), tmp_path / "left-out"
    models.mkdir()
    contrary.rename(models / "sample")
    (models / "sample" / "c1.npz").rename(models / "sample" / "c0.npz")
    words = [str(data), "--systems", "satchel-sum,satchel-words", "--models", str(models), "--budgets", "128"]
    done = CliRunner().invoke(app, ["suite", *words, "--out", str(tmp_path / "runs")])
    runs = tmp_path / "runs" / "sample"

    assert done.exit_code == 0, done.output
    given = {"models": str(models / "sample")}
    for name, expected in (("satchel-sum", {}), ("satchel-words", given)):
        options = json.loads((runs / name / "run.json").read_text())["identity"]["options"]
        assert options == expected
        assert json.loads((runs / name / "metrics.json").read_text())["valid"]


def _databases(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        return {name for (name,) in connection.execute("SELECT datname FROM pg_database")}
