"""The way out over HTTP: one exchange at a time, and errors sorted by what may have happened.

A write goes out once, on a connection of its own, and is never sent again from here: neither by
a retry nor by a redirect. Every exchange ends by a deadline of ours, however slowly the other
side feeds us. What went wrong falls into three kinds:

* ``NotSent``: not one byte of the request left this machine;
* ``Refused``: the other side answered that it did not do it;
* ``Unclear``: it may have happened.

No error shows a token, an address with its query, or a word of the other side when it is printed
or logged; the words are kept in ``Refused.words`` for whoever has the right to see them.
"""

import datetime as dt
import email.utils
import http.client
import json
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import msgspec
import requests
import urllib3
from requests.adapters import BaseAdapter
from requests.auth import AuthBase

from integrations.sockets import Exchange, PunctualAdapter, current_exchange

CONNECT_SECONDS: Final = 3.0
EXCHANGE_SECONDS: Final = 25.0
LARGEST_PAGE: Final = 16 * 1024 * 1024
LARGEST_ANSWER: Final = 1024 * 1024
LARGEST_REFUSAL: Final = 64 * 1024
LONGEST_RETRY_AFTER: Final = 15 * 60
MOST_WORDS: Final = 500

Clock = Callable[[], dt.datetime]
Query = Sequence[tuple[str, str]]


class NotSendable(ValueError):
    """What was to be sent breaks a rule of the API; its text is one sentence for people."""


class RemoteError(Exception):
    """An exchange with another system that did not end as it should."""

    def __init__(self, reason: str, status: int | None = None) -> None:
        super().__init__(reason if status is None else f"{reason} (status {status})")
        self.reason = reason
        self.status = status


class NotSent(RemoteError):
    """Not one byte of the request was sent: it is safe to send it again."""


class ForeignHost(NotSent):
    """The request was meant for another host than the configured one."""


class Unclear(RemoteError):
    """The request was sent, and whether it had an effect cannot be told."""


class Refused(RemoteError):
    """The other side says that it did not do it: ``words`` are its own, cut to 500 characters.

    ``said`` is its answer, where that was JSON, for a client that finds more in it.
    """

    status: int
    said: Any = None

    def __init__(self, status: int, words: str = "") -> None:
        super().__init__(type(self).__name__, status)
        self.words = words


class BadRequest(Refused):
    """400."""


class Unauthorized(Refused):
    """401: our token is not accepted."""


class Forbidden(Refused):
    """403: our token is accepted, and not for this."""


class NotFound(Refused):
    """404."""


class Conflict(Refused):
    """409."""


class NotExecuted(Refused):
    """The other side says in terms of GraphQL that it began nothing: it found fault with the
    request itself, and there is nothing to look for.
    """


class RateLimited(Refused):
    """429. ``retry_after`` in seconds, at most fifteen minutes, or None if it was not said."""

    def __init__(self, status: int, words: str = "", retry_after: float | None = None) -> None:
        super().__init__(status, words)
        self.retry_after = retry_after


_REFUSALS: dict[int, type[Refused]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
}
_UNCLEAR_STATUSES = frozenset({408, 425})


class Token:
    """A secret that does not show itself: kept until it is refused, then read again."""

    def __init__(self, source: str | Callable[[], str]) -> None:
        self._source = source
        self._text: str | None = None

    def __call__(self) -> str:
        """Return the text of the token; raise ``NotSent`` when there is none."""
        if self._text is None:
            self._text = self._read()
        return self._text

    def forget(self) -> None:
        self._text = None

    def _read(self) -> str:
        try:
            text = self._source if isinstance(self._source, str) else self._source()
        except (OSError, UnicodeError):
            text = ""
        text = text.strip()
        if not (text and text.isascii() and text.isprintable()):
            raise NotSent("No token that can be sent")
        return text

    def __repr__(self) -> str:
        return "Token(…)"

    def __reduce__(self) -> str:
        raise TypeError("A token stays in the process that read it.")


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came back with a 2xx. ``started_at`` is our clock, ``date`` the other side's."""

    status: int
    body: bytes
    date: dt.datetime | None
    started_at: dt.datetime

    def __repr__(self) -> str:
        return f"<Answer {self.status}, {len(self.body)} bytes>"


def utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class _Bearer(AuthBase):
    """Adds the token to a request in the last moment, so that no frame of ours ever holds it."""

    def __init__(self, token: Token, header: str, prefix: str) -> None:
        self._token = token
        self._header = header
        self._prefix = prefix

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers[self._header] = self._prefix + self._token()
        return request


