"""Up or down for strangers; why, for a supervisor."""

import os
import socket
import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from tests.factories import HeartbeatFactory, StreamFactory, now

pytestmark = pytest.mark.django_db
UP, DOWN = {"status": "up"}, {"status": "down"}


def ask(path: str, client: Client | None = None) -> tuple[int, Any]:
    answer = (client or Client()).get(path)
    return answer.status_code, answer.json()


@pytest.fixture
def worker() -> Any:
    return HeartbeatFactory()


@pytest.fixture
def feed() -> Any:
    return StreamFactory(feed="calls", last_finished_at=now() - timedelta(minutes=1))


@pytest.mark.parametrize("path", ["/health/", "/health/ready/"])
class TestReady:
    def test_up_with_a_worker_and_a_fresh_feed(self, path: str, worker: Any, feed: Any) -> None:
        assert ask(path) == (200, UP)

    def test_down_without_a_worker(self, path: str, feed: Any) -> None:
        assert ask(path) == (503, DOWN)

    @pytest.mark.parametrize(("silent", "status"), [(50, 200), (61, 503)])
    def test_down_when_the_worker_is_silent_for_a_minute(
        self, path: str, silent: int, status: int
    ) -> None:
        HeartbeatFactory(seen_at=now() - timedelta(seconds=silent))
        assert ask(path)[0] == status

    def test_down_when_a_feed_is_stale(self, path: str, worker: Any, feed: Any) -> None:
        StreamFactory(feed="pledges", last_finished_at=now() - timedelta(minutes=16))
        assert ask(path) == (503, DOWN)

    def test_what_checks_a_feed_by_the_week_makes_nothing_stale(
        self, path: str, worker: Any, feed: Any
    ) -> None:
        StreamFactory(feed="calls-full", last_finished_at=now() - timedelta(days=6))
        StreamFactory(feed="calls-window")
        assert ask(path) == (200, UP)

    def test_a_first_walk_that_goes_on_is_not_stale(self, path: str, worker: Any) -> None:
        stream = StreamFactory(lease_until=now() + timedelta(seconds=30))
        assert ask(path) == (200, UP)
        stream.lease_until = now() - timedelta(seconds=1)
        stream.save()
        assert ask(path) == (503, DOWN)

    def test_down_when_the_database_does_not_answer(self, path: str) -> None:
        assert ask_without_database(path) == (503, '{"status": "down"}')


def test_live_asks_nothing(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert ask("/health/live/") == (200, UP)


def test_live_needs_no_database() -> None:
    assert ask_without_database("/health/live/") == (200, '{"status": "up"}')


@pytest.mark.parametrize("path", ["/health/", "/health/ready/"])
def test_it_is_quick_and_leaves_no_session(
    path: str, worker: Any, feed: Any, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(2):
        answer = Client().get(path)
    assert not answer.cookies


def test_an_agent_hears_no_more_than_a_stranger(alice: User, feed: Any) -> None:
    client = Client()
    client.force_login(alice)
    assert ask("/health/", client) == (503, DOWN)


def test_a_supervisor_hears_which_of_them_it_is(carol: User, feed: Any, settings: Any) -> None:
    settings.DEBUG = True
    client = Client()
    client.force_login(carol)
    status, body = ask("/health/", client)
    assert status == 503
    assert body["worker"] == {"status": "down", "seen_at": None}
    assert body["streams"]["calls"]["status"] == "up"


@pytest.mark.parametrize("path", ["/health/", "/health/live/", "/health/ready/"])
def test_it_is_only_asked(path: str) -> None:
    assert Client().post(path).status_code == 405


ASK = """
import os, sys, django
django.setup()
from django.test import Client
answer = Client(headers={"Host": "127.0.0.1"}).get(sys.argv[1])
print(answer.status_code, answer.content.decode())
"""


def ask_without_database(path: str) -> tuple[int, str]:
    """In a process of its own, whose database is an address at which nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        answer = subprocess.run(
            [sys.executable, "-c", ASK, path],
            env={
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "config.settings",
                "DATABASE_URL": f"postgres://nobody@127.0.0.1:{port}/nothing",
            },
            capture_output=True,
            text=True,
            check=True,
        )
    status, body = answer.stdout.strip().split(" ", 1)
    return int(status), body
