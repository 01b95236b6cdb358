"""Settings of one process, from the environment."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

DEVELOPMENT_DIGEST_KEY = "development-digest-key"


class Settings(BaseSettings):
    """Every setting is an environment variable ``TONGDUI_<NAME>``; ``.env`` is not read."""

    model_config = SettingsConfigDict(env_prefix="TONGDUI_", frozen=True)

    environment: Literal["development", "production"] = "development"
    state_dir: Path = Path(".tongdui")
    database_url: str | None = None
    bus: Literal["embedded", "kafka"] = "embedded"
    kafka_bootstrap_servers: str | None = Field(
        default=None,
        validation_alias=AliasChoices("KAFKA_BOOTSTRAP_SERVERS", "TONGDUI_KAFKA_BOOTSTRAP_SERVERS"),
    )
    topic_prefix: str = "tongdui"
    kafka_replication_factor: int = 1
    #: makes this process a static member of its consumer groups; strictly one process per id
    kafka_instance_id: str | None = None
    #: a folder with <service>.pem (Ed25519, PKCS 8) that signs checkpoints; empty means generated keys in state_dir
    checkpoint_keys: Path | None = None
    #: a checkpoint is signed after so many events, or so many seconds after the first that has none
    checkpoint_every_events: int = 1000
    checkpoint_every_seconds: float = 10.0
    #: where documents are kept: s3://bucket/prefix and its like; empty means a folder in state_dir
    documents_url: str | None = None
    #: where the rules of the signals run: in the audit service's worker, or in `tongdui signals` on Kafka
    signals: Literal["in_process", "faust"] = "in_process"
    host: str = "127.0.0.1"
    port: int = 8000
    clock: Literal["real", "simulated"] = "real"
    #: seconds since 1970 that a simulated day's 09:00 stands for; the same in every process of a run
    simulated_epoch: float = 0.0
    #: the JWKS that verifies tokens: a URL or a file; empty means the development key in state_dir
    jwks: str | None = None
    jwt_issuer: str = "tongdui"
    jwt_audience: str = "tongdui"
    #: keys the digests of accounts; production refuses the development value
    digest_key: str = DEVELOPMENT_DIGEST_KEY
    #: commands waiting for the writer; one more is answered 503
    queue_limit: int = 4096
    #: folded streams a writer keeps in memory, about 1 KiB each; those not looked at for longest are read again
    state_capacity: int = 200_000
    #: bytes of one stored document
    event_size_limit: int = 256 * 1024
