"""The main job on a real multi-session conversation (LoCoMo, evaluation only), over real HTTP."""

import gzip
import json
from pathlib import Path

import pytest

from memory.tokens import TokenCounter
from tests.serving import ROOT, Start, new_key, run

DATA = ROOT.parent / "shared" / "data" / "evidence" / "locomo_corrected.jsonl.gz"
BUDGETS = (64, 128, 256, 512, 1024, 2048, 4096, 8192)

pytestmark = pytest.mark.skipif(not DATA.exists(), reason=f"needs {DATA.name}, which is not shipped")


def test_one_conversation(start: Start, tmp_path: Path) -> None:
    """Four fifths of the evidence within 1,024 tokens, fence included, and no budget exceeded."""
    with gzip.open(DATA, "rt") as lines:
        conversation = json.loads(next(lines))
    name = conversation["conversation"]
    file = tmp_path / "one.jsonl"
    file.write_text(json.dumps(conversation))
    assert run("import", str(file), data=tmp_path / "data").returncode == 0
    server = start()
    client = server.client(new_key(server.data))
    counter = TokenCounter()

    recalls = []
    for number, query in enumerate(conversation["queries"]):
        for budget in (1024, BUDGETS[number % len(BUDGETS)]):
            body = {"user_id": name, "query": query["text"], "max_tokens": budget}
            answer = client.post("/v1/context", json=body).json()
            assert counter.count(answer["context"]) == answer["tokens"]["used"] <= budget
            if budget == 1024 and query["gold"]:
                given = {item["turn_id"] for item in answer["items"] if not item["excerpt"]}
                gold = {f"{name}:{unit}" for unit in query["gold"]}
                recalls.append(len(gold & given) / len(gold))

    assert sum(recalls) / len(recalls) >= 0.8
