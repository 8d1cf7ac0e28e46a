"""Policies as a process of their own, for tests that kill it: `python -m tests.policies.process URL TIME`.

Its clock stands at TIME.
"""

import asyncio
import sys
from datetime import datetime

from studyspot.policies.app import PoliciesProcess


def main(database_url: str, time: str) -> None:
    now = datetime.fromisoformat(time)
    asyncio.run(PoliciesProcess(database_url=database_url, now=lambda: now).run())


if __name__ == "__main__":
    main(*sys.argv[1:])
