"""A connection of aiokafka that uvloop has closed is a lost one.

asyncio's own transport takes a write after the broker has gone, and aiokafka learns of the loss from its reader; uvloop's raises
``RuntimeError`` at once, which aiokafka (0.14) knows nowhere: it ended tasks that should have tried again, and with them whole
processes, when a broker died at the wrong moment. Importing ``shared.broker`` sets it right for every client of the process.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.errors import KafkaConnectionError

Send = Callable[..., Any]


def _telling_of_the_loss(send: Send) -> Send:
    @wraps(send)
    def told(self: AIOKafkaConnection, *args: Any, **options: Any) -> Any:
        try:
            return send(self, *args, **options)
        except RuntimeError as error:
            self.close(reason=CloseReason.CONNECTION_BROKEN)
            raise KafkaConnectionError(f"Connection at {self.host}:{self.port} broken: {error}") from error

    return told


def know_closed_transports() -> None:
    """Let both ways on which aiokafka writes raise its own error. A second call changes nothing."""
    for name in ("send", "_send_sasl_token"):
        send = getattr(AIOKafkaConnection, name)
        if not hasattr(send, "__wrapped__"):
            setattr(AIOKafkaConnection, name, _telling_of_the_loss(send))
