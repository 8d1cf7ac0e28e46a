"""What goes wrong between us and NATS, told in our own words."""

from collections.abc import Iterator
from contextlib import contextmanager

from nats import errors as client_errors
from nats.js import errors as stream_errors


class BrokerError(Exception):
    """Any failure of this room."""


class BrokerUnavailable(BrokerError):
    """NATS did not answer, or JetStream is not up; the same call may succeed later."""


class BrokerClosed(BrokerError):
    """The connection is closed for good: the server refused us, or we closed it; only a new one helps."""


class EpochChanged(BrokerError):
    """Positions now belong to another history: what was read before says nothing about what comes."""

    def __init__(self, expected: str, found: str) -> None:
        super().__init__(f"the stream's epoch is {found}, not {expected}")
        self.expected = expected
        self.found = found


class PositionForgotten(BrokerError):
    """The stream no longer holds the message after `after`; the next one that it holds is `first`."""

    def __init__(self, after: int, first: int) -> None:
        super().__init__(f"the stream continues after position {after} only at {first}")
        self.after = after
        self.first = first


class PublishRejected(BrokerError):
    """The stream refused the message of `position`, and with it all that follow."""

    def __init__(self, position: int, detail: str) -> None:
        super().__init__(f"position {position} was rejected: {detail}")
        self.position = position
        self.detail = detail


class PublishTimedOut(BrokerUnavailable):
    """Nothing was acknowledged within the limit; what follows `after` may be stored or not."""

    def __init__(self, after: int) -> None:
        super().__init__(f"no acknowledgement after position {after} within the limit")
        self.after = after


@contextmanager
def reaching_broker() -> Iterator[None]:
    """Translate what the NATS client raises.

    Raises:
        BrokerClosed: the connection is closed for good.
        BrokerUnavailable: no answer, no JetStream, or no connection at the moment.
    """
    try:
        yield
    except client_errors.ConnectionClosedError as error:
        raise BrokerClosed("the connection to NATS is closed") from error
    except (stream_errors.ServiceUnavailableError, stream_errors.ServerError) as error:
        raise BrokerUnavailable(f"JetStream: {error.description or 'not available'}") from error
    except (
        TimeoutError,  # The client's own time-outs derive from it.
        OSError,
        client_errors.NoRespondersError,
        stream_errors.NoStreamResponseError,
        client_errors.OutboundBufferLimitError,
        client_errors.ConnectionReconnectingError,
        client_errors.ConnectionDrainingError,
        client_errors.StaleConnectionError,
    ) as error:
        raise BrokerUnavailable(f"NATS does not answer ({type(error).__name__})") from error
