"""Settings, from environment variables that begin with SATCHEL_."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from memory.tokens import DEFAULT_ENCODING

MIB = 1024 * 1024


class Settings(BaseSettings):
    """Everything that can be set; each has a default that suits a laptop."""

    model_config = SettingsConfigDict(env_prefix="SATCHEL_", extra="forbid", frozen=True)

    data: Annotated[Path, Field(description="Folder that holds everything Satchel keeps.")] = Path("data")
    database: Annotated[
        SecretStr | None,
        Field(description="PostgreSQL for the ledger, `postgresql://user@host/name`; none = SQLite."),
    ] = None
    database_pool: Annotated[
        int, Field(ge=1, description="Connections to PostgreSQL that are kept; as many again under load.")
    ] = 10
    host: Annotated[str, Field(description="Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535, description="Port to listen on; 0 takes a free one.")] = 8377
    encoder: Annotated[
        str,
        Field(
            description="`onnx` (the default encoder) or a sentence-transformers model, by name or folder."
        ),
    ] = "onnx"
    threads: Annotated[int, Field(ge=0, description="Threads of a forward pass; 0 = one a core.")] = 0
    token_encoding: Annotated[
        str, Field(description="The `tiktoken` encoding in which budgets are counted.")
    ] = DEFAULT_ENCODING
    hot_bytes: Annotated[
        int, Field(ge=MIB, description="Memory for the users searched last; others are read from disk.")
    ] = 1024 * MIB
    max_body_bytes: Annotated[int, Field(ge=1024, description="Largest request body.")] = 32 * MIB
    intent_model: Annotated[
        Path | None,
        Field(description="Intent model made by `satchel intents train`; none = the shipped one."),
    ] = None
    risk_policies: Annotated[
        Path | None, Field(description="Risk policies (TOML); none = the shipped ones.")
    ] = None
    routing_policy: Annotated[
        Path | None, Field(description="Routing policy (TOML); none = the shipped one.")
    ] = None
    trusted_sources: Annotated[
        tuple[str, ...],
        Field(
            description='Tools and imports that are not low trust, in JSON: `["tool:tests", "import:crm"]`.'
        ),
    ] = ()
    analytics_min_sessions: Annotated[
        int, Field(ge=1, description="Analytics withholds counts of fewer sessions than this.")
    ] = 5
    max_turns_per_call: Annotated[int, Field(ge=1, description="Most turns in one request.")] = 1000
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Field(description="What is logged, as JSON on stderr.")
    ] = "info"
