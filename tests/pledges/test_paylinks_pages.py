"""The follow-up list of PayLinks, and the story of one: what supervisors see of both."""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import localtime

from accounts import keyset
from accounts.models import AuditEntry, User
from pledges.models import AlphacommLink, Organization, PayLink, Person
from tests.calls.two_steps import signed_in
from tests.factories import (
    AlphacommLinkFactory,
    CallFactory,
    MessageScriptFactory,
    PayLinkFactory,
    PersonFactory,
    TextMessageFactory,
    WebhookEventFactory,
    now,
)
from tests.pledges.browsing import words_of

pytestmark = pytest.mark.django_db

LIST = "/paylinks/"
ALARM = 'data-state="stop" role="alert"'
PAID, FAILED = AlphacommLink.Status.PAID, AlphacommLink.Status.FAILED


@pytest.fixture
def donor(helder_water: Organization) -> Person:
    person: Person = PersonFactory(owning_organization=helder_water, last_name="Verhoeven")
    return person


@pytest.fixture
def supervisor(carol: User) -> Client:
    return signed_in(carol)


def link(person: Person, *, status: str | None = "ready", **columns: Any) -> PayLink:
    """A PayLink of ours, and one at Alphacomm with this status unless that is None."""
    there = {name[7:]: columns.pop(name) for name in list(columns) if name.startswith("there__")}
    made: PayLink = PayLinkFactory(person=person, **columns)
    if status is not None:
        AlphacommLinkFactory(pay_link=made, status=status, **there)
    return made


def orphan(person: Person, *, is_twice: bool = False, **columns: Any) -> PayLink:
    """Paid by an address that is not the oldest one's."""
    made = link(person, status=PAID if is_twice else "ready", **columns)
    AlphacommLinkFactory(
        pay_link=made,
        status=PAID,
        created_on=now() - timedelta(minutes=1),
        amount_paid=1000,
        orphan_told_at=now(),
    )
    return made


def shown(client: Client, **asked: str) -> list[str]:
    """The stories that a page leads to, in its order."""
    page = client.get(LIST, asked)
    assert page.status_code == 200
    listed = page.content.decode().partition('id="list-title"')[2]
    return re.findall(r"/paylinks/([0-9a-f-]{36})/", listed)


def pks(*pay_links: PayLink) -> list[str]:
    return [str(one.pk) for one in pay_links]


# ── Who sees it ───────────────────────────────────────────────────────────────────────────────────


def test_to_an_agent_it_is_not_there(alice: User, donor: Person) -> None:
    made = link(donor)
    for address in (LIST, f"{LIST}{made.pk}/"):
        assert signed_in(alice).get(address).status_code == 404


def test_another_organisation_sees_nothing_of_it(dirk: User, donor: Person) -> None:
    made, paid = link(donor), orphan(donor)
    User.objects.filter(pk=dirk.pk).update(role=User.Role.SUPERVISOR)
    theirs = signed_in(User.objects.get(pk=dirk.pk))
    page = theirs.get(LIST).content.decode()
    assert str(made.pk) not in page
    assert str(paid.pk) not in page
    assert "Verhoeven" not in page
    assert theirs.get(f"{LIST}{made.pk}/").status_code == 404


# ── Which ones, and in which order ────────────────────────────────────────────────────────────────


def test_what_runs_out_first_stands_first_and_what_is_paid_is_not_there(
    supervisor: Client, donor: Person
) -> None:
    late = link(donor, visible_until=now() + timedelta(days=9))
    soon = link(donor, visible_until=now() + timedelta(days=2))
    being_made = link(donor, status=None, visible_until=now() + timedelta(days=5))
    link(donor, status=PAID)
    link(donor, visible_until=now() - timedelta(days=1))
    assert shown(supervisor) == pks(soon, being_made, late)


def test_each_kind_is_a_list_of_its_own(supervisor: Client, donor: Person) -> None:
    ready = link(donor)
    opened = link(donor, there__visited_at=now())
    started = link(donor, status="started")
    failed = link(donor, status=FAILED, there__visited_at=now())
    expired = link(donor, visible_until=now() - timedelta(days=1))
    refused = link(donor, status=None, ended_badly_at=now())
    paid = link(donor, status=PAID)
    by_another = orphan(donor)
    kinds = {
        "unpaid": [ready, opened, started, failed],
        "opened": [opened, started],
        "failed": [failed],
        "expired": [expired],
        "refused": [refused],
        "paid": [paid, by_another],
        "orphans": [by_another],
    }
    for state, expected in kinds.items():
        assert set(shown(supervisor, state=state)) == set(pks(*expected)), state


