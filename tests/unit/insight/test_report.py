"""Analytics as a page that needs nothing else."""

from typing import Any

from eval.intents.report import page, table

ROW: dict[str, Any] = {
    "intent": "coding<b>",
    "sessions": 40,
    "share": {"value": 0.5, "low": 0.4, "high": 0.6},
    "growth": -0.125,
    "failed": {"value": 0.25, "low": 0.1, "high": 0.4},
    "outcomes": {"retry": {"value": 0.25, "low": 0.1, "high": 0.4}, "abandon": None},
    "flagged": None,
    "mood_change_weak_proxy": 0.1,
}
FOUND = {"sessions": 80, "days": 28, "withheld_below": 5, "intents": [ROW]}
QUALITY = {"intents": [{"intent": "coding", "expected_recall": 0.75}]}


def test_the_page_says_what_the_terminal_says() -> None:
    """Shares, growth, outcomes and quality are on it; it loads nothing and escapes what it shows."""
    shown = page(FOUND, QUALITY)

    for part in ("50.0% [40.0%, 60.0%]", "-12.5%", "retry 25%", "abandon withheld"):
        assert part in shown
    assert "75.0%" in shown
    assert "coding&lt;b&gt;" in shown
    assert "<b>" not in shown
    assert not any(outside in shown for outside in ("http", "src=", "<script"))
    assert table(FOUND).row_count == 1
