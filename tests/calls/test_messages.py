"""An agent has a text or an e-mail sent while the donor is on the line: said to be handed over, and
never to be sent."""

import re
from collections.abc import Callable
from datetime import time, timedelta
from html import unescape
from typing import Any

import pytest
from pytest_django import Settings

from accounts.models import User
from calls.models import Call, Hold
from integrations.models import Delivery
from pledges.following import LINKS_OF_NOW
from pledges.models import (
    CallingRules,
    MessageScript,
    PayLink,
    PaymentRules,
    Person,
    TextMessage,
)
from tests.calls.conftest import Desk
from tests.calls.offering import HTMX, Counter
from tests.factories import MessageScriptFactory, TextMessageFactory, VoiceResultFactory, now

pytestmark = pytest.mark.django_db

AtCounter = Callable[..., Counter]
Scripts = dict[str, MessageScript]


@pytest.fixture
def counter(alice: User, terms: PaymentRules, scripts: Scripts, at_counter: AtCounter) -> Counter:
    """Alice, with the donor in hand and the organisation's messages."""
    made = at_counter(alice)
    made.look()
    return made


def send(counter: Counter, script: MessageScript, *, htmx: bool = True, **fields: Any) -> Any:
    typed = {"script": script.pk, "number": "06-12345678", "amount": "10,00", **fields}
    return counter.press("messages", htmx=htmx, **typed)


# ── Before anybody sends ──────────────────────────────────────────────────────────────────────────


def test_the_mobile_number_and_the_address_are_there_already(counter: Counter, call: Call) -> None:
    assert f'value="06 {call.person.mobile_e164[4:]}"' in counter.page
    assert f'value="{call.person.email}"' in counter.page
    assert 'name="message-amount" value="12,50"' in counter.page


def test_voice_messages_are_not_sent_from_the_desk(counter: Counter, scripts: Scripts) -> None:
    assert scripts["1001"].name in counter.words
    assert scripts["18301"].name not in counter.words


def test_only_messages_in_use_are_offered(counter: Counter, scripts: Scripts) -> None:
    MessageScript.objects.filter(pk=scripts["1002"].pk).update(is_active=False)
    assert scripts["1002"].name not in counter.look()


def test_without_any_it_says_so(counter: Counter) -> None:
    MessageScript.objects.all().delete()
    assert "No message is set up for this organisation." in counter.look()


# ── Sending ───────────────────────────────────────────────────────────────────────────────────────


def test_a_text_is_handed_over_and_not_said_to_be_sent(
    counter: Counter, scripts: Scripts, call: Call
) -> None:
    assert send(counter, scripts["1002"]).status_code == 200
    assert "Saved, being handed over" in counter.words
    counter.deliver()

    told = counter.poll() or ""
    assert re.search(r"Handed over \d\d:\d\d", told)
    assert "to 06 12345678" in told
    assert "When it leaves is not known." in told
    assert " sent" not in told.lower()
    message = TextMessage.objects.get()
    assert (message.to, message.call_uuid) == ("+31612345678", call.pk)
    assert "amount" not in str(message.fields)


def test_it_says_when_it_leaves_by_the_schedule(
    counter: Counter, scripts: Scripts, terms: PaymentRules
) -> None:
    PaymentRules.objects.update(import_times=["00:00", "23:59"])
    assert re.search(r"it leaves at (00:00|23:59)\.", counter.look())
    send(counter, scripts["1002"])
    assert re.search(r"Leaves at (\d+-\d+ )?(00:00|23:59)\.", counter.words)

    TextMessage.objects.update(leaves_at=now() - timedelta(minutes=1))
    counter.look()
    assert "whether it did is not known" in counter.words


