"""Several service accounts: each has its own token and streams, and one does not wait for another.

Alice's calls are seen by two accounts; what she does leaves by the one that saw the call last.
"""

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from pytest_django import Settings

from accounts.models import User
from calls.freshness import CALLS, OPEN_CALLS
from calls.models import Call
from integrations import clients, rounds, streams
from integrations.models import Breaker, Stream
from integrations.sandbox import names
from integrations.streams import Outcome
from pledges.models import Pledge
from tests.integrations.feeds import Feeds
from tests.stage import Stage

pytestmark = pytest.mark.django_db


@pytest.fixture
def tokens(settings: Settings, tmp_path: Path) -> dict[str, Path]:
    """The files with the tokens of two accounts; both are good."""
    files = {name: tmp_path / name for name in ("north", "south")}
    for file in files.values():
        file.write_text(names.TOKEN)
    settings.TAPRAISE_URL = "http://sandbox"
    settings.TAPRAISE_TOKEN = ""
    settings.TAPRAISE_ACCOUNTS = {name: str(file) for name, file in files.items()}
    return files


@pytest.fixture
def feeds(tokens: dict[str, Path]) -> Iterator[Feeds]:
    with Feeds().mounted() as made:
        yield made


def pull(feeds: Feeds, **options: Any) -> dict[str, Outcome]:
    return {one.account: one.outcome for one in streams.pull(CALLS, clock=feeds.now, **options)}


def owners() -> set[str]:
    return set(Call.objects.values_list("account", flat=True))


def test_a_call_that_two_accounts_see_is_one_call(feeds: Feeds) -> None:
    assert pull(feeds) == {"north": Outcome.FINISHED, "south": Outcome.FINISHED}

    assert Call.objects.count() == len(feeds.world.calls)
    assert owners() == {"north"}
    # The later read of what did not change writes nothing; each has its own place in the feed.
    assert set(Stream.objects.values_list("account", flat=True)) == {"north", "south"}


def test_one_refused_token_does_not_stop_the_other(feeds: Feeds, tokens: dict[str, Path]) -> None:
    tokens["north"].write_text("refused")

    assert pull(feeds) == {"north": Outcome.FAILED, "south": Outcome.FINISHED}

    assert owners() == {"south"}
    assert Call.objects.count() == len(feeds.world.calls)
    assert Breaker.objects.get(opened_at__isnull=False).key == "tapraise:north"
    assert pull(feeds) == {"north": Outcome.WAITING, "south": Outcome.FINISHED}
    feeds.advance(hours=25)
    tokens["north"].write_text("refused as well")
    turns = {turn.account: turn for turn in rounds.go(OPEN_CALLS, clock=feeds.now)}
    assert turns["south"].records > 0


def test_a_token_file_that_is_replaced_is_read_without_a_restart(
    feeds: Feeds, tokens: dict[str, Path]
) -> None:
    tokens["north"].write_text("refused")
    pull(feeds)
    tokens["north"].write_text(names.TOKEN)
    feeds.advance(minutes=10)

    assert pull(feeds)["north"] is Outcome.FINISHED

    assert not Breaker.objects.filter(opened_at__isnull=False).exists()


def test_the_file_of_the_one_token_is_read_again_when_it_is_refused(
    settings: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text("refused")
    settings.TAPRAISE_URL = "http://sandbox"
    settings.TAPRAISE_ACCOUNTS = {}
    # As settings read it at the start.
    settings.TAPRAISE_TOKEN, settings.TAPRAISE_TOKEN_FILE = "refused", str(file)
    with Feeds().mounted() as feeds:
        assert pull(feeds) == {"default": Outcome.FAILED}
        file.write_text(f"{names.TOKEN}\n")
        feeds.advance(minutes=10)
        assert pull(feeds) == {"default": Outcome.FINISHED}


def test_what_one_account_misses_and_another_sees_is_not_gone(
    feeds: Feeds, tokens: dict[str, Path]
) -> None:
    """North's token was replaced by one that sees nothing: its calls are south's now."""
    pull(feeds)
    feeds.advance(days=7)
    see_nothing = {"edges": [], "pageInfo": {"endCursor": None, "hasNextPage": False}}

    def full_walks() -> None:
        feeds.adapter.twist = lambda page: page.update(see_nothing)
        north = streams.walk(
            CALLS, clients.tapraise("north"), account="north", clock=feeds.now, is_full=True
        )
        assert (north.outcome, north.records) == (Outcome.FINISHED, 0)
        feeds.adapter.twist = lambda page: None
        streams.walk(
            CALLS, clients.tapraise("south"), account="south", clock=feeds.now, is_full=True
        )
        feeds.advance(days=7)

    full_walks()
    assert owners() == {"south"}
    full_walks()

    assert not Call.objects.exclude(missed_at=None, gone_at=None).exists()


def test_calls_of_an_account_that_left_the_settings_go_to_the_one_that_sees_them(
    feeds: Feeds,
) -> None:
    pull(feeds)
    Call.objects.update(account="default")
    Pledge.objects.update(account="default")

    for stream in Stream.objects.all():
        stream.delete()
    pull(feeds)

    assert owners() == {"north"}
    assert set(Pledge.objects.exclude(fetched_at=None).values_list("account", flat=True)) == {
        "north"
    }


def test_calls_that_no_account_of_today_saw_are_gone_by_the_first_ones_full_walks(
    feeds: Feeds,
) -> None:
    pull(feeds)
    orphan = Call.objects.first()
    assert orphan is not None
    Call.objects.filter(pk=orphan.pk).update(account="default")
    feeds.remove("calls", orphan.pk)

    for _ in range(2):
        feeds.advance(days=7)
        pull(feeds, is_full=True)

    orphan.refresh_from_db()
    assert orphan.gone_at is not None


def test_an_attempt_leaves_by_the_account_that_saw_the_call(
    tokens: dict[str, Path], stage: Stage, settings: Settings, alice: User
) -> None:
    settings.TAPRAISE_ACCOUNTS = {name: str(file) for name, file in tokens.items()}
    call = stage.open_call()
    Call.objects.filter(pk=call.pk).update(account="south")
    tokens["north"].write_text("refused")

    made = stage.attempt(call, alice, token=uuid.uuid4())
    stage.sweep_until_settled()

    made.refresh_from_db()
    assert (made.account, made.outcome) == ("south", "done")
    assert len(stage.effects("add-attempt")) == 1


def test_a_full_pull_walks_every_account(feeds: Feeds, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("pull")
    call_command("pull", "--full")

    said = capsys.readouterr().out
    for account in ("north", "south"):
        assert f"{account}/calls-full: full walk: finished" in said
        assert f"{account}/pledges-full: full walk: finished" in said
        assert f"{account}/released: full walk: finished" in said
