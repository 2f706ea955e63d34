"""An agent makes a PayLink while the donor is on the line, and sees what the donor does with it."""

import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import localdate
from pytest_django import Settings

from accounts.models import User
from calls.models import Call, Hold
from integrations.models import Delivery
from pledges.models import AlphacommLink, ObjectedPerson, PayLink, PaymentRules, Pledge
from tests.calls.conftest import Desk
from tests.calls.offering import HTMX, Counter
from tests.factories import (
    AlphacommLinkFactory,
    ClosedDayFactory,
    HoldFactory,
    MandateFactory,
    MessageScriptFactory,
    ObjectionFactory,
    PayLinkFactory,
    StreamFactory,
    TextMessageFactory,
    VoiceResultFactory,
    now,
)

pytestmark = pytest.mark.django_db

AtCounter = Callable[..., Counter]
AtDesk = Callable[[User], Desk]

LINK = {"amount": "10,00", "description": "Uw donatie", "days_visible": "14"}


@pytest.fixture
def counter(alice: User, terms: PaymentRules, at_counter: AtCounter) -> Counter:
    """Alice, with the donor in hand."""
    made = at_counter(alice)
    made.look()
    return made


def test_from_made_to_paid_while_still_talking(counter: Counter, call: Call) -> None:
    answer = counter.press("paylinks", **LINK)
    assert answer.status_code == 200
    assert "Being made" in counter.words
    assert counter.poll() is None

    counter.deliver()
    (there,) = counter.links()
    address = f"{counter.sandbox.base_url}/p/{there['code']}"
    assert address in (counter.poll() or "")
    assert f'data-copy="{address}"' in counter.page
    assert f'role="img" aria-label="QR code of {address}"' in counter.page
    assert f'href="{address}"' not in counter.page
    assert "Waiting to be paid" in counter.words

    counter.open(there)
    assert re.search(r"Opened \d\d:\d\d", counter.poll() or "")

    counter.pay(there)
    assert re.search(r"Paid \d\d:\d\d", counter.poll() or "")
    assert len(counter.news) == 1
    assert re.fullmatch(r"PayLink of € 10,00: paid \d\d:\d\d", counter.news[0])
    # All is final, so nothing is asked any more; and nobody pays a second time by this address.
    assert "hx-get" not in counter.page
    assert address not in counter.page
    made = PayLink.objects.get()
    assert (made.call_uuid, made.person, made.pledge) == (call.pk, call.person, call.pledge)


def test_the_story_of_the_call_tells_it_too(
    counter: Counter, call: Call, alice: User, at_desk: AtDesk
) -> None:
    counter.press("paylinks", **LINK)
    counter.deliver()
    (there,) = counter.links()
    counter.open(there)
    counter.pay(there)

    answer = at_desk(alice).client.get(f"/calls/{call.pk}/story/", headers=HTMX)

    story = " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())
    assert "PayLink of € 10,00: asked for – Alice" in story
    assert story.count("PayLink of € 10,00: opened") == 1
    assert story.count("PayLink of € 10,00: paid") == 1


def test_amount_description_and_days_are_there_before_anybody_types(counter: Counter) -> None:
    assert 'name="paylink-amount" value="12,50"' in counter.page
    assert 'name="paylink-description" value="Uw donatie"' in counter.page
    assert 'name="paylink-days_visible" value="14"' in counter.page
    assert "from € 1,00 to € 250,00" in counter.words


def test_an_amount_out_of_bounds_is_not_prefilled(counter: Counter) -> None:
    Pledge.objects.update(donation_amount=Decimal(300))
    counter.look()
    assert 'name="paylink-amount" inputmode' in counter.page


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"amount": "0,99"}, "The amount has to be from € 1,00 to € 250,00."),
        ({"amount": "250,01"}, "The amount has to be from € 1,00 to € 250,00."),
        ({"amount": "tien"}, "Write the amount in euros, such as 7,50."),
        ({"description": " "}, "Say what the donor pays for."),
        ({"days_visible": "91"}, "less than or equal to 90"),
    ],
)
@pytest.mark.parametrize("htmx", [True, False])
def test_what_is_refused_is_said_in_place_and_what_was_typed_is_kept(
    counter: Counter, fields: dict[str, str], said: str, htmx: bool
) -> None:
    typed = {**LINK, **fields}
    answer = counter.press("paylinks", htmx=htmx, **typed)
    assert answer.status_code == 422
    assert said in counter.words
    (name, value) = next(iter(fields.items()))
    assert f'name="paylink-{name}" value="{value.strip()}"' in counter.page or not value.strip()
    assert 'aria-invalid="true"' in counter.page
    assert not PayLink.objects.exists()


