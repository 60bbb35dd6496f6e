"""What the requests have in common: names, texts, and that unknown fields are refused."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from memory.errors import InvalidInputError
from memory.scope import MAX_NAME, check_name
from memory.text import storable
from memory.turns import MAX_CONTENT


def _named(value: str) -> str:
    try:
        check_name("this", value)
    except InvalidInputError as error:
        raise ValueError(str(error)) from error
    return value


def _storable(value: str) -> str:
    try:
        return storable("this", value)
    except InvalidInputError as error:
        raise ValueError(str(error)) from error


Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME), AfterValidator(_named)]
Trust = Literal["low", "middle", "high"]
Reason = Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(_storable)]
Words = Annotated[str, Field(max_length=MAX_CONTENT), AfterValidator(_storable)]


class Strict(BaseModel):
    """A request: fields that it doesn't know are refused."""

    model_config = ConfigDict(extra="forbid")
