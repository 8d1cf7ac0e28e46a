"""Display names of people, as far as they are known here."""

from collections.abc import Callable

from nats.aio.client import Client

from studyspot.broker.buckets import watch_names


class Names:
    """Names by user id, kept as the bucket has them. Where there is none, the id serves."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def name_of(self, user_id: str) -> str:
        return self._names.get(user_id, user_id)

    async def follow(self, nc: Client, *, on_removed: Callable[[], None]) -> None:
        """Take in every name and every change, without end; `on_removed` is called when names were deleted.

        Raises:
            BrokerClosed: the connection is gone for good.
        """
        async for batch in watch_names(nc):
            removed = False
            for known in batch:
                if known.name is None:
                    removed |= self._names.pop(known.user_id, None) is not None
                else:
                    self._names[known.user_id] = known.name
            if removed:
                on_removed()