def test_one_that_is_open_is_said_before_another_is_made(counter: Counter, call: Call) -> None:
    assert "is open still" not in counter.words
    assert "Make a PayLink" in counter.words
    counter.press("paylinks", **LINK)
    assert re.search(
        r"A PayLink of € 10,00 \(\d\d:\d\d\) is open still: being made\.", counter.words
    )
    assert "Make another PayLink" in counter.words

    # What stands beside the form is what stands above it, also when that changes by itself.
    counter.look()
    counter.deliver()
    assert "is open still: waiting to be paid." in (counter.poll() or "")
    counter.pay(counter.links()[0])
    assert "is open still" not in (counter.poll() or "")
    assert 'id="open-link" class="open-link" hx-swap-oob="true"></p>' in counter.page
    assert "Make a PayLink" in counter.words
    counter.look()
    assert counter.press("paylinks", **LINK).status_code == 200
    assert PayLink.objects.count() == 2


def test_without_scripts_the_page_says_that_it_stands_still(counter: Counter) -> None:
    counter.press("paylinks", **LINK)
    counter.look(htmx=False)
    assert re.search(
        r"<p[^>]*data-hide-with-js>Here nothing changes by itself: load this page again",
        counter.page,
    )
    assert re.search(r"<p[^>]*data-hide-without-js>The address comes by itself", counter.page)


def test_the_same_form_twice_is_one_link_and_another_under_its_token_is_refused(
    counter: Counter,
) -> None:
    token = counter.token("paylink")
    counter.press("paylinks", **LINK)
    assert counter.press("paylinks", **LINK, token=token).status_code == 200
    answer = counter.press("paylinks", **{**LINK, "amount": "11,00"}, token=token)
    assert answer.status_code == 409
    assert "This form was already sent" in counter.words
    assert PayLink.objects.count() == 1


def test_without_scripts_a_page_of_its_own_does_it_all(counter: Counter, call: Call) -> None:
    counter.look(htmx=False)
    answer = counter.press("paylinks", htmx=False, **LINK)
    assert (answer.status_code, answer["Location"]) == (302, f"/calls/{call.pk}/payments/")
    assert "Being made" in counter.look(htmx=False)
    assert f'href="/calls/{call.pk}/"' in counter.page


def test_what_stood_in_the_other_forms_is_kept_without_scripts(
    counter: Counter, scripts: dict[str, Any]
) -> None:
    counter.look(htmx=False)
    fields = {f"paylink-{name}": value for name, value in {**LINK, "amount": "0"}.items()}
    typed = {"paylink-token": counter.token("paylink"), "message-number": "0612345678"}
    answer = counter.client.post(f"/calls/{counter.call.pk}/paylinks/", {**fields, **typed})
    assert answer.status_code == 422
    assert 'name="message-number" value="0612345678"' in answer.content.decode()


# ── Words for every state ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("status", "columns", "said"),
    [
        ("started", {}, "Payment started"),
        ("partially_paid", {"amount_paid": 400}, "Partly paid: € 4,00 of € 10,00"),
        ("cancelled", {}, r"Cancelled \d\d:\d\d, may still be paid"),
        ("failed", {}, r"Failed \d\d:\d\d, may still be paid"),
        ("on_hold", {}, "On_hold"),
    ],
)
def test_each_status_has_words_and_the_address_stays(
    counter: Counter, call: Call, status: str, columns: dict[str, Any], said: str
) -> None:
    link = PayLinkFactory(person=call.person)
    AlphacommLinkFactory(pay_link=link, status=status, short_url="https://pay.ex/1", **columns)
    counter.look()
    assert re.search(said, counter.words)
    assert "https://pay.ex/1" in counter.words
    assert "hx-get" in counter.page


def test_an_expired_one_has_no_address_and_is_not_asked_after(counter: Counter, call: Call) -> None:
    link = PayLinkFactory(person=call.person, visible_until=now() - timedelta(days=1))
    AlphacommLinkFactory(pay_link=link, short_url="https://pay.ex/1")
    counter.look()
    assert "Expired" in counter.words
    assert "https://pay.ex/1" not in counter.page
    assert "seen=" not in counter.page


def test_one_that_was_refused_says_so(counter: Counter) -> None:
    counter.sandbox.app.faults.add(
        {"kind": "graphql_errors", "operation": "create-pay-link", "data": "absent"}
    )
    counter.press("paylinks", **LINK)
    counter.deliver()
    counter.look()
    assert "Refused by Alphacomm" in counter.words


