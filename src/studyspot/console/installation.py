"""What every command needs to know of the installation it works on."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from studyspot.console.faults import Fault
from studyspot.migrations.run import pending
from studyspot.settings import GivenSettings, Settings
from studyspot.telemetry import configure_logging

if TYPE_CHECKING:  # Most commands need no keys, and cryptography is a tenth of what they import.
    from studyspot.access.keys import SigningKey
    from studyspot.access.tokens import Verifier


def begin(*, environment_only: bool = False) -> Settings:
    """Return the settings of a command that begins, and log to standard error from now on.

    Raises:
        pydantic.ValidationError, SettingsUnreadable: they cannot be had.
    """
    settings = GivenSettings() if environment_only else Settings()
    configure_logging(settings.log_level, settings.log_format)
    return settings


def database_url(settings: Settings) -> str:
    """Return where PostgreSQL is.

    Raises:
        Fault: nobody has said.
    """
    if settings.database_url is None:
        raise Fault("No database is known.", "Start `studyspot up`, or set STUDYSPOT_DATABASE_URL.")
    return settings.database_url


def migrated_database_url(settings: Settings) -> str:
    """Return where PostgreSQL is, which has the tables of this release.

    Raises:
        Fault: nobody has said, or it has not.
        psycopg.OperationalError, StoreUnavailable: it does not answer.
    """
    url = database_url(settings)
    if pending(url):
        raise Fault("The database has not been migrated to this release.", "Run `studyspot migrate`.")
    return url


def nats_url(settings: Settings) -> str:
    """Return where NATS is.

    Raises:
        Fault: nobody has said.
    """
    if settings.nats_url is None:
        raise Fault("No NATS server is known.", "Start `studyspot up`, or set STUDYSPOT_NATS_URL.")
    return settings.nats_url


def key_sets(settings: Settings) -> tuple[dict[str, Any], ...]:
    """Return the public keys that are accepted: ours, and those of STUDYSPOT_JWKS.

    Raises:
        Fault: there are none.
        KeysUnavailable: one cannot be read.
    """
    from studyspot.access.key_sets import load_key_sets

    documents = load_key_sets(settings.jwks)
    if not documents and settings.signing_key is not None:
        documents.append(signing_key(settings).jwks())
    if not documents:
        raise Fault("No keys are known.", "Start `studyspot up`, or set STUDYSPOT_JWKS.")
    return tuple(documents)


def verifier(settings: Settings) -> "Verifier":
    """Return what checks tokens here.

    Raises:
        Fault: there are no keys, or none that can be used.
    """
    from studyspot.access.tokens import Verifier

    try:
        return Verifier.of(key_sets(settings), issuer=settings.token_issuer, audience=settings.token_audience)
    except ValueError as error:
        raise Fault(f"The public keys cannot be used: {error}.", "Check STUDYSPOT_JWKS.") from error


def signing_key(settings: Settings) -> "SigningKey":
    """Return the private key.

    Raises:
        Fault: it is not known, or cannot be read.
    """
    from studyspot.access.keys import SigningKey

    path: Path | None = settings.signing_key
    if path is None:
        raise Fault("No signing key is known.", "Start `studyspot up`, or set STUDYSPOT_SIGNING_KEY.")
    try:
        return SigningKey.load(path)
    except (OSError, ValueError) as error:
        raise Fault(f"The signing key cannot be read: {error}.", "Check STUDYSPOT_SIGNING_KEY.") from error
