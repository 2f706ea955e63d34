"""Too many answers were wrong: nothing of the donor is shown to whoever might read it out."""

import re
from collections.abc import Callable
from datetime import date

import pytest
from django.test import Client

from accounts.models import User
from calls.models import Call, Hold, Saying
from pledges.models import MessageScript, PaymentRules, Person
from tests.calls.conftest import Desk
from tests.calls.offering import Counter
from tests.calls.test_check_details import on_the_line
from tests.calls.test_search import look_for
from tests.calls.two_steps import signed_in
from tests.factories import PayLinkFactory, ScriptFactory, TransactionFactory, now

pytestmark = pytest.mark.django_db

AtDesk = Callable[[User], Desk]
# What no page may tell of the donor: address, mail, birth, amount, what was paid and noted.
SECRETS = (
    "Bedachtestraat",
    "Nergenshuizen",
    "donor@example.org",
    "1984",
    "12,50",
    "12.50",
    "33.10",
    "33,10",
    "Belt liever bij zijn moeder",
    "Markt 7",
)


@pytest.fixture
def donor(call: Call, alice: User) -> Person:
    """Alice speaks with her, or with somebody who picked up her phone."""
    person = call.person
    person.email = "donor@example.org"
    person.date_of_birth = date(1984, 3, 17)
    person.save()
    Call.objects.filter(pk=call.pk).update(notes="Belt liever bij zijn moeder")
    pledge = call.pledge
    assert pledge is not None
    pledge.recruiting_location_label = "Markt 7"
    pledge.save()
    ScriptFactory(
        organization=person.owning_organization,
        text="# Begroeting\nU geeft {amount}, uit {city}, gesproken op {place}.",
    )
    TransactionFactory(person=person, amount="33.10")
    PayLinkFactory(person=person, amount="33.10")
    on_the_line(call, alice)
    return person


def _is_wrong(call: Call, user: User, times: int = 3) -> None:
    for _ in range(times):
        Saying.objects.create(call=call, item="account", is_right=False, user=user, at=now())


def _pages(client: Client, call: Call) -> dict[str, str]:
    """Everything that shows something of this donor, by what it is."""
    asked = {
        "desk": f"/calls/{call.pk}/",
        "story": f"/calls/{call.pk}/story/",
        "pulse": f"/calls/{call.pk}/pulse/",
        "panel": f"/calls/{call.pk}/payments/",
        "person": f"/persons/{call.person_id}/",
        "pledge": f"/pledges/{call.pledge_id}/",
        "pledge's pulse": f"/pledges/{call.pledge_id}/pulse/",
    }
    pages = {}
    for name, address in asked.items():
        answer = client.get(address)
        assert answer.status_code in (200, 204), name
        pages[name] = answer.content.decode()
    live = client.get(asked["panel"] + "?seen=else", headers={"HX-Request": "true"})
    pages["panel anew"] = live.content.decode()
    pages["search"] = look_for(client, call.person.last_name).content.decode()
    return pages


def _told(pages: dict[str, str]) -> dict[str, list[str]]:
    told = {name: [one for one in SECRETS if one in page] for name, page in pages.items()}
    return {name: found for name, found in told.items() if found}


def test_nothing_of_the_donor_is_shown_to_who_has_the_call_in_hand(
    donor: Person, call: Call, alice: User, bob: User, carol: User, terms: PaymentRules
) -> None:
    client = signed_in(alice)
    assert set(_told(_pages(client, call))) >= {
        "desk",
        "story",
        "panel",
        "person",
        "pledge",
        "search",
    }

    _is_wrong(call, alice)

    pages = _pages(client, call)
    assert _told(pages) == {}
    for name in ("desk", "person", "pledge", "panel", "search"):
        assert "not confirmed that you are speaking with this donor" in pages[name], name
    # Who speaks with nobody may look the donor up; a supervisor always.
    assert "Bedachtestraat" in signed_in(bob).get(f"/persons/{donor.pk}/").content.decode()
    assert set(_told(_pages(signed_in(carol), call))) >= {"desk", "person", "search"}


