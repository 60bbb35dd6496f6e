"""Times as the ledger keeps them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.errors import InvalidInputError
from memory.times import checked, to_datetime, to_micros

OFFSETS = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(timezones=OFFSETS))
def test_what_is_taken_can_be_told_again(time: datetime) -> None:
    """A moment reads back as it was, or it is refused because no date in UTC is that moment."""
    try:
        micros = to_micros(time)
    except InvalidInputError:
        with pytest.raises(OverflowError):
            time.astimezone(UTC)
    else:
        assert to_datetime(micros) == time


def test_moments_that_no_calendar_has() -> None:
    """The first and the last are taken; beyond them nothing, in a date of another zone or in a number."""
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    assert to_datetime(checked(to_micros(first))) == first
    assert to_datetime(checked(to_micros(last))) == last
    for beyond in (to_micros(first) - 1, to_micros(last) + 1, 2**63, -(2**80)):
        with pytest.raises(InvalidInputError, match="outside the years"):
            checked(beyond)
