"""Sockets that keep a deadline, and the requests adapter that is made of them.

The time-outs of the libraries start anew with each byte that trickles in, so they never end an
exchange that is fed slowly. Here every single wait is cut to what is left of the exchange. On
the way it is noted how far the exchange has come: only so can "nothing was sent" be told from
"it may have arrived".

The look-up of a host's name is the one wait that the operating system does not let us cut. It
comes before the first byte.
"""

import socket
import ssl
import time
from contextvars import ContextVar
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.util.retry import Retry
from urllib3.util.ssl_ import create_urllib3_context


class Exchange:
    """What is known of the exchange that this thread is in."""

    def __init__(self, seconds: float) -> None:
        self.ends = time.monotonic() + seconds
        self.is_on_new_connection = False
        self.is_being_sent = False
        self.is_being_answered = False

    def seconds_left(self) -> float:
        left = self.ends - time.monotonic()
        if left <= 0:
            raise TimeoutError("The deadline of the exchange has passed.")
        return left

    def was_lost_before_an_answer(self) -> bool:
        """Tell whether a kept connection turned out to be dead."""
        return (
            self.is_being_sent
            and not self.is_on_new_connection
            and not self.is_being_answered
            and time.monotonic() < self.ends
        )


current_exchange: ContextVar[Exchange | None] = ContextVar("exchange", default=None)


class _Punctual(socket.socket):
    """A socket whose every wait ends with the exchange, and that notes how far this has come."""

    def sendall(self, *args: Any) -> None:
        self._before_sending()
        super().sendall(*args)

    def send(self, *args: Any) -> int:
        self._before_sending()
        return super().send(*args)

    def recv_into(self, *args: Any) -> int:
        exchange = current_exchange.get()
        if exchange is not None:
            self.settimeout(exchange.seconds_left())
        count = super().recv_into(*args)
        if exchange is not None and count:
            exchange.is_being_answered = True
        return count

    def _before_sending(self) -> None:
        exchange = current_exchange.get()
        if exchange is not None:
            self.settimeout(exchange.seconds_left())
            exchange.is_being_sent = True


class _PunctualTLS(_Punctual, ssl.SSLSocket):
    """The same over TLS: the handshake goes by neither of its methods, so it is not sending."""


def _punctual(plain: socket.socket) -> socket.socket:
    seconds = plain.gettimeout()
    wrapped = _Punctual(plain.family, plain.type, plain.proto, fileno=plain.detach())
    wrapped.settimeout(seconds)
    return wrapped


class _PlainConnection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        _note_new_connection()
        return _punctual(super()._new_conn())


class _TLSConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        _note_new_connection()
        return super()._new_conn()


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = _TLSConnection


def _note_new_connection() -> None:
    exchange = current_exchange.get()
    if exchange is not None:
        exchange.is_on_new_connection = True


class PunctualAdapter(HTTPAdapter):
    """Connections made of punctual sockets, and nothing that sends a request twice."""

    def __init__(self) -> None:
        super().__init__(pool_connections=1, pool_maxsize=4, max_retries=Retry(0, read=False))

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        context = create_urllib3_context()
        context.sslsocket_class = _PunctualTLS
        super().init_poolmanager(*args, ssl_context=context, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _TLSPool}
