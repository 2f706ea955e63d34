"""The way out: what is sent, how long it may take, and what is made of what comes back."""

import datetime as dt
import gzip
import logging
import socket
import ssl
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from integrations.http import (
    LARGEST_ANSWER,
    LARGEST_PAGE,
    Answer,
    BadRequest,
    Conflict,
    Forbidden,
    ForeignHost,
    NotFound,
    NotSent,
    RateLimited,
    Refused,
    Remote,
    RemoteError,
    Token,
    Unauthorized,
    Unclear,
)
from tests.integrations.misbehaving import (
    OK,
    Behaviour,
    Misbehaving,
    answer,
    answer_in_plain_words,
    cut,
    dribbling,
    hang_up,
    misbehaving,
    own_tls,
    reset,
    stay_silent,
)

SECRET = "eyJ-the-token-of-this-account"


@pytest.fixture
def token() -> Token:
    return Token(SECRET)


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, str]:
    return own_tls(tmp_path_factory.mktemp("tls"))


def remote(url: str, token: Token, **limits: float | str) -> Remote:
    return Remote(url, token, **limits)  # type: ignore[arg-type]


def write(server: Misbehaving, token: Token, **limits: float) -> Answer:
    return remote(server.url, token, **limits).write("PUT", "/calls/1", b'{"a": 1}')


class TestWritesLeaveOnce:
    def test_an_accepted_write_brings_its_answer(self, token: Token) -> None:
        at = dt.datetime(2026, 11, 2, 9, 30, tzinfo=dt.UTC)
        said = answer(201, b'{"a":1}', Date="Mon, 02 Nov 2026 09:29:58 GMT")
        with misbehaving(said) as server:
            found = Remote(server.url, token, clock=lambda: at).write("POST", "/calls", b"{}")
        assert (found.status, found.body, found.started_at) == (201, b'{"a":1}', at)
        assert found.date == at - dt.timedelta(seconds=2)
        assert server.requests[0].startswith(b"POST /calls HTTP/1.1\r\n")
        assert f"Authorization: Bearer {SECRET}".encode() in server.requests[0]
        assert b"Content-Type: application/json" in server.requests[0]

    @pytest.mark.parametrize("ending", [reset, hang_up, cut, b"rubbish\r\n\r\n"])
    def test_a_write_that_is_lost_is_unclear_and_never_sent_again(
        self, token: Token, ending: bytes | Behaviour
    ) -> None:
        with misbehaving(ending, OK, OK) as server, pytest.raises(Unclear):
            write(server, token)
        assert len(server.requests) == 1

    @pytest.mark.parametrize("status", [500, 502, 503, 504, 408, 425])
    def test_a_write_that_may_have_been_taken_is_unclear_and_never_sent_again(
        self, token: Token, status: int
    ) -> None:
        with (
            misbehaving(answer(status, Retry_After="0"), OK) as server,
            pytest.raises(Unclear) as caught,
        ):
            write(server, token)
        assert caught.value.status == status
        assert len(server.requests) == 1

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_a_redirect_is_not_followed_here_or_elsewhere(self, token: Token, status: int) -> None:
        with misbehaving(OK, OK, OK, OK) as elsewhere:
            for location in (f"{elsewhere.url}/calls/1", "/calls/2"):
                pointing = answer(status, Location=location)
                with misbehaving(pointing, pointing, OK, OK) as server:
                    with pytest.raises(Unclear):
                        write(server, token)
                    with pytest.raises(Unclear):
                        remote(server.url, token).read("/calls")
                assert len(server.requests) == 2
        assert elsewhere.connections == 0

    def test_each_write_has_a_connection_of_its_own(self, token: Token) -> None:
        with misbehaving(OK, OK, OK) as server:
            account = remote(server.url, token)
            account.read("/calls")
            for _ in range(2):
                account.write("PUT", "/calls/1", b"{}")
        assert server.connections == 3

    def test_a_success_with_nothing_in_it_is_still_an_answer(self, token: Token) -> None:
        with misbehaving(b"HTTP/1.1 204 No Content\r\n\r\n") as server:
            assert write(server, token).body == b""