def test_an_older_link_that_is_found_later_is_the_one_that_counts(
    supervisor: Client, donor: Person
) -> None:
    made = link(donor, status=FAILED)
    AlphacommLinkFactory(pay_link=made, created_on=now() - timedelta(hours=1))
    assert shown(supervisor, state="failed") == []
    assert shown(supervisor) == pks(made)


def test_an_organisation_and_days_narrow_it(
    supervisor: Client, donor: Person, belcentrum: Organization
) -> None:
    other = link(PersonFactory(owning_organization=belcentrum))
    today = link(donor)
    before = link(donor, at=now() - timedelta(days=8))
    assert set(shown(supervisor)) == set(pks(other, today, before))
    assert shown(supervisor, organization=str(belcentrum.pk)) == pks(other)
    last_week, this_day = (f"{localtime(one.at):%d-%m-%Y}" for one in (before, today))
    assert shown(supervisor, made_from=last_week, made_until=last_week) == pks(before)
    assert set(shown(supervisor, made_from=this_day)) == set(pks(other, today))


@pytest.mark.parametrize(
    "asked",
    [
        {"state": "nothing known"},
        {"organization": "somebody"},
        {"made_from": "gisteren"},
        {"made_until": "31-12-9999"},
        {"after": "nowhere"},
        {"after": "2026-13-45T00:00:00+00:00_x_y"},
        {"before": "0001-01-01T00:00:00+14:00_0001-01-01T00:00:00+14:00_1"},
    ],
)
def test_what_is_no_filter_narrows_nothing(
    supervisor: Client, donor: Person, asked: dict[str, str]
) -> None:
    made = link(donor)
    assert shown(supervisor, **asked) == pks(made)


def test_an_empty_list_says_what_that_means(supervisor: Client) -> None:
    assert "Nothing to follow up" in words_of(supervisor.get(LIST))
    orphans = words_of(supervisor.get(LIST, {"state": "orphans"}))
    assert "All that was paid came by the address that was shown." in orphans
    narrowed = words_of(supervisor.get(LIST, {"made_from": "01-01-2020"}))
    assert "Choose another organisation or other days" in narrowed


def test_a_day_that_is_none_is_said_and_nothing_besides(
    supervisor: Client, helder_water: Organization
) -> None:
    asked = {"made_from": "gisteren", "organization": str(helder_water.pk)}
    page = words_of(supervisor.get(LIST, asked))
    assert "Write the day as" in page
    assert "No PayLink fits" not in page
    assert "Nothing to follow up" not in page


# ── Pages ─────────────────────────────────────────────────────────────────────────────────────────


def walk(client: Client, way: str, address: str = LIST) -> list[list[str]]:
    """Every page from an address on, by the links of the pages themselves."""
    pages = []
    while address:
        page = client.get(address).content.decode()
        listed = page.partition('id="list-title"')[2]
        pages.append(re.findall(r"/paylinks/([0-9a-f-]{36})/", listed))
        assert len(pages) < 20, "It goes round in circles."
        found = re.search(rf'rel="{way}" href="([^"]+)"', page)
        address = LIST + found[1].replace("&amp;", "&") if found else ""
    return pages


