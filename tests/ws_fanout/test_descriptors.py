"""A process takes as many descriptors as it needs, or lets in no more than it has."""

import json
import subprocess
import sys

PROGRAM = """
import json, resource, sys
from studyspot.ws_fanout.descriptors import within_descriptors
from studyspot.ws_fanout.limits import Limits
resource.setrlimit(resource.RLIMIT_NOFILE, (300, int(sys.argv[1])))
limits = within_descriptors(Limits(sockets=800, handshakes=400))
print(json.dumps([limits.sockets, limits.handshakes, resource.getrlimit(resource.RLIMIT_NOFILE)[0]]))
"""


def told(hard: int) -> list[int]:
    """Return what a process with this hard limit lets in, and its descriptors."""
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(hard)], capture_output=True, text=True, timeout=60, check=True
    )
    told: list[int] = json.loads(ran.stdout.splitlines()[-1])
    return told


def test_a_process_takes_the_descriptors_that_its_limits_need() -> None:
    assert told(4096) == [800, 400, 1400]


def test_where_it_may_not_have_them_it_lets_in_fewer() -> None:
    sockets, handshakes, descriptors = told(800)

    assert (sockets, handshakes, descriptors) == (400, 200, 800)
