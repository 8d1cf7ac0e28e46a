"""Settings: environment variables `STUDYSPOT_*` (and `.env`), and what `studyspot up` wrote into its home.

Read once, by a process's entry; everything below is handed values.
"""

import json
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

RUN_FILE = "run.json"
"""What a running installation tells its own commands; mode 0600. Its `settings` are defaults here."""


class Settings(BaseSettings):
    """Every setting; a field `api_port` is the variable `STUDYSPOT_API_PORT`."""

    model_config = SettingsConfigDict(env_prefix="STUDYSPOT_", env_file=".env", extra="ignore", frozen=True)

    reads_run_file: ClassVar[bool] = True

    home: Path = Field(Path(".studyspot"), description="where `up` keeps its data, keys and run.json")
    api_host: str = Field("127.0.0.1", description="address of the HTTP server")
    api_port: int = Field(8000, ge=0, le=65535, description="port of the HTTP server")
    fanout_host: str = Field("127.0.0.1", description="address of the WebSocket server")
    fanout_port: int = Field(8001, ge=0, le=65535, description="port of the WebSocket server")
    metrics_port: int | None = Field(
        None, ge=0, le=65535, description="port of /metrics, /health and /ready; none: not served"
    )
    database_url: str | None = Field(None, description="PostgreSQL 15 or later, postgresql://…")
    nats_url: str | None = Field(None, description="NATS with JetStream, nats://user:password@host:port")
    signing_key: Path | None = Field(None, description="Ed25519 private key (PEM) that signs tokens")
    jwks: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="public keys of accepted tokens: files or URLs, separated by commas"
    )
    token_issuer: str = Field("studyspot", description="`iss` of our tokens")
    token_audience: str = Field("studyspot", description="`aud` that a token must have")
    allowed_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        ("http://127.0.0.1:8000", "http://localhost:8000"),
        description="origins of browsers that may open sockets, separated by commas",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="least severe log line"
    )
    log_format: Literal["json", "console"] = Field("json", description="form of the log")

    @field_validator("jwks", "allowed_origins", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        own = (init_settings, env_settings, dotenv_settings)
        if not cls.reads_run_file:
            return own
        named: dict[str, Any] = {**dotenv_settings(), **env_settings(), **init_settings()}
        home = Path(named.get("home", cls.model_fields["home"].default))
        return *own, _RunFile(settings_cls, home / RUN_FILE)


class OwnSettings(Settings):
    """Settings without run.json: for `up`, which writes it."""

    reads_run_file: ClassVar[bool] = False


class _RunFile(PydanticBaseSettingsSource):
    """The `settings` of run.json, where an installation is or was running."""

    def __init__(self, settings_cls: type[BaseSettings], path: Path) -> None:
        super().__init__(settings_cls)
        self._path = path

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        try:
            known: dict[str, Any] = json.loads(self._path.read_text()).get("settings", {})
        except FileNotFoundError:
            return {}
        return known
