"""What `studyspot keys` does: look at the home's own keys, and make another one sign."""

from datetime import datetime

from studyspot.access.key_folder import KeyFolder
from studyspot.console.durations import duration_of
from studyspot.console.faults import Fault
from studyspot.console.installation import begin
from studyspot.console.output import print_json, print_line, print_table


def show_keys(as_json: bool, now: datetime) -> None:
    """Print which key signs, and until when others are accepted.

    Raises:
        Fault: this home has no keys of its own, or they cannot be read.
    """
    _print(_folder(), as_json, now)


def rotate_keys(accept_for: str, as_json: bool, now: datetime) -> None:
    """Make a key that signs from the API's next start on; accept the old one for so long.

    Raises:
        Fault: this home has no keys of its own, they cannot be replaced, or `accept_for` is no duration.
    """
    accepted, folder = duration_of(accept_for), _folder()
    try:
        folder.rotate(now, accepted)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _unusable(folder, error) from error
    _print(folder, as_json, now)
    if not as_json:
        print_line("Start `studyspot up` again: until then the old key signs.")


def _folder() -> KeyFolder:
    settings = begin()
    folder = KeyFolder(settings.home.absolute() / "keys")
    if settings.signing_key is not None and settings.signing_key.absolute() != folder.private:
        raise Fault(
            f"The signing key {settings.signing_key} is not this home's own.",
            "Replace it where it is kept, as docs/identity.md says.",
        )
    if not folder.private.exists():
        raise Fault(f"There is no key at {folder.private}.", "Start `studyspot up`, which makes one.")
    return folder


def _print(folder: KeyFolder, as_json: bool, now: datetime) -> None:
    try:
        accepted = folder.accepted(now)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _unusable(folder, error) from error
    if as_json:
        print_json({"keys": [{"id": key.key_id, "acceptedUntil": key.until} for key in accepted]})
        return
    rows = [
        (key.key_id, f"accepted until {key.until:%Y-%m-%d %H:%M} UTC" if key.until else "signs")
        for key in accepted
    ]
    print_table(("key", "state"), rows)


def _unusable(folder: KeyFolder, error: Exception) -> Fault:
    return Fault(
        f"The keys at {folder.private.parent} cannot be used: {error}.", "Restore them, or check permissions."
    )