def test_a_text_with_a_link_of_its_own_is_followed_like_any_other(
    counter: Counter, scripts: Scripts
) -> None:
    send(counter, scripts["1001"], amount="15,00")
    assert "PayLink · € 15,00" in counter.words
    counter.deliver()
    counter.look()
    assert counter.links() == []
    counter.import_window()
    counter.follow(LINKS_OF_NOW)
    (there,) = counter.links()
    assert f"/p/{there['code']}" in (counter.poll() or "")

    counter.open(there)
    assert re.search(r"Opened \d\d:\d\d", counter.poll() or "")
    counter.pay(there)
    assert re.search(r"Paid \d\d:\d\d", counter.poll() or "")
    assert PayLink.objects.count() == 1


def test_an_e_mail_goes_to_the_address(counter: Counter, scripts: Scripts) -> None:
    send(counter, scripts["1003"], address="vera@example.org", number="")
    assert "to vera@example.org" in counter.words
    assert TextMessage.objects.get().to == "vera@example.org"


def test_joined_with_an_earlier_one_means_that_nothing_went_out(
    counter: Counter, scripts: Scripts, call: Call
) -> None:
    TextMessageFactory(person=call.person, script=scripts["1002"], record_status="updated")
    counter.look()
    assert "no new message went out" in counter.words


@pytest.mark.parametrize("status", ["notLoaded", "rejected", "dropped"])
def test_what_alphacomm_said_of_the_record_is_shown(
    counter: Counter, scripts: Scripts, call: Call, status: str
) -> None:
    TextMessageFactory(
        person=call.person,
        script=scripts["1002"],
        record_status=status,
        record_messages=[{"context": "x", "message": "Not a phone.", "level": "error"}],
        ended_badly_at=now(),
    )
    counter.look()
    assert "Refused" in counter.words
    assert "Not a phone." in counter.words
    assert str(TextMessage.RecordStatus(status).label) in counter.words


def test_what_a_result_file_told_is_evidence_in_its_own_word(
    counter: Counter, scripts: Scripts, call: Call
) -> None:
    send(counter, scripts["1002"])
    counter.deliver()
    counter.poll()
    TextMessage.objects.update(evidence={"status": "delivered"}, evidence_at=now())
    assert re.search(r"Reported back: delivered \d\d:\d\d", counter.look())


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({}, "handed over"),
        ({"evidence": {"status": "delivered"}}, "reported back: delivered"),
        ({"evidence": {}}, "reported back"),
        ({"record_status": "updated"}, "joined with an earlier one: no new message"),
        ({"delivery__is_done": False}, "saved, being handed over"),
        (
            {"delivery__is_done": False, "delivery__is_unknown": True},
            "not known whether it was handed over",
        ),
        ({"ended_badly_at": now()}, "refused"),
    ],
    # Not of the columns: what holds a moment has another name in each process that collects it.
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_the_story_says_of_a_message_what_the_panel_says(
    counter: Counter,
    scripts: Scripts,
    call: Call,
    columns: dict[str, Any],
    said: str,
) -> None:
    TextMessageFactory(person=call.person, script=scripts["1002"], **columns)
    assert re.search(rf"{said}( \d|  ?to )", counter.look(), re.IGNORECASE)
    page = counter.client.get(f"/calls/{call.pk}/story/", headers=HTMX).content.decode()
    story = unescape(" ".join(re.sub(r"<[^>]+>", " ", page).split()))
    assert re.search(rf"'[^']+': {said}( –|$| [A-Z\d])", story)


def test_a_voice_message_tells_whether_it_came_to_its_point(
    counter: Counter, call: Call, alice: User, at_desk: Callable[[User], Desk]
) -> None:
    VoiceResultFactory(message__person=call.person, is_reached=False, status="no answer")
    assert "no answer, success point not reached" in counter.look()
    story = at_desk(alice).client.get(f"/calls/{call.pk}/story/", headers=HTMX).content.decode()
    assert "Voice message: no answer, success point not reached" in story


# ── Undo, and once more ───────────────────────────────────────────────────────────────────────────


