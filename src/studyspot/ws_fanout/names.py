"""Display names of people, as far as they are known here."""

from nats.aio.client import Client

from studyspot.broker.buckets import watch_names


class Names:
    """Names by user id, kept as the bucket has them. Where there is none, the id serves."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def name_of(self, user_id: str) -> str:
        return self._names.get(user_id, user_id)

    async def follow(self, nc: Client) -> None:
        """Take in every name and every change, without end.

        Raises:
            BrokerClosed: the connection is gone for good.
        """
        async for batch in watch_names(nc):
            for known in batch:
                if known.name is None:
                    self._names.pop(known.user_id, None)
                else:
                    self._names[known.user_id] = known.name
