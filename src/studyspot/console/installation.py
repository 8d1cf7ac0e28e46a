"""What every command needs to know of the installation it works on."""

from pathlib import Path
from typing import TYPE_CHECKING

from studyspot.console.faults import Fault
from studyspot.settings import GivenSettings, Settings
from studyspot.telemetry import configure_logging

if TYPE_CHECKING:  # Most commands need no keys, and cryptography is a tenth of what they import.
    from studyspot.access.issuers import ExternalIssuer
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
    from studyspot.migrations.run import pending

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


def verifier(settings: Settings) -> "Verifier":
    """Return what checks tokens here: our own, and an identity provider's where one is set.

    Ours may be signed with the signing key, where it is known, and with those of STUDYSPOT_JWKS.

    Raises:
        Fault: there are no keys, or none that can be used.
        KeysUnavailable: some cannot be read.
    """
    from studyspot.access.key_sets import load_key_sets
    from studyspot.access.tokens import Verifier

    own = [signing_key(settings).jwks()] if settings.signing_key is not None else []
    documents = [*own, *load_key_sets(settings.jwks)]
    if not documents:
        raise Fault("No keys are known.", "Start `studyspot up`, or set STUDYSPOT_JWKS.")
    try:
        return Verifier.of(
            documents,
            kept=own,
            issuer=settings.token_issuer,
            audience=settings.token_audience,
            sources=settings.jwks,
            external=_external(settings),
        )
    except ValueError as error:
        raise Fault(f"The public keys cannot be used: {error}.", "Check STUDYSPOT_JWKS.") from error


def _external(settings: Settings) -> "ExternalIssuer | None":
    from studyspot.access.issuers import ExternalIssuer

    if not (
        settings.external_issuer
        and settings.external_jwks
        and settings.external_audience
        and settings.role_claim
    ):
        return None
    return ExternalIssuer(
        issuer=settings.external_issuer,
        audience=settings.external_audience,
        key_sets=(settings.external_jwks,),
        role_claim=settings.role_claim,
    )


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
