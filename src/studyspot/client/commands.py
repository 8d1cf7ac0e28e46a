"""The commands: what owners, staff and students do."""

from studyspot.client.api import Api
from studyspot.client.booking_commands import BookingCommands
from studyspot.client.library_commands import LibraryCommands


class Commands(LibraryCommands, BookingCommands):
    """All of them, by one connection."""

    def __init__(self, api: Api) -> None:
        LibraryCommands.__init__(self, api)
        BookingCommands.__init__(self, api)