def test_undo_takes_it_back_while_nothing_has_left(
    counter: Counter, scripts: Scripts, settings: Settings
) -> None:
    settings.UNDO_SECONDS = 10
    send(counter, scripts["1001"])
    found = re.search(r'name="undo" value="([0-9a-f-]+)" data-countdown', counter.page)
    assert found
    answer = counter.press("messages/undo", undo=found[1])

    assert answer.status_code == 200
    assert not TextMessage.objects.exists()
    assert not PayLink.objects.exists()
    assert Delivery.objects.get().outcome == Delivery.Outcome.UNDONE
    # It may be sent again at once.
    assert "a short while ago" not in counter.words
    assert send(counter, scripts["1001"]).status_code == 200


def test_undo_that_comes_too_late_says_so(
    counter: Counter, scripts: Scripts, settings: Settings
) -> None:
    settings.UNDO_SECONDS = 10
    send(counter, scripts["1002"])
    token = str(TextMessage.objects.get().token)
    Delivery.objects.update(not_before=now() - timedelta(seconds=1))
    counter.deliver()
    for htmx in (True, False):
        answer = counter.press("messages/undo", undo=token, htmx=htmx)
        assert answer.status_code == 409
        assert "It is too late to undo this" in counter.words
    assert TextMessage.objects.count() == 1


def test_the_same_form_twice_is_one_text(counter: Counter, scripts: Scripts) -> None:
    token = counter.token("message")
    for _ in range(2):
        assert send(counter, scripts["1002"], token=token).status_code == 200
    assert TextMessage.objects.count() == 1


def test_after_the_cooldown_it_goes_once_more_as_another_one(
    counter: Counter, scripts: Scripts
) -> None:
    send(counter, scripts["1002"])
    assert "a short while ago: again from" in counter.words
    assert send(counter, scripts["1002"]).status_code == 409
    assert "a short while ago: again from" in counter.words
    assert 'name="message-number" value="06-12345678"' in counter.page

    TextMessage.objects.update(at=now() - timedelta(hours=2))
    counter.look()
    assert send(counter, scripts["1002"]).status_code == 200
    assert TextMessage.objects.values("reference").distinct().count() == 2


# ── Refusals ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("number", "fields", "status", "said"),
    [
        ("1002", {"number": ""}, 422, "Say to whom it goes."),
        ("1002", {"number": "geen idee"}, 422, "This is no phone number"),
        ("1002", {"number": "020-1234567"}, 422, "This is not a mobile number"),
        ("1003", {"address": "geen adres"}, 422, "This is no e-mail address."),
        ("1001", {"amount": ""}, 422, "Say which amount the donor is asked for."),
        ("1001", {"amount": "999"}, 422, "from € 1,00 to € 250,00"),
        ("1001", {"amount": "x"}, 422, "Write the amount in euros"),
    ],
)
@pytest.mark.parametrize("htmx", [True, False])
def test_what_is_refused_is_said_in_place(
    counter: Counter,
    scripts: Scripts,
    number: str,
    fields: dict[str, str],
    status: int,
    said: str,
    htmx: bool,
) -> None:
    answer = send(counter, scripts[number], htmx=htmx, **fields)
    assert answer.status_code == status
    assert said in counter.words
    assert f'value="{scripts[number].pk}" data-medium' in counter.page
    (name, _typed) = next(iter(fields.items()))
    assert f'aria-describedby="id_message-{name}_error"' in counter.page
    assert re.search(rf'id="id_message-{name}_error" role="alert">[^<]*{said[:20]}', counter.page)
    assert not TextMessage.objects.exists()


