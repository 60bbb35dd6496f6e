"""Settings, from environment variables that begin with SATCHEL_."""

from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from memory.tokens import DEFAULT_ENCODING

MIB = 1024 * 1024

# No `none`, and no symmetric one: a public key must never serve as a shared secret.
Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]


class Settings(BaseSettings):
    """Everything that can be set; each has a default that suits a laptop."""

    model_config = SettingsConfigDict(env_prefix="SATCHEL_", extra="forbid", frozen=True)

    data: Annotated[Path, Field(description="Folder that holds everything Satchel keeps.")] = Path("data")
    database: Annotated[
        SecretStr | None,
        Field(description="PostgreSQL for the ledger, `postgresql://user@host/name`; none = SQLite."),
    ] = None
    database_owner: Annotated[
        SecretStr | None,
        Field(description="The same database for the role that owns the tables; none = as `database`."),
    ] = None
    database_pool: Annotated[
        int, Field(ge=1, description="Connections to PostgreSQL that are kept; as many again under load.")
    ] = 10
    master_key: Annotated[
        SecretStr | None,
        Field(
            description="Master keys, 32 bytes each, in base64, commas between; the first is in use, others"
            " still open what they wrapped. None = from the file."
        ),
    ] = None
    master_key_file: Annotated[
        Path | None,
        Field(
            description="File with the master keys, one a line; none = `master.key` in `data`, made there."
        ),
    ] = None
    backup_days: Annotated[int, Field(ge=1, description="Days for which a backup is kept.")] = 30
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
    qdrant_url: Annotated[
        str | None,
        Field(description="Qdrant server for the index, which replicas then share; none = embedded."),
    ] = None
    qdrant_api_key: Annotated[SecretStr | None, Field(description="Key of the Qdrant server.")] = None
    qdrant_collection: Annotated[
        str,
        Field(
            min_length=1,
            description="Alias of the collection; a name not yet there begins a new index from the ledger.",
        ),
    ] = "satchel"
    qdrant_replicas: Annotated[int, Field(ge=1, description="Copies of every shard.")] = 1
    qdrant_write_consistency: Annotated[
        int, Field(ge=0, description="Copies that must have a write before it counts; 0 = a majority.")
    ] = 0
    qdrant_shards: Annotated[
        int, Field(ge=1, description="Shards of the collection, or of each shard key.")
    ] = 1
    qdrant_shard_keys: Annotated[
        int,
        Field(ge=0, description="Shard keys over which users are spread; 0 = a user is in every shard."),
    ] = 0
    qdrant_read_timeout: Annotated[
        float,
        Field(gt=0, description="Seconds without an answer after which a read turns to the ledger instead."),
    ] = 0.1
    qdrant_write_timeout: Annotated[
        float, Field(gt=0, description="Seconds without an answer after which a write is put off.")
    ] = 10.0
    qdrant_settle_seconds: Annotated[
        float,
        Field(
            ge=0,
            description="Seconds for which a write may still take effect that timed out or whose sender died;"
            " a purge deletes again after them.",
        ),
    ] = 15.0
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
    sweep_seconds: Annotated[
        float, Field(gt=0, description="Seconds between two sweeps for turns that are past their retention.")
    ] = 3600.0
    receipt_key: Annotated[
        Path | None,
        Field(
            description="Key (PEM, Ed25519) that signs purge receipts; none = one made in the data folder or,"
            " with a database, kept in the ledger under the master key."
        ),
    ] = None
    max_turns_per_call: Annotated[int, Field(ge=1, description="Most turns in one request.")] = 1000
    max_concurrent: Annotated[
        int,
        Field(
            ge=0,
            description="Requests worked on at once, beside contexts and searches; 0 = one a core, at least"
            " two.",
        ),
    ] = 0
    max_recalls: Annotated[
        int,
        Field(
            ge=0,
            description="Contexts and searches worked on at once; 0 = one for two cores, with Qdrant one a"
            " core, at least two.",
        ),
    ] = 0
    burst_seconds: Annotated[
        float, Field(ge=0, description="Longest wait for a place in a burst; beyond it, 503 at once.")
    ] = 0.25
    rate: Annotated[
        float | None, Field(gt=0, description="Requests a second of one key, on average; none = no limit.")
    ] = None
    burst: Annotated[
        int | None, Field(ge=1, description="Requests of one key at once; none = two seconds' worth.")
    ] = None
    user_turns: Annotated[
        int | None, Field(ge=0, description="Most turns remembered of one user; none = no limit.")
    ] = None
    tenant_turns: Annotated[
        int | None, Field(ge=0, description="Most turns remembered for one tenant; none = no limit.")
    ] = None
    jwt_issuer: Annotated[
        str | None, Field(description="`iss` of tokens that are accepted beside keys; none = no tokens.")
    ] = None
    jwt_audience: Annotated[str | None, Field(description="`aud` that a token must be meant for.")] = None
    jwt_keys: Annotated[
        Path | None, Field(description="File of the issuer's public keys (JWKS), read again when it changes.")
    ] = None
    jwt_keys_url: Annotated[
        str | None, Field(description="Address of the issuer's public keys (JWKS), where no file is given.")
    ] = None
    jwt_algorithms: Annotated[
        tuple[Algorithm, ...], Field(min_length=1, description="Signatures that are accepted.")
    ] = ("RS256", "ES256", "EdDSA")
    jwt_tenant_claim: Annotated[str, Field(description="Claim that names the tenant.")] = "tenant"
    jwt_user_claim: Annotated[
        str | None, Field(description="Claim that names the only user a token reaches; none = all.")
    ] = None
    jwt_rights_claim: Annotated[
        str, Field(description="Claim with `satchel:read`, `satchel:write`, `satchel:admin`.")
    ] = "scope"
    jwt_leeway: Annotated[
        float, Field(ge=0, le=300, description="Seconds by which the issuer's clock may differ.")
    ] = 30.0
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Field(description="What is logged, as JSON on stderr.")
    ] = "info"

    @property
    def keeps_data(self) -> bool:
        """Whether the data folder holds memory: not where the ledger and the index are on servers."""
        return self.database is None or self.qdrant_url is None

    @model_validator(mode="after")
    def _tokens_are_whole(self) -> Self:
        keys = (self.jwt_keys, self.jwt_keys_url)
        given = (self.jwt_issuer, self.jwt_audience, *keys)
        if not any(given):
            return self
        if self.jwt_issuer is None or self.jwt_audience is None or all(keys) or not any(keys):
            raise ValueError("tokens need jwt_issuer, jwt_audience, and either jwt_keys or jwt_keys_url")
        if self.jwt_keys_url is not None:
            address = urlsplit(self.jwt_keys_url)
            local = address.hostname in ("localhost", "127.0.0.1", "::1")
            if not (address.scheme == "https" or (address.scheme == "http" and local)):
                raise ValueError(
                    "jwt_keys_url must begin with https://: keys fetched in the clear prove nothing"
                )
        return self
