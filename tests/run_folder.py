"""Where a run of the tests keeps its temporary files: in memory, and gone with the run, however that ends."""

import fcntl
import os
import shutil
import stat
import tempfile
from functools import partial
from multiprocessing.util import Finalize
from pathlib import Path

MEMORY = Path("/dev/shm")
PREFIX = "studyspot-tests-"
ROOM_FOR_ENGINES = 4 * 2**30
REMOVED_LAST = -1000


def keep_temporary_files_in_memory() -> None:
    """Have engines write to memory, where there is room and TMPDIR says nothing else: databases are large.

    They flush all the same, and what a process has written outlives its SIGKILL there as on a disk.
    """
    if "TMPDIR" in os.environ or not os.access(MEMORY, os.W_OK):
        return
    remove_folders_of_the_dead(MEMORY)
    may_run_programs = not os.statvfs(MEMORY).f_flag & os.ST_NOEXEC
    if may_run_programs and shutil.disk_usage(MEMORY).free >= ROOM_FOR_ENGINES:
        files = str(folder_of_this_run(MEMORY))
        os.environ["TMPDIR"] = tempfile.tempdir = files  # Children and workers are told by the environment.


def folder_of_this_run(place: Path) -> Path:
    """Return a new folder, held until this process ends; then it is removed, by a later run if need be."""
    files = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
    held = os.open(files, os.O_RDONLY | os.O_DIRECTORY)  # By no child: it is closed where a program is begun.
    fcntl.flock(held, fcntl.LOCK_EX)
    files.chmod(0o711)  # PostgreSQL's user has to reach its data below.
    # At the very end: multiprocessing removes files of its own there, and complains where they are gone.
    Finalize(None, partial(shutil.rmtree, files, ignore_errors=True), exitpriority=REMOVED_LAST)
    return files


def remove_folders_of_the_dead(place: Path) -> None:
    """Remove what runs that were killed have left; of those that go on, nothing."""
    for files in place.glob(PREFIX + "*"):
        try:
            held = os.open(files, os.O_RDONLY | os.O_DIRECTORY)
        except OSError:
            continue  # Another's, or gone meanwhile.
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # One that others may not enter has just been made, and is about to be held.
            if files.stat().st_mode & stat.S_IXOTH:
                shutil.rmtree(files, ignore_errors=True)
        except (BlockingIOError, FileNotFoundError):
            continue
        finally:
            os.close(held)