@pytest.mark.parametrize("state", ["unpaid", "expired"])
def test_pages_hold_each_once_in_order_there_and_back(
    supervisor: Client, donor: Person, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    ends = 1 if state == "unpaid" else -1
    for number in range(7):
        # Many run out at the end of one day, and some were made in the same second.
        until = now() + ends * timedelta(days=1 + number // 4)
        made = now() - timedelta(minutes=number // 2)
        link(donor, uuid=UUID(int=number), visible_until=until.replace(hour=12, minute=0), at=made)
    whole = shown(supervisor, state=state)
    monkeypatch.setattr(keyset.page_of, "__kwdefaults__", {"size": 2})
    onwards = walk(supervisor, "next", f"{LIST}?state={state}")
    assert [one for page in onwards for one in page] == whole
    assert [len(page) for page in onwards] == [2, 2, 2, 1]

    last = PayLink.objects.get(pk=whole[-1])
    columns = ("visible_until", "at") if state == "unpaid" else ("at",)
    place = "_".join([*(getattr(last, name).isoformat() for name in columns), str(last.pk)])
    back = supervisor.get(LIST, {"state": state, "before": place}).content.decode()
    assert (
        re.findall(r"/paylinks/([0-9a-f-]{36})/", back.partition('id="list-title"')[2])
        == (whole[4:6])
    )


def test_what_comes_in_meanwhile_moves_no_page(
    supervisor: Client, donor: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyset.page_of, "__kwdefaults__", {"size": 2})
    made = [link(donor, visible_until=now() + timedelta(days=day)) for day in (1, 2, 3, 4)]
    first = supervisor.get(LIST).content.decode()
    onwards = re.search(r'rel="next" href="([^"]+)"', first)
    assert onwards
    link(donor, visible_until=now() + timedelta(hours=1))
    PayLink.objects.filter(pk=made[0].pk).update(ended_badly_at=now())
    page = supervisor.get(LIST + onwards[1].replace("&amp;", "&")).content.decode()
    assert re.findall(r"/paylinks/([0-9a-f-]{36})/", page) == pks(*made[2:])


def test_fifty_lines_take_as_many_queries_as_five_and_none_counts_or_skips(
    supervisor: Client, donor: Person
) -> None:
    def asked() -> list[str]:
        with CaptureQueriesContext(connection) as queries:
            assert supervisor.get(LIST).status_code == 200
        return [query["sql"] for query in queries]

    supervisor.get(LIST)
    for _ in range(5):
        link(donor, there__visited_at=now())
    orphan(donor)
    few = asked()
    for _ in range(60):
        link(donor, call_uuid=CallFactory(person=donor).pk)
    many = asked()
    assert len(many) == len(few) + 1  # which calls may be seen
    assert not any("OFFSET" in query or "COUNT(" in query for query in many if "pay" in query)


# ── What a line says and leads to ─────────────────────────────────────────────────────────────────


def test_a_line_opens_the_call_or_else_the_person(
    supervisor: Client, donor: Person, belcentrum: Organization
) -> None:
    call = CallFactory(person=donor, calling_organization=belcentrum)
    of_others = CallFactory(person=donor, calling_organization__name="Een ander")
    on_a_call = link(donor, call_uuid=call.pk)
    page = supervisor.get(LIST).content.decode()
    assert f'href="/calls/{call.pk}/"' in page
    assert f'href="/persons/{donor.pk}/"' not in page
    PayLink.objects.filter(pk=on_a_call.pk).update(call_uuid=of_others.pk)
    page = supervisor.get(LIST).content.decode()
    assert f'href="/calls/{of_others.pk}/"' not in page
    assert f'href="/persons/{donor.pk}/"' in page


def test_a_line_says_what_was_asked_and_where_it_stands(supervisor: Client, donor: Person) -> None:
    link(donor, amount=Decimal("12.50"), there__visited_at=now())
    page = words_of(supervisor.get(LIST))
    assert "Verhoeven € 12,50 · Uw donatie" in page
    assert re.search(r"Opened \d+-\d+ \d\d:\d\d", page)


def test_a_message_that_needs_a_decision_is_seen_in_the_list(
    supervisor: Client, donor: Person
) -> None:
    link(donor, status=None, delivery__is_done=False, delivery__is_undecided=True)
    assert "Needs a decision" in words_of(supervisor.get(LIST))


# ── The alarm ─────────────────────────────────────────────────────────────────────────────────────


def test_money_by_another_address_is_an_alarm_on_every_list(
    supervisor: Client, donor: Person
) -> None:
    paid = orphan(donor)
    for state in ("unpaid", "paid"):
        page = supervisor.get(LIST, {"state": state})
        assert ALARM in page.content.decode()
        assert "by an address that nobody shows" in words_of(page)
        assert "ask nobody to pay again" in words_of(page)
        assert f"/paylinks/{paid.pk}/" in page.content.decode()


def test_a_donor_who_paid_twice_gets_one_back(supervisor: Client, donor: Person) -> None:
    paid = orphan(donor, is_twice=True)
    assert "have one of the two paid back" in words_of(supervisor.get(LIST))
    story = words_of(supervisor.get(f"{LIST}{paid.pk}/"))
    assert "have one of the two paid back" in story


def test_an_old_alarm_rings_no_more_and_stays_in_its_list(
    supervisor: Client, donor: Person
) -> None:
    paid = orphan(donor)
    AlphacommLink.objects.filter(status=PAID).update(orphan_told_at=now() - timedelta(days=61))
    assert "by an address that nobody shows" not in words_of(supervisor.get(LIST))
    assert shown(supervisor, state="orphans") == pks(paid)


def test_a_payment_by_the_address_that_is_shown_is_no_alarm(
    supervisor: Client, donor: Person
) -> None:
    made = link(donor, status=PAID)
    AlphacommLinkFactory(pay_link=made, created_on=now())
    assert ALARM not in supervisor.get(LIST).content.decode()


# ── The story of one ──────────────────────────────────────────────────────────────────────────────


def test_the_story_lays_every_link_side_by_side_and_shows_one_address(
    supervisor: Client, donor: Person
) -> None:
    made = orphan(donor)
    oldest, other = sorted(made.links.all(), key=AlphacommLink.age)
    page = supervisor.get(f"{LIST}{made.pk}/").content.decode()
    assert page.count("The one that counts") == 1
    assert oldest.pk in page
    assert other.pk in page
    assert oldest.short_url in page
    assert other.short_url not in page
    assert other.long_url not in page
    entry = AuditEntry.objects.get(action="paylink.read")
    assert (entry.person_uuid, entry.subject) == (donor.pk, f"paylink:{made.pk}")


def test_what_fell_in_one_second_is_told_in_the_order_in_which_it_can_have_been(
    supervisor: Client, donor: Person
) -> None:
    """Alphacomm tells whole seconds: a link of ours would be made before it was asked for."""
    second = now().replace(microsecond=0) - timedelta(minutes=1)
    made = link(
        donor,
        at=second + timedelta(milliseconds=900),
        status=None,
        delivery__closed_at=second + timedelta(milliseconds=950),
    )
    AlphacommLinkFactory(
        pay_link=made, created_on=second, visited_at=second, status=PAID, paid_at=second
    )
    page = words_of(supervisor.get(f"{LIST}{made.pk}/"))
    told = page.split("What happened", 1)[1]
    newest_first = ("paid", "opened by", "taken by", "made at", "asked for by")
    places = [told.index(f" {words}") for words in newest_first]
    assert places == sorted(places)


def test_the_story_of_a_text_hides_where_it_went_and_what_it_said(
    supervisor: Client, donor: Person, helder_water: Organization
) -> None:
    script = MessageScriptFactory(organization=helder_water)
    message = TextMessageFactory(
        person=donor, script=script, to="+31612345678", fields={"person_family_name": "Geheim"}
    )
    made = link(donor, message=message, delivery=None)
    page = words_of(supervisor.get(f"{LIST}{made.pk}/"))
    assert "••• 78" in page
    assert "12345" not in page
    assert "Geheim" not in page
    assert "Handed over" in page
    assert "Betaallink per sms" in page


def test_an_answer_that_was_lost_shows_each_look_and_leads_to_the_decision(
    supervisor: Client, donor: Person
) -> None:
    looks = [
        {"at": "2026-11-03T14:03:00+00:00", "finding": "absent"},
        {"at": "2026-11-03T14:08:00+00:00", "finding": "nothing", "error": "Unclear"},
    ]
    made = link(
        donor,
        status=None,
        delivery__is_done=False,
        delivery__is_undecided=True,
        delivery__readings=looks,
    )
    page = supervisor.get(f"{LIST}{made.pk}/")
    assert "3-11 15:03 it is not there 3-11 15:08 nothing could be seen (Unclear)" in words_of(page)
    assert f"/floor/decisions/{made.delivery_id}/" in page.content.decode()


def test_webhooks_that_spoke_of_it_are_told_by_id_and_time_alone(
    supervisor: Client, donor: Person
) -> None:
    made = link(donor)
    [there] = made.links.all()
    spoke = WebhookEventFactory(service_id=there.pk, payload={"data": "geheim"}, times=3)
    WebhookEventFactory(event_id="another-event")
    page = words_of(supervisor.get(f"{LIST}{made.pk}/"))
    assert spoke.event_id in page
    assert "3 times" in page
    assert "another-event" not in page
    assert "geheim" not in page
