"""Time expressions resolve to the days they name."""

from datetime import UTC, datetime

import pytest

from retrieval.query.dates import ranges

AT = datetime(2023, 10, 18, 12, tzinfo=UTC).timestamp()  # a Wednesday


@pytest.mark.parametrize(
    ("text", "first", "end"),
    [
        ("What happened on 7 May 2023?", "2023-05-07", "2023-05-08"),
        ("the call of May 5th, 2022", "2022-05-05", "2022-05-06"),
        ("2023-01-02", "2023-01-02", "2023-01-03"),
        ("what we said in March", "2023-03-01", "2023-04-01"),
        ("what we said in November", "2022-11-01", "2022-12-01"),
        ("February 2024", "2024-02-01", "2024-03-01"),
        ("yesterday", "2023-10-17", "2023-10-18"),
        ("three days ago", "2023-10-15", "2023-10-16"),
        ("last week", "2023-10-09", "2023-10-16"),
        ("this month", "2023-10-01", "2023-11-01"),
        ("last month", "2023-09-01", "2023-10-01"),
        ("last Tuesday", "2023-10-17", "2023-10-18"),
        ("on Wednesday", "2023-10-11", "2023-10-12"),
        ("back in 2021", "2021-01-01", "2022-01-01"),
        ("last summer", "2023-06-01", "2023-09-01"),
    ],
)
def test_an_expression_names_these_days(text: str, first: str, end: str) -> None:
    ((begin, stop),) = ranges(text, AT)
    days = [datetime.fromtimestamp(moment, UTC).date().isoformat() for moment in (begin, stop)]
    assert days == [first, end]


@pytest.mark.parametrize("text", ["may I go?", "the March report", "31 June", "it took two days", ""])
def test_what_names_no_time_gives_none(text: str) -> None:
    assert ranges(text, AT) == []


def test_two_expressions_give_two_ranges() -> None:
    assert len(ranges("between 3 May 2023 and 9 June 2023", AT)) == 2