def test_it_shows_again_once_a_supervisor_is_sure(
    donor: Person, call: Call, alice: User, carol: User
) -> None:
    client = signed_in(alice)
    _is_wrong(call, alice)
    assert "Bedachtestraat" not in client.get(f"/persons/{donor.pk}/").content.decode()

    assert signed_in(carol).post(f"/calls/{call.pk}/checks/trust/").status_code == 302
    assert set(_told(_pages(client, call))) >= {"desk", "person", "search"}


def test_another_call_to_the_same_donor_shows_nothing_either(
    donor: Person, call: Call, alice: User, bob: User, new_call: Callable[..., Call]
) -> None:
    other = new_call(person=donor)
    _is_wrong(call, alice)

    client = signed_in(alice)
    for address in (f"/calls/{other.pk}/", f"/calls/{other.pk}/payments/"):
        assert _told({address: client.get(address).content.decode()}) == {}
    assert "Bedachtestraat" in signed_in(bob).get(f"/calls/{other.pk}/").content.decode()


def test_the_page_that_saw_the_last_wrong_answer_is_built_anew(
    donor: Person, call: Call, alice: User, at_desk: AtDesk
) -> None:
    donor.iban, donor.iban_hash = "NL91ABNA0417164300", "0" * 32
    donor.save()
    _is_wrong(call, alice, times=2)
    desk = at_desk(alice)
    token = desk.look(call).partition('name="said_token" value="')[2][:36]

    answer = desk.press(
        call, "checks/said", htmx=True, item="account", said_token=token, said_account="1111"
    )

    assert answer["HX-Refresh"] == "true"


def test_nothing_is_offered_to_somebody_else(
    at_counter: Callable[..., Counter],
    call: Call,
    alice: User,
    carol: User,
    terms: PaymentRules,
    scripts: dict[str, MessageScript],
) -> None:
    counter = at_counter(alice)
    counter.look()
    _is_wrong(call, alice)

    link = counter.press("paylinks", amount="12,50", description="Gift", days_visible="7")

    assert link.status_code == 409
    assert "not sure that this is the donor" in link.content.decode()
    assert not call.person.pay_links.exists()


def test_it_stays_so_when_the_call_is_over_until_a_supervisor_is_sure(
    donor: Person, call: Call, alice: User, bob: User, carol: User, at_desk: AtDesk
) -> None:
    _is_wrong(call, alice)
    desk = at_desk(alice)
    desk.look(call)
    assert desk.press(call, "attempts", outcome="cut_off").status_code == 302
    assert not Hold.objects.exists()

    client = signed_in(alice)
    for name, page in _pages(client, call).items():
        assert [secret for secret in SECRETS if secret in page] == [], name
    found = look_for(client, donor.mobile_e164).content.decode()
    assert "not confirmed that you are speaking" in found
    assert "Bedachtestraat" not in found
    # Another agent, who heard nothing wrong, looks her up when she rings back.
    assert "Bedachtestraat" in signed_in(bob).get(f"/persons/{donor.pk}/").content.decode()

    assert signed_in(carol).post(f"/calls/{call.pk}/checks/trust/").status_code in (200, 302)
    assert "Bedachtestraat" in client.get(f"/persons/{donor.pk}/").content.decode()


@pytest.mark.usefixtures("donor")
def test_of_what_is_hidden_nothing_can_be_said_to_be_right(
    call: Call, alice: User, at_desk: AtDesk
) -> None:
    _is_wrong(call, alice)
    page = at_desk(alice).look(call)

    for answer in ("confirmed", "corrected"):
        open_ones = re.findall(rf'value="{answer}"(?![^>]*disabled)[^>]*>', page)
        assert open_ones == [], answer
    assert re.search(r'value="refused"(?![^>]*disabled)', page)
    # What is the matter is what the page begins with.
    assert re.search(r'role="alert" tabindex="-1" data-focus>', page)


@pytest.mark.usefixtures("donor")
def test_that_a_result_is_not_possible_is_told_before_a_rating_is_asked_for(
    call: Call, alice: User, at_desk: AtDesk
) -> None:
    _is_wrong(call, alice)
    desk = at_desk(alice)
    desk.look(call)

    page = desk.press(call, "completion", htmx=True, result_code="confirmed").content.decode()

    assert "is not possible: it is not sure that this is the donor" in page
