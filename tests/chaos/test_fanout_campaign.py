"""A crowd whose rights change, while processes die: `make chaos` lets more of them go on for longer."""

import pytest

from tests.chaos.fanout_campaign import campaign

CLIENTS = 100
SECONDS = 30


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", [20261202])
async def test_each_client_is_told_the_log_filtered_by_its_rights(seed: int) -> None:
    outcome = await campaign(SECONDS, seed, CLIENTS)

    assert outcome.faults == (), "\n".join((f"seed {seed}", *outcome.faults, *outcome.incidents))
