"""Every feed, and every way in which TapRaise can answer a page of it: nothing is lost.

What changed at TapRaise before an answer that spoils a walk is here once a walk came to its end,
and until then the watermark stays where it was.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import pytest

from calls.freshness import CALLS
from calls.models import Call
from integrations.feeds import Feed
from integrations.http import Token
from integrations.models import Quarantine
from integrations.sandbox import names
from integrations.sandbox.mounted import SandboxAdapter
from integrations.streams import Outcome, Walk
from integrations.tapraise.client import TapRaise
from pledges.freshness import PLEDGES, RELEASED
from pledges.models import Pledge
from tests.integrations.feeds import NOON, Feeds

pytestmark = pytest.mark.django_db

# How many records change while nobody looks: three pages of them.
CHANGED: Final = 6
PAGE: Final = 2


@dataclass(frozen=True)
class Read:
    """A feed, its operation at the sandbox, something that makes records of it new, and whether the
    rows here show it."""

    feed: Feed
    name: str
    change: Callable[[Feeds], list[str]]
    is_here: Callable[[str], bool]


def new_notes(feeds: Feeds) -> list[str]:
    return feeds.touch(count=CHANGED, changes={"notes": "Bel na zessen"})


def new_location(feeds: Feeds) -> list[str]:
    uuids = sorted(feeds.world.pledges)[:CHANGED]
    for uuid in uuids:
        feeds.control(f"pledges/{uuid}", recruitingLocationLabel="Zwolle")
    return uuids


def release(feeds: Feeds) -> list[str]:
    leads = [uuid for uuid, one in feeds.world.pledges.items() if one["status"] == "lead"]
    for uuid in leads[:CHANGED]:
        feeds.control(f"pledges/{uuid}", released=True)
    return leads[:CHANGED]


READS: Final = {
    "calls": Read(
        CALLS,
        "calls",
        new_notes,
        lambda uuid: Call.objects.filter(pk=uuid, notes="Bel na zessen").exists(),
    ),
    "pledges": Read(
        PLEDGES,
        "pledges",
        new_location,
        lambda uuid: Pledge.objects.filter(pk=uuid, recruiting_location_label="Zwolle").exists(),
    ),
    "released pledges": Read(
        RELEASED,
        "pledges",
        release,
        lambda uuid: Pledge.objects.filter(pk=uuid, released_at__gt=NOON).exists(),
    ),
}

# What a page is answered with, and how the walk ends that meets it.
ANSWERS: Final[dict[str, tuple[dict[str, Any], Outcome]]] = {
    "400, for the cursor": ({"kind": "status", "status": 400, "times": 1}, Outcome.FINISHED),
    "400, whatever is asked": ({"kind": "status", "status": 400}, Outcome.FAILED),
    "401, for an old token": ({"kind": "status", "status": 401, "times": 1}, Outcome.FINISHED),
    "401": ({"kind": "status", "status": 401}, Outcome.FAILED),
    "403": ({"kind": "status", "status": 403}, Outcome.FAILED),
    "404": ({"kind": "status", "status": 404}, Outcome.FAILED),
    "429": ({"kind": "status", "status": 429, "retry_after": 30}, Outcome.FAILED),
    "500": ({"kind": "status", "status": 500}, Outcome.FAILED),
    "502": ({"kind": "status", "status": 502}, Outcome.FAILED),
    "too slow": ({"kind": "slow", "seconds": 40}, Outcome.FAILED),
    "reset": ({"kind": "reset_before"}, Outcome.FAILED),
    "cut short": ({"kind": "cut_body"}, Outcome.FAILED),
    "not JSON": ({"kind": "not_json"}, Outcome.FAILED),
    "nothing in a 2xx": ({"kind": "empty_body"}, Outcome.FAILED),
    "fields that no document names": ({"kind": "extra_fields"}, Outcome.FINISHED),
    "a value that no document names": ({"kind": "unknown_enum"}, Outcome.FINISHED),
}


@pytest.fixture
def feeds() -> Feeds:
    """A small world whose pages come as they are."""
    made = Feeds(calls=15, page_size=PAGE)
    made.client = TapRaise(
        "http://sandbox",
        Token(names.TOKEN),
        page_size=PAGE,
        adapter=SandboxAdapter(made.app),
        clock=made.now,
    )
    return made


@pytest.mark.parametrize(("rule", "outcome"), ANSWERS.values(), ids=ANSWERS.keys())
@pytest.mark.parametrize("read", READS.values(), ids=READS.keys())
def test_no_answer_moves_the_watermark_or_loses_a_change(
    feeds: Feeds, read: Read, rule: dict[str, Any], outcome: Outcome
) -> None:
    feeds.walk(read.feed)
    feeds.advance(hours=1)
    changed = read.change(feeds)
    assert len(changed) > PAGE

    done = feeds.walk(read.feed, watch=after_the_first_page(feeds, read.name, rule))

    stream = feeds.stream(read.feed)
    assert done.outcome is outcome
    assert (stream.watermark == NOON) == (outcome is Outcome.FAILED)
    assert stream.lease is None
    feeds.app.faults.clear()
    feeds.advance(minutes=30)
    assert feeds.walk(read.feed).outcome is Outcome.FINISHED
    assert [uuid for uuid in changed if not read.is_here(uuid)] == []


@pytest.mark.parametrize("read", READS.values(), ids=READS.keys())
def test_a_record_that_cannot_be_read_is_kept_aside_until_it_can_be(
    feeds: Feeds, read: Read
) -> None:
    feeds.walk(read.feed)
    feeds.advance(hours=1)
    changed = read.change(feeds)
    field = "requestedAt" if read.name == "calls" else "createdAt"
    feeds.fault(kind="null_required", operation=read.name, field=field, times=1)

    assert feeds.walk(read.feed).outcome is Outcome.FINISHED

    [kept] = Quarantine.objects.filter(solved_at=None)
    assert [uuid for uuid in changed if not read.is_here(uuid)] == [str(kept.record_uuid)]
    feeds.walk(read.feed, is_full=True)
    assert [uuid for uuid in changed if not read.is_here(uuid)] == []
    assert not Quarantine.objects.filter(solved_at=None).exists()


def after_the_first_page(feeds: Feeds, name: str, rule: dict[str, Any]) -> Callable[[Walk], None]:
    def watch(done: Walk) -> None:
        if done.pages == 1:
            feeds.fault(operation=name, **rule)

    return watch