class Remote:
    """One other system at one address, and everything that is ever sent to it.

    ``base_url`` is scheme, host and port; no other host is contacted, and nothing of the
    environment (proxies, netrc) counts. ``adapter`` takes the place of the network for reads and
    writes alike: the deadline is then its own affair. Build one for each process; use it from
    one thread at a time, ``ahead`` included.
    """

    def __init__(
        self,
        base_url: str,
        token: Token,
        *,
        header: str = "Authorization",
        prefix: str = "Bearer ",
        adapter: BaseAdapter | None = None,
        clock: Clock = utc_now,
        connect_seconds: float = CONNECT_SECONDS,
        exchange_seconds: float = EXCHANGE_SECONDS,
        ca_file: str | None = None,
    ) -> None:
        self._origin = _origin(base_url)
        self._token = token
        self._auth = _Bearer(token, header, prefix)
        self._adapter = adapter
        self._clock = clock
        self._connect_seconds = connect_seconds
        self._exchange_seconds = exchange_seconds
        self._ca_file = ca_file
        self._reading = self._session(adapter or PunctualAdapter())

    def __repr__(self) -> str:
        return f"<Remote {self._origin}>"

    def close(self) -> None:
        """Close the connections that are kept for reading."""
        if self._adapter is None:
            self._reading.close()

    def read(self, path: str, *, query: Query = (), body: bytes | None = None) -> Answer:
        """Ask for something, on a connection that is kept; with a body it is a POST.

        A kept connection may have been closed by the other side while it lay idle: then, and
        only then, the question is asked once more. Raises ``RemoteError``.
        """
        exchange = Exchange(self._exchange_seconds)
        method = "GET" if body is None else "POST"
        try:
            return self._in(exchange, self._reading, method, path, query, body, LARGEST_PAGE)
        except Unclear:
            if not exchange.was_lost_before_an_answer():
                raise
        return self._in(exchange, self._reading, method, path, query, body, LARGEST_PAGE)

    def write(self, method: str, path: str, body: bytes | None) -> Answer:
        """Send something once, on a fresh connection. Raises ``RemoteError``."""
        exchange = Exchange(self._exchange_seconds)
        session = self._session(self._adapter or PunctualAdapter())
        session.headers.update({"Connection": "close", "Accept-Encoding": "identity"})
        try:
            return self._in(exchange, session, method, path, (), body, LARGEST_ANSWER)
        finally:
            if self._adapter is None:
                session.close()

    def _session(self, adapter: BaseAdapter) -> requests.Session:
        session = requests.Session()
        session.trust_env = False
        session.verify = self._ca_file or True
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        session.headers.update({"Accept": "application/json", "User-Agent": "Belbord"})
        # With one adapter alone, an address of any other host has no way out.
        session.adapters.clear()
        session.mount(f"{self._origin}/", adapter)
        return session

    def _in(
        self,
        exchange: Exchange,
        session: requests.Session,
        method: str,
        path: str,
        query: Query,
        body: bytes | None,
        limit: int,
    ) -> Answer:
        within = current_exchange.set(exchange)
        try:
            outcome = self._exchange(exchange, session, method, path, query, body, limit)
        finally:
            current_exchange.reset(within)
        if isinstance(outcome, Unauthorized):
            self._token.forget()
        if isinstance(outcome, RemoteError):
            raise outcome
        return outcome

    def _exchange(
        self,
        exchange: Exchange,
        session: requests.Session,
        method: str,
        path: str,
        query: Query,
        body: bytes | None,
        limit: int,
    ) -> Answer | RemoteError:
        # Errors are returned from here and raised outside of every ``except``: an error of the
        # library holds the request with its token, and would hang on to ours as its context.
        if not path.startswith("/"):
            return ForeignHost("Another host than the configured one")
        started_at = self._clock()
        try:
            response = session.request(
                method,
                self._origin + path,
                params=list(query),
                data=body,
                headers=None if body is None else {"Content-Type": "application/json"},
                auth=self._auth,
                timeout=(self._connect_seconds, self._exchange_seconds),
                allow_redirects=False,
                stream=True,
            )
        except NotSent as error:
            return error
        except _FAILURES as error:
            return self._failure(exchange, error)
        with response:
            if not 200 <= response.status_code < 300:
                return self._not_done(response)
            try:
                content = _content(response, limit)
            except _TooLarge:
                return Unclear("The answer is too large", response.status_code)
            except _FAILURES as error:
                return Unclear(f"The answer broke off ({_kind(error)})", response.status_code)
        return Answer(
            status=response.status_code,
            body=content,
            date=_http_date(response.headers.get("Date")),
            started_at=started_at,
        )

    def _failure(self, exchange: Exchange, error: Exception) -> RemoteError:
        if self._adapter is None:
            never_left = not exchange.is_being_sent
        else:
            never_left = isinstance(error, requests.exceptions.ConnectTimeout)
        if never_left:
            return NotSent(f"No connection ({_kind(error)})")
        return Unclear(f"No answer ({_kind(error)})")

    def _not_done(self, response: requests.Response) -> RemoteError:
        status = response.status_code
        if status < 400 or status >= 500 or status in _UNCLEAR_STATUSES:
            return Unclear("An answer that tells nothing", status)
        try:
            text = _content(response, LARGEST_REFUSAL).decode("utf-8", errors="replace")
        except (_TooLarge, *_FAILURES):
            text = ""
        said = _json(text)
        words = self.words(said, text)
        refusal: Refused
        if status == 429:
            now = _http_date(response.headers.get("Date")) or self._clock()
            wait = _seconds(response.headers.get("Retry-After"), now)
            refusal = RateLimited(status, words, wait)
        else:
            refusal = _REFUSALS.get(status, Refused)(status, words)
        refusal.said = said
        return refusal

    def words(self, said: Any, text: str = "") -> str:
        """What an answer says in words, fit to be kept: its messages, else the whole ``text``."""
        try:
            secret = self._token()
        except NotSent:
            # Forgotten since it was sent, and not to be had again: this was sent all the same.
            return ""
        message = _message(said) or text
        # A text column takes no NUL, and a remote that echoes our token must not publish it.
        return message.replace("\0", "").replace(secret, "…").strip()[:MOST_WORDS]


