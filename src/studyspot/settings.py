"""Settings: environment variables `STUDYSPOT_*` (and `.env`), and what `studyspot up` wrote into its home.

Read once, by a process's entry; everything below is handed values.
"""

import json
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

RUN_FILE = "run.json"
"""What a running installation tells its own commands; mode 0600. Its `settings` are defaults here."""


_LARGEST_PORT = 65535


class SettingsUnreadable(Exception):
    """A file that settings come from cannot be read; the message is one line with its mend."""


class Settings(BaseSettings):
    """Every setting; a field `api_port` is the variable `STUDYSPOT_API_PORT`. An empty one is as if unset.

    Raises:
        pydantic.ValidationError: a value is not valid.
        SettingsUnreadable: `.env` or run.json cannot be read.
    """

    model_config = SettingsConfigDict(
        env_prefix="STUDYSPOT_", env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True
    )

    reads_run_file: ClassVar[bool] = True

    home: Path = Field(Path(".studyspot"), description="where `up` keeps its data, keys and run.json")
    api_host: str = Field("127.0.0.1", description="address of the HTTP server")
    api_port: int = Field(8000, ge=0, le=65535, description="port of the HTTP server")
    fanout_host: str = Field("127.0.0.1", description="address of the WebSocket server")
    fanout_port: int = Field(8001, ge=0, le=65535, description="port of the WebSocket server")
    proxy: Literal["auto", "caddy", "nginx", "none"] = Field(
        "auto",
        description="reverse proxy that `up` runs, so that API and sockets have one origin; "
        "of itself the one that it finds",
    )
    proxy_port: int = Field(8080, ge=0, le=65535, description="port of that proxy; 0: a free one")
    public_url: str | None = Field(
        None,
        description="where a proxy serves API and sockets together, such as https://seats.example.org; "
        "its pages may open sockets and sign in, and clients are told of it",
    )
    metrics_port: int | None = Field(
        None, ge=0, le=65535, description="port of /metrics, /health and /ready; none: not served"
    )
    database_url: str | None = Field(None, description="PostgreSQL 15 or later, postgresql://…")
    nats_url: str | None = Field(None, description="NATS with JetStream, nats://user:password@host:port")
    signing_key: Path | None = Field(
        None, description="Ed25519 private key (PEM) that signs tokens; quotes and desk codes derive from it"
    )
    jwks: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="public keys of accepted tokens: files or URLs, separated by commas"
    )
    token_issuer: str = Field("studyspot", description="`iss` of our tokens")
    token_audience: str = Field("studyspot", description="`aud` of our tokens")
    external_issuer: str | None = Field(
        None, description="`iss` of an identity provider's tokens, exactly; none: only our own are taken"
    )
    external_jwks: str | None = Field(None, description="the provider's public keys: a file or URL")
    external_audience: str | None = Field(None, description="`aud` that the provider's tokens must have")
    role_claim: str | None = Field(
        None,
        description="claim of the provider's tokens that has the role, which only its administrators set; "
        "dots lead into nested claims, as in app_metadata.role",
    )
    rate_limit_burst: int = Field(
        100, ge=1, description="requests that one person, or one address without a token, may make at once"
    )
    rate_limit_per_second: float = Field(50.0, gt=0, description="requests a second from then on")
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="addresses or networks of proxies whose X-Forwarded-For is believed, separated by commas",
    )
    allowed_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        ("http://127.0.0.1:8000", "http://localhost:8000"),
        description="origins of pages that may open sockets and sign in, separated by commas",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="least severe log line"
    )
    log_format: Literal["json", "console"] = Field("json", description="form of the log")

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except UnicodeDecodeError as error:
            raise SettingsUnreadable("The file .env is not UTF-8. Save it as UTF-8.") from error
        except OSError as error:
            raise SettingsUnreadable(
                f"The file .env cannot be read: {error.strerror}. Check its permissions."
            ) from error

    @field_validator("database_url")
    @classmethod
    def _is_a_database(cls, url: str | None) -> str | None:
        if url is not None and not _names_a_database(url):
            # Never the value itself: it holds a password.
            raise ValueError("it has to be like postgresql://user:password@host:port/database")
        return url

    @field_validator("nats_url")
    @classmethod
    def _is_servers(cls, url: str | None) -> str | None:
        if url is not None and not all(_names_a_server(server.strip()) for server in url.split(",")):
            raise ValueError(
                "it has to be like nats://user:password@host:port, several separated by commas, "
                "with none of , / ? # @ in a password"
            )
        return url

    @field_validator("public_url")
    @classmethod
    def _is_an_origin(cls, url: str | None) -> str | None:
        if url is None:
            return None
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        if parts.scheme not in ("http", "https") or not parts.hostname or url.rstrip("/") != origin:
            raise ValueError("it has to be like https://seats.example.org, without a path")
        return origin

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, proxies: tuple[str, ...]) -> tuple[str, ...]:
        for proxy in proxies:
            ip_network(proxy, strict=False)
        return proxies

    @property
    def page_origins(self) -> tuple[str, ...]:
        """Origins of pages that may open sockets and sign in, with that of `public_url`."""
        return (*self.allowed_origins, *([self.public_url] if self.public_url is not None else ()))

    @model_validator(mode="after")
    def _knows_the_provider_whole(self) -> "Settings":
        told = (self.external_issuer, self.external_jwks, self.external_audience, self.role_claim)
        if any(told) and not all(told):
            raise ValueError(
                "an identity provider is told by STUDYSPOT_EXTERNAL_ISSUER, STUDYSPOT_EXTERNAL_JWKS, "
                "STUDYSPOT_EXTERNAL_AUDIENCE and STUDYSPOT_ROLE_CLAIM together"
            )
        if self.external_issuer == self.token_issuer:
            raise ValueError("STUDYSPOT_EXTERNAL_ISSUER cannot be the issuer of our own tokens")
        return self

    @field_validator("jwks", "allowed_origins", "trusted_proxies", mode="before")
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


