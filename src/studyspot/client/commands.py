"""The commands: what owners, staff, students and administrators do."""

from studyspot.client.api import Api
from studyspot.client.booking_commands import BookingCommands
from studyspot.client.library_commands import LibraryCommands
from studyspot.client.people_commands import PeopleCommands


class Commands(LibraryCommands, BookingCommands, PeopleCommands):
    """All of them, by one connection."""

    def __init__(self, api: Api) -> None:
        LibraryCommands.__init__(self, api)
        BookingCommands.__init__(self, api)
        PeopleCommands.__init__(self, api)
