"""Reading one's own writes: which position a read has to reflect."""

from typing import Any

from studyspot.client.api import Api, Reply


class Reading:
    """What all reads have in common.

    `min_position`: the read waits until it reflects that position. With `read_own_writes`, that is at
    least the position of our newest command.
    """

    def __init__(self, api: Api, *, read_own_writes: bool) -> None:
        self._reads = api
        self._read_own_writes = read_own_writes

    async def _get(self, path: str, parameters: dict[str, Any], min_position: int | None) -> Reply:
        own = self._reads.position if self._read_own_writes else 0
        return await self._reads.query(path, parameters, max(own, min_position or 0) or None)