class TestNothingWasSent:
    def test_a_refused_connection(self, token: Token) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(NotSent, match="ConnectionRefusedError"):
            remote(url, token).write("PUT", "/calls/1", b"{}")

    def test_a_name_that_nobody_knows(self, token: Token) -> None:
        with pytest.raises(NotSent):
            remote("http://nowhere.invalid", token).write("PUT", "/calls/1", b"{}")

    def test_a_connection_that_does_not_come_about_in_time(self, token: Token) -> None:
        # A listener whose queue is full leaves whoever knocks without an answer.
        with socket.socket() as full:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            port = full.getsockname()[1]
            waiting = [socket.socket() for _ in range(3)]
            for knocking in waiting:
                knocking.setblocking(False)
                knocking.connect_ex(("127.0.0.1", port))
            began = time.monotonic()
            with pytest.raises(NotSent):
                remote(f"http://127.0.0.1:{port}", token, connect_seconds=0.3).write(
                    "PUT", "/calls/1", b"{}"
                )
            assert time.monotonic() - began < 5
            for knocking in waiting:
                knocking.close()

    def test_a_server_that_speaks_no_tls(self, token: Token) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            threading.Thread(target=answer_in_plain_words, args=(listener,)).start()
            url = f"https://127.0.0.1:{listener.getsockname()[1]}"
            with pytest.raises(NotSent):
                remote(url, token).write("PUT", "/calls/1", b"{}")

    def test_a_handshake_that_never_ends(self, token: Token) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = f"https://127.0.0.1:{silent.getsockname()[1]}"
            with pytest.raises(NotSent):
                remote(url, token, connect_seconds=0.3).write("PUT", "/calls/1", b"{}")

    def test_a_certificate_that_nobody_vouches_for(
        self, token: Token, tls: tuple[ssl.SSLContext, str]
    ) -> None:
        with misbehaving(OK, tls=tls[0]) as server, pytest.raises(NotSent):
            write(server, token)
        assert server.requests == []

    def test_an_account_without_a_token(self) -> None:
        def missing() -> str:
            raise FileNotFoundError

        for source in (missing, lambda: " \n", lambda: "two\nlines"):
            with misbehaving(OK) as server, pytest.raises(NotSent):
                write(server, Token(source))
            assert server.connections == 0

    def test_another_host_is_never_contacted(self, token: Token) -> None:
        with misbehaving(OK) as elsewhere, misbehaving(OK) as server:
            account = remote(server.url, token)
            for path in (f"@127.0.0.1:{elsewhere.port}/", "0/calls", ".example/calls"):
                with pytest.raises(ForeignHost):
                    account.write("PUT", path, b"{}")
                with pytest.raises(ForeignHost):
                    account.read(path)
        assert elsewhere.connections == server.connections == 0

    @pytest.mark.parametrize(
        "url",
        ["ftp://x", "x", "https://", "https://u:p@x", "https://x/api", "https://x?a=1", ""],
    )
    def test_an_address_is_scheme_and_host_and_no_more(self, token: Token, url: str) -> None:
        with pytest.raises(ValueError, match="address"):
            remote(url, token)


