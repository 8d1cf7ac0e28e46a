"""NATS subjects: `studyspot.{entity}.{verb}.{libraryId}.{userId}`, with `_` where there is none."""

ROOT = "studyspot"
NOBODY = "_"


def subject(event_type: str, library_id: str | None, user_id: str | None) -> str:
    """Return the subject of one event."""
    return f"{ROOT}.{event_type}.{library_id or NOBODY}.{user_id or NOBODY}"


def subjects_of_type(event_type: str) -> str:
    return f"{ROOT}.{event_type}.*.*"


def subjects_of_entity(entity: str) -> str:
    return f"{ROOT}.{entity}.>"


def subjects_of_library(library_id: str) -> str:
    return f"{ROOT}.*.*.{library_id}.*"


def subjects_of_user(user_id: str) -> str:
    return f"{ROOT}.*.*.*.{user_id}"