class _TooLarge(Exception):
    pass


_FAILURES = (
    requests.exceptions.RequestException,
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    OSError,
    ValueError,
)


def _content(response: requests.Response, limit: int) -> bytes:
    content = bytearray()
    for chunk in response.iter_content(64 * 1024):
        content += chunk
        if len(content) > limit:
            raise _TooLarge
    return bytes(content)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _message(said: Any) -> str:
    if not isinstance(said, dict):
        return ""
    message = said.get("message") or said.get("error") or said.get("detail")
    if message is None and isinstance(said.get("errors"), list):
        # As GraphQL tells them: a message to each.
        errors = [error for error in said["errors"] if isinstance(error, dict)]
        message = [error["message"] for error in errors if isinstance(error.get("message"), str)]
    if isinstance(message, list):
        return "; ".join(str(part) for part in message)
    return message if isinstance(message, str) else ""


def _kind(error: BaseException) -> str:
    """Name the innermost cause: its class says what happened, its text might say too much."""
    for inner in (*error.args, getattr(error, "reason", None), error.__cause__):
        if isinstance(inner, BaseException):
            return _kind(inner)
    return type(error).__name__


def _origin(base_url: str) -> str:
    parts = urlsplit(base_url)
    port = parts.port
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("The address of a remote system starts with https:// and names a host.")
    if parts.username or parts.password or parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError("The address of a remote system is no more than scheme, host and port.")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + ("" if port is None else f":{port}")


def _http_date(text: str | None) -> dt.datetime | None:
    if not text:
        return None
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def _seconds(retry_after: str | None, now: dt.datetime) -> float | None:
    """Read a ``Retry-After``, which is a number of seconds or a moment."""
    if not retry_after:
        return None
    try:
        seconds = float(int(retry_after))
    except ValueError:
        moment = _http_date(retry_after)
        if moment is None:
            return None
        seconds = (moment - now).total_seconds()
    return min(max(seconds, 0.0), float(LONGEST_RETRY_AFTER))


T = TypeVar("T")


def ahead(pages: Generator[T, None, None]) -> Iterator[T]:
    """Go through pages while one thread already fetches the next: one, and never more.

    What fetching raises is raised in its place. Who stops early waits for the page that is on
    its way, and then ``pages`` is closed.
    """
    try:
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="ahead") as thread:
            fetched = thread.submit(next, pages, None)
            while (page := fetched.result()) is not None:
                fetched = thread.submit(next, pages, None)
                yield page
    finally:
        pages.close()