def test_several_links_are_one_address_and_money_by_another_is_an_alarm(
    counter: Counter, call: Call
) -> None:
    link = PayLinkFactory(person=call.person)
    AlphacommLinkFactory(
        pay_link=link, short_url="https://pay.ex/old", created_on=now() - timedelta(minutes=5)
    )
    AlphacommLinkFactory(pay_link=link, short_url="https://pay.ex/new")
    assert "https://pay.ex/old" in counter.look()
    assert "https://pay.ex/new" not in counter.page

    AlphacommLink.objects.filter(short_url="https://pay.ex/new").update(
        status="paid", paid_at=now()
    )
    assert "by another address of this PayLink" in (counter.poll() or "")
    assert 'role="alert"' in counter.page


# ── Who may ───────────────────────────────────────────────────────────────────────────────────────


def test_only_who_has_the_donor_in_hand_offers_anything(
    alice: User, bob: User, terms: PaymentRules, at_counter: AtCounter
) -> None:
    bobs = at_counter(bob, has_call=False)
    assert "Take the call up to offer something" in bobs.look()
    assert "<button class" not in bobs.page
    answer = bobs.press("paylinks", **LINK, token=str(uuid.uuid4()))
    assert answer.status_code == 409
    assert "no longer in your hands" in bobs.words
    assert not PayLink.objects.exists()
    assert not Delivery.objects.exists()


def test_a_supervisor_offers_with_any_call_that_they_see(
    carol: User, terms: PaymentRules, at_counter: AtCounter
) -> None:
    counter = at_counter(carol, has_call=False)
    counter.look()
    assert counter.press("paylinks", **LINK).status_code == 200
    assert PayLink.objects.count() == 1


def test_a_call_of_others_has_no_panel(
    dirk: User, terms: PaymentRules, at_counter: AtCounter, call: Call
) -> None:
    counter = at_counter(dirk, has_call=False)
    for place in ("payments", "story"):
        assert counter.client.get(f"/calls/{call.pk}/{place}/").status_code == 404
    for place in ("paylinks", "messages", "mandates", "messages/undo"):
        assert counter.press(place).status_code == 404


def test_once_the_call_is_given_back_a_form_that_was_shown_does_nothing(counter: Counter) -> None:
    Hold.objects.all().delete()
    assert counter.press("paylinks", **LINK).status_code == 409
    assert 'name="paylink-amount" value="10,00"' in counter.page
    assert not PayLink.objects.exists()


class TestWhatIsNotOffered:
    def test_without_alphacomm(self, counter: Counter, settings: Settings) -> None:
        settings.ALPHACOMM_URL = ""
        assert "Alphacomm is not set up here" in counter.look()

    def test_without_rules(self, counter: Counter, terms: PaymentRules) -> None:
        terms.delete()
        assert "No payment rules are set" in counter.look()

    def test_before_the_amounts_were_seen_to_agree(
        self, counter: Counter, terms: PaymentRules, settings: Settings
    ) -> None:
        settings.ALPHACOMM_URL = "https://alphacomm.example"
        PaymentRules.objects.update(amounts_agreed_at=None)
        assert "until then a supervisor makes it" in counter.look()

    def test_a_supervisor_is_told_to_look_first(
        self, carol: User, terms: PaymentRules, at_counter: AtCounter, settings: Settings
    ) -> None:
        counter = at_counter(carol)
        settings.ALPHACOMM_URL = "https://alphacomm.example"
        PaymentRules.objects.update(amounts_agreed_at=None)
        assert "Nobody has seen yet that a PayLink asks for the right amount" in counter.look()
        assert f'href="/payment-rules/{terms.pk}/amounts/"' in counter.page


# ── What it costs ─────────────────────────────────────────────────────────────────────────────────


def test_at_its_most_the_panel_keeps_to_the_figure(
    alice: User,
    call: Call,
    terms: PaymentRules,
    at_counter: AtCounter,
    scripts: dict[str, Any],
    settings: Settings,
) -> None:
    """A closed day is near, the donor objected to texts, a real account, and some of each kind."""
    StreamFactory(feed="calls", last_finished_at=now())
    ClosedDayFactory(date=localdate() + timedelta(days=3))
    objection = ObjectionFactory(person_uuid=call.person_id, channel="all")
    ObjectedPerson.objects.create(person=call.person, objection=objection)
    AlphacommLinkFactory(pay_link__person=call.person)
    VoiceResultFactory(message__person=call.person)
    MandateFactory(person=call.person)
    settings.ALPHACOMM_URL = "https://alphacomm.example"
    client = at_counter(alice).client
    address = f"/calls/{call.pk}/payments/"
    client.get(address)
    assert _queries(client, address, **HTMX) <= 12
    assert _queries(client, address) <= 12