class TestTheDeadline:
    """It ends every exchange, however it is fed; a pause between two drops never does."""

    @pytest.mark.parametrize(
        "slow",
        [
            pytest.param(stay_silent, id="silence"),
            pytest.param(dribbling(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"), id="headers by the line"),
            pytest.param(dribbling(b"HTTP/1.1 200 OK\r\nX: ", b"y"), id="headers by the byte"),
            pytest.param(
                dribbling(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", b" "), id="the body"
            ),
            pytest.param(
                dribbling(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
                id="chunks",
            ),
        ],
    )
    @pytest.mark.parametrize("is_tls", [False, True], ids=["plain", "tls"])
    def test_no_server_can_stretch_an_exchange(
        self, token: Token, slow: Behaviour, is_tls: bool, tls: tuple[ssl.SSLContext, str]
    ) -> None:
        limits: dict[str, float | str] = {"exchange_seconds": 0.3}
        if is_tls:
            limits["ca_file"] = tls[1]
        with misbehaving(slow, slow, tls=tls[0] if is_tls else None) as server:
            account = remote(server.url, token, **limits)
            exchanges: list[Callable[[], Answer]] = [
                lambda: account.write("PUT", "/calls/1", b"{}"),
                lambda: account.read("/calls"),
            ]
            for exchange in exchanges:
                began = time.monotonic()
                with pytest.raises(Unclear):
                    exchange()
                assert 0.2 < time.monotonic() - began < 3
        assert len(server.requests) == 2

    def test_a_server_that_does_not_take_the_request_cannot_stretch_it_either(
        self, token: Token
    ) -> None:
        with socket.create_server(("127.0.0.1", 0)) as deaf:
            url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
            began = time.monotonic()
            with pytest.raises(Unclear):
                remote(url, token, exchange_seconds=0.4).write("PUT", "/x", b" " * 20_000_000)
            assert time.monotonic() - began < 5

    def test_a_refusal_counts_although_its_words_never_end(self, token: Token) -> None:
        slow = dribbling(b"HTTP/1.1 404 No\r\nContent-Length: 99\r\n\r\n", b" ")
        with misbehaving(slow) as server, pytest.raises(NotFound) as caught:
            write(server, token, exchange_seconds=0.3)
        assert caught.value.words == ""


class TestReading:
    def test_reads_share_a_connection(self, token: Token) -> None:
        with misbehaving(OK, OK, OK) as server:
            account = remote(server.url, token)
            for _ in range(3):
                assert account.read("/calls", query=[("include", "a,b")]).body == b"{}"
        assert server.connections == 1
        assert server.requests[0].startswith(b"GET /calls?include=a%2Cb HTTP/1.1\r\n")

    @pytest.mark.parametrize("ending", [hang_up, reset])
    def test_a_kept_connection_that_died_is_replaced(self, token: Token, ending: Behaviour) -> None:
        with misbehaving(OK, ending, OK) as server:
            account = remote(server.url, token)
            assert account.read("/calls").body == b"{}"
            assert account.read("/calls").body == b"{}"
        assert (server.connections, len(server.requests)) == (2, 3)

    def test_a_fresh_connection_that_died_is_not(self, token: Token) -> None:
        with misbehaving(reset, OK) as server, pytest.raises(Unclear):
            remote(server.url, token).read("/calls")
        assert len(server.requests) == 1

    def test_a_question_may_have_a_body(self, token: Token) -> None:
        with misbehaving(OK) as server:
            remote(server.url, token).read("/v1", body=b'{"query":""}')
        assert server.requests[0].startswith(b"POST /v1")
        assert server.requests[0].endswith(b'{"query":""}')

    def test_a_page_may_come_compressed(self, token: Token) -> None:
        page = answer(200, gzip.compress(b"[1]"), Content_Encoding="gzip")
        with misbehaving(page) as server:
            assert remote(server.url, token).read("/calls").body == b"[1]"

    @pytest.mark.parametrize("is_compressed", [False, True])
    def test_a_page_without_end_is_cut_off(self, token: Token, is_compressed: bool) -> None:
        body = b" " * (LARGEST_PAGE + 1)
        page = answer(200, body)
        if is_compressed:
            page = answer(200, gzip.compress(body), Content_Encoding="gzip")
        with misbehaving(page) as server, pytest.raises(Unclear, match="too large"):
            remote(server.url, token).read("/calls")

    def test_the_answer_to_a_write_may_be_a_megabyte_and_no_more(self, token: Token) -> None:
        most, more = b" " * LARGEST_ANSWER, b" " * (LARGEST_ANSWER + 1)
        with misbehaving(answer(200, most), answer(200, more)) as server:
            assert len(write(server, token).body) == LARGEST_ANSWER
            with pytest.raises(Unclear, match="too large"):
                write(server, token)

    def test_nothing_of_the_environment_counts(
        self, token: Token, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        with misbehaving(OK) as proxy, misbehaving(OK, OK) as server:
            netrc = tmp_path / "netrc"
            netrc.write_text("machine 127.0.0.1 login mallory password other\n")
            monkeypatch.setenv("NETRC", str(netrc))
            monkeypatch.setenv("HTTP_PROXY", proxy.url)
            monkeypatch.setenv("http_proxy", proxy.url)
            monkeypatch.setenv("ALL_PROXY", proxy.url)
            write(server, token)
            remote(server.url, token).read("/calls")
            assert proxy.connections == 0
        assert all(SECRET.encode() in request for request in server.requests)

    def test_no_cookie_is_kept(self, token: Token) -> None:
        with misbehaving(answer(200, Set_Cookie="a=b; Path=/"), OK) as server:
            account = remote(server.url, token)
            account.read("/calls")
            account.read("/calls")
        assert b"cookie" not in server.requests[1].lower()

    @pytest.mark.parametrize("date", ["", "yesterday", "Mon, 99 Nov 2026 09:29:58 GMT"])
    def test_a_date_that_is_none_is_none(self, token: Token, date: str) -> None:
        with misbehaving(answer(200, Date=date)) as server:
            assert remote(server.url, token).read("/calls").date is None


class TestRefusals:
    @pytest.mark.parametrize(
        ("status", "kind"),
        [
            (400, BadRequest),
            (401, Unauthorized),
            (403, Forbidden),
            (404, NotFound),
            (409, Conflict),
            (429, RateLimited),
            (402, Refused),
            (422, Refused),
            (451, Refused),
        ],
    )
    def test_each_refusal_has_its_kind(
        self, token: Token, status: int, kind: type[Refused]
    ) -> None:
        with misbehaving(answer(status)) as server, pytest.raises(Refused) as caught:
            write(server, token)
        assert type(caught.value) is kind
        assert caught.value.status == status

    @pytest.mark.parametrize(
        ("body", "words"),
        [
            (b'{"message": "Call is completed"}', "Call is completed"),
            (b'{"message": ["notes is empty", "no result"]}', "notes is empty; no result"),
            (b'{"error": "Broken", "statusCode": 400}', "Broken"),
            (b'{"errors": [{"message": "No field"}, {"message": "No type"}]}', "No field; No type"),
            (b'{"errors": ["No field", {"code": 7}]}', '{"errors": ["No field", {"code": 7}]}'),
            (b'{"code": 7}', '{"code": 7}'),
            (b"Call is completed", "Call is completed"),
            (b"[1]", "[1]"),
            (b"caf\xe9\x00", "caf\ufffd"),
            (b"", ""),
            (b"x" * 2000, "x" * 500),
            (b"[" * 50_000, "[" * 500),
            (f"not for {SECRET}".encode(), "not for …"),
        ],
    )
    def test_its_words_are_kept_and_not_shown(self, token: Token, body: bytes, words: str) -> None:
        with misbehaving(answer(400, body)) as server, pytest.raises(BadRequest) as caught:
            write(server, token)
        assert caught.value.words == words
        assert str(caught.value) == "BadRequest (status 400)"
        assert words == "" or words not in repr(caught.value)

    @pytest.mark.parametrize(
        ("said", "seconds"),
        [
            ("7", 7),
            ("0", 0),
            ("-5", 0),
            ("86400", 900),
            ("Mon, 02 Nov 2026 09:31:30 GMT", 90),
            ("Mon, 02 Nov 2026 09:00:00 GMT", 0),
            ("Tue, 03 Nov 2026 09:00:00 GMT", 900),
            ("soon", None),
            ("²", None),
            ("", None),
        ],
    )
    def test_how_long_to_wait_is_told_in_seconds_or_by_a_moment(
        self, token: Token, said: str, seconds: float | None
    ) -> None:
        at = dt.datetime(2026, 11, 2, 9, 30, tzinfo=dt.UTC)
        busy = answer(429, Retry_After=said).replace("²".encode(), b"\xb2")
        with misbehaving(busy) as server, pytest.raises(RateLimited) as caught:
            Remote(server.url, token, clock=lambda: at).write("PUT", "/calls/1", b"{}")
        assert caught.value.retry_after == seconds

    def test_a_moment_is_read_against_the_clock_of_who_names_it(self, token: Token) -> None:
        busy = answer(
            429,
            Date="Mon, 02 Nov 2026 09:30:00 GMT",
            Retry_After="Mon, 02 Nov 2026 09:31:00 GMT",
        )
        with misbehaving(busy) as server, pytest.raises(RateLimited) as caught:
            write(server, token)
        assert caught.value.retry_after == 60


class TestTheToken:
    def test_it_is_read_again_after_it_was_not_accepted(self, tmp_path: Path) -> None:
        file = tmp_path / "token"
        file.write_text("old\n")
        with misbehaving(answer(401), OK) as server:
            account = remote(server.url, Token(file.read_text))
            file.write_text("older\n")
            with pytest.raises(Unauthorized):
                account.read("/calls")
            file.write_text("new\n")
            account.read("/calls")
        assert b"Bearer older\r\n" in server.requests[0]
        assert b"Bearer new\r\n" in server.requests[1]

    def test_it_shows_itself_nowhere(self, token: Token, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        shown = [repr(token), str(token), f"{token}", repr(vars(Remote("http://x", token)))]
        endings: list[bytes | Behaviour] = [reset, cut, answer(401), answer(500)]
        for ending in endings:
            with misbehaving(ending) as server, pytest.raises(RemoteError) as caught:
                write(server, token)
            error = caught.value
            assert error.__context__ is None
            assert error.__cause__ is None
            told = traceback.TracebackException.from_exception(error, capture_locals=True)
            shown += [repr(error), *told.format()]
        with misbehaving(OK) as server:
            shown.append(repr(write(server, token)))
        assert caplog.records
        assert SECRET not in "".join(shown) + caplog.text

    def test_it_may_stand_in_a_header_of_another_name(self, token: Token) -> None:
        with misbehaving(OK) as server:
            Remote(server.url, token, header="X-AUTH-TOKEN", prefix="").read("/v1")
        assert f"X-AUTH-TOKEN: {SECRET}\r\n".encode() in server.requests[0]