class GivenSettings(OwnSettings):
    """The environment's alone: for the children of `up`, which are to know no more than they are given."""

    model_config = SettingsConfigDict(env_file=None)


class _RunFile(PydanticBaseSettingsSource):
    """The `settings` of run.json, where an installation is or was running."""

    def __init__(self, settings_cls: type[BaseSettings], path: Path) -> None:
        super().__init__(settings_cls)
        self._path = path

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        mend = "Start `studyspot up` again, which writes it, or remove it."
        try:
            written = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise SettingsUnreadable(f"{self._path} cannot be read: {error.strerror}. {mend}") from error
        except ValueError as error:
            raise SettingsUnreadable(f"{self._path} is damaged. {mend}") from error
        known = written.get("settings") if isinstance(written, dict) else None
        if not isinstance(known, dict):
            raise SettingsUnreadable(f"{self._path} is damaged. {mend}")
        return known


def _names_a_database(url: str) -> bool:
    # Imported here, so that whoever has no database does not wait for its driver.
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    if not url.startswith(("postgresql://", "postgres://")):
        return False
    try:
        parts = conninfo_to_dict(url)
    except ProgrammingError:
        return False
    # A password with an unquoted @ or / would end up in these, and then in messages.
    hosts, ports = str(parts.get("host", "")), str(parts.get("port", ""))
    return "@" not in hosts and all(_is_port(port) for port in ports.split(",") if port)


def _names_a_server(url: str) -> bool:
    try:
        parts = urlsplit(url if "://" in url else f"nats://{url}")
        port = parts.port
    except ValueError:
        return False
    return (
        parts.scheme in ("nats", "tls")
        and bool(parts.hostname)
        and port != 0
        and parts.netloc.count("@") <= 1
        and parts.path in ("", "/")
        and not (parts.query or parts.fragment)
    )


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and 0 < int(text) <= _LARGEST_PORT