@pytest.mark.parametrize(
    ("script", "field", "theirs", "another", "said"),
    [
        ("1002", "number", "+31612345678", "06-87654321", "not a number that TapRaise has"),
        ("1003", "address", "vera@example.org", "els@example.org", "not an address that TapRaise"),
    ],
)
def test_where_nobody_knows_this_donor_to_be_is_said_calmly(
    counter: Counter,
    scripts: Scripts,
    script: str,
    field: str,
    theirs: str,
    another: str,
    said: str,
) -> None:
    Person.objects.update(mobile_e164="+31612345678", email="Vera@example.org")
    send(counter, scripts[script], **{field: theirs})
    assert said not in counter.words
    TextMessage.objects.update(at=now() - timedelta(hours=2))
    counter.look()
    assert send(counter, scripts[script], **{field: another}).status_code == 200
    assert counter.words.count(said) == 1
    known = Person.objects.get(pk=counter.call.person_id)
    assert (known.mobile_e164, known.email) == ("+31612345678", "Vera@example.org")


def test_one_reason_is_given_once_for_all_that_it_holds_for(
    counter: Counter, scripts: Scripts, call: Call
) -> None:
    MessageScriptFactory(
        organization=call.person.owning_organization, name="Nog een mail", medium="email"
    )
    Person.objects.update(opt_in_email=False)
    said = "does not want to be written to in this way"
    assert counter.look().count(said) == 1
    assert re.search(r"(, Nog een mail|Nog een mail,)", counter.words)
    send(counter, scripts["1003"], address="vera@example.org")
    assert counter.words.count(said) == 1


def test_an_amount_in_a_field_that_is_not_shown_is_not_meant(
    counter: Counter, scripts: Scripts
) -> None:
    assert send(counter, scripts["1002"], amount="geen").status_code == 200


def test_a_donor_who_wants_no_texts_gets_none(counter: Counter, scripts: Scripts) -> None:
    Person.objects.update(opt_in_sms=False)
    assert "does not want to be written to in this way" in counter.look()
    assert send(counter, scripts["1002"]).status_code == 409
    assert send(counter, scripts["1003"], address="a@example.org").status_code == 200


def test_outside_the_calling_window_it_says_from_when(
    counter: Counter, scripts: Scripts, rules: CallingRules
) -> None:
    token = counter.token("message")
    days = ("weekdays", "saturday", "sunday")
    CallingRules.objects.update(**{f"{day}_open": time(0, 0) for day in days})
    CallingRules.objects.update(**{f"{day}_close": time(0, 0, 1) for day in days})
    said = r"Nothing is sent to donors at this hour\. It is possible from \d+-\d+ 00:00\."
    assert re.search(said, counter.look())
    assert send(counter, scripts["1002"], token=token).status_code == 409
    assert re.search(said, counter.words)


def test_enough_for_today_is_enough(counter: Counter, scripts: Scripts, call: Call) -> None:
    token = counter.token("message")
    for number in ("1001", "1003"):
        TextMessageFactory(person=call.person, script=scripts[number], at=now())
    assert "no more a day is allowed" in counter.look()
    assert send(counter, scripts["1002"], token=token).status_code == 409
    assert "no more a day is allowed" in counter.words
    assert 'name="message-number" value="06-12345678"' in counter.page


def test_what_a_message_asks_for_and_nobody_knows_is_said_beforehand(
    counter: Counter, scripts: Scripts
) -> None:
    token = counter.token("message")
    Person.objects.update(last_name=None, last_name_prefix=None)
    said = "This message cannot be sent without this, which is not known: last name."
    assert said in counter.look()
    assert send(counter, scripts["1001"], token=token).status_code == 409
    assert said in counter.words
    # One that asks for nothing of it may be sent.
    assert send(counter, scripts["1002"], token=token).status_code == 200


def test_only_who_has_the_donor_in_hand_sends(counter: Counter, scripts: Scripts) -> None:
    Hold.objects.all().delete()
    assert send(counter, scripts["1002"]).status_code == 409
    assert "no longer in your hands" in counter.words
    assert not TextMessage.objects.exists()


def test_a_message_of_another_organisation_is_none_here(counter: Counter, dierenhulp: Any) -> None:
    theirs = MessageScript.objects.create(
        organization=dierenhulp, script_id="9", name="Van hen", medium="sms"
    )
    assert send(counter, theirs).status_code == 422
    assert not TextMessage.objects.exists()