@pytest.mark.parametrize("kind", ["link", "message", "mandate"])
def test_news_of_one_kind_costs_one_question_more(
    alice: User, call: Call, terms: PaymentRules, at_desk: AtDesk, kind: str
) -> None:
    match kind:
        case "link":
            AlphacommLinkFactory.create_batch(2, pay_link__person=call.person)
        case "message":
            TextMessageFactory.create_batch(2, person=call.person)
        case "mandate":
            MandateFactory.create_batch(2, person=call.person)
    client = at_desk(alice).client
    client.get(f"/calls/{call.pk}/payments/")
    assert _queries(client, f"/calls/{call.pk}/payments/?seen=else", **HTMX) <= 5


def _queries(client: Any, address: str, **headers: str) -> int:
    with CaptureQueriesContext(connection) as seen:
        assert client.get(address, headers=headers).status_code in (200, 204)
    return len(seen.captured_queries)


def test_the_panel_and_what_it_asks_stay_within_the_figures(
    alice: User, call: Call, terms: PaymentRules, at_desk: AtDesk, scripts: dict[str, Any]
) -> None:
    StreamFactory(feed="calls", last_finished_at=now())
    HoldFactory(call=call, user=alice)
    link = PayLinkFactory(person=call.person, user=alice)
    AlphacommLinkFactory.create_batch(3, pay_link=link)
    AlphacommLinkFactory.create_batch(3, pay_link__person=call.person)
    TextMessageFactory.create_batch(3, person=call.person, script=scripts["1002"])
    carrier = TextMessageFactory(person=call.person, script=scripts["1001"])
    PayLinkFactory(person=call.person, message=carrier, delivery=None)
    VoiceResultFactory(message__person=call.person)
    MandateFactory.create_batch(2, person=call.person)
    MessageScriptFactory(organization=call.person.owning_organization)
    client = at_desk(alice).client
    address = f"/calls/{call.pk}/payments/"
    page = client.get(address, headers=HTMX).content.decode()
    seen = re.search(r"seen=([0-9a-f]+)", page)
    assert seen

    assert _queries(client, f"/calls/{call.pk}/") <= 12
    assert _queries(client, address, **HTMX) <= 12
    assert _queries(client, address) <= 12
    # Every few seconds on every desk: one query more than who asks, and for which call.
    assert _queries(client, f"{address}?seen={seen[1]}", **HTMX) <= 4
    # Only when something is new: one for each kind that there is, and here there is everything.
    assert _queries(client, f"{address}?seen=else", **HTMX) <= 7


def test_looking_changes_nothing(counter: Counter, call: Call) -> None:
    AlphacommLinkFactory(pay_link__person=call.person)
    counter.look()
    with CaptureQueriesContext(connection) as seen:
        counter.look()
        counter.look(htmx=False)
        counter.poll()
    written = [
        query["sql"]
        for query in seen.captured_queries
        if query["sql"].startswith(("INSERT", "UPDATE", "DELETE")) and "session" not in query["sql"]
    ]
    assert written == []


def test_each_button_does_the_same_with_and_without_scripts(
    counter: Counter, scripts: dict[str, Any]
) -> None:
    counter.look()
    buttons = re.findall(r"<button[^>]*hx-post=[^>]*>", counter.page)
    assert len(buttons) == 3
    for tag in buttons:
        posts = re.search(r"hx-post=\"([^\"]+)\"", tag)
        plain = re.search(r"formaction=\"([^\"]+)\"", tag)
        assert posts
        assert plain
        assert posts[1] == plain[1]


def test_what_changes_while_the_panel_is_read_is_new_to_the_next_look(
    counter: Counter, call: Call
) -> None:
    link = AlphacommLinkFactory(pay_link__person=call.person)

    def open_it_once_it_was_read(execute: Any, sql: str, *rest: Any) -> Any:
        answer = execute(sql, *rest)
        if sql.startswith('SELECT "pledges_paylink"."uuid"'):
            AlphacommLink.objects.filter(pk=link.pk).update(visited_at=now())
        return answer

    with connection.execute_wrapper(open_it_once_it_was_read):
        assert "Opened not yet" in counter.look()

    assert re.search(r"Opened \d\d:\d\d", counter.poll() or "")
