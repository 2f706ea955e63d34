"""An agent has an e-Mandate made for a donor whose account is missing or wrong."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest

from accounts.models import User
from calls.models import Call, Hold
from pledges.following import MANDATES_OF_NOW
from pledges.models import Mandate, MessageScript, PaymentRules, Person
from tests.calls.conftest import Desk
from tests.calls.offering import HTMX, Counter
from tests.factories import MandateFactory, now

pytestmark = pytest.mark.django_db

AtCounter = Callable[..., Counter]


@pytest.fixture
def counter(alice: User, terms: PaymentRules, at_counter: AtCounter) -> Counter:
    """Alice, with the donor in hand."""
    made = at_counter(alice)
    made.look()
    return made


def test_the_date_of_one_that_exists_is_shown_first(counter: Counter) -> None:
    Person.objects.update(mandate_created_at="2026-11-20T12:00:00Z")
    words = counter.look()
    assert "This donor has a mandate of 20-11-2026." in words
    assert words.index("mandate of 20-11-2026") < words.index("Make an e-Mandate")


def test_from_made_to_given(counter: Counter, call: Call) -> None:
    assert counter.press("mandates").status_code == 200
    assert "Being made" in counter.words
    counter.deliver()
    (there,) = counter.mandates()
    told = counter.poll() or ""
    assert f"{counter.sandbox.base_url}/m/{there['code']}" in told
    assert "QR code of" in counter.page
    assert "Waiting to be given" in told

    counter.sign(there, "pending")
    counter.follow(MANDATES_OF_NOW)
    assert "Waiting for a second signature" in (counter.poll() or "")

    counter.sign(there, "success")
    counter.follow(MANDATES_OF_NOW)
    Mandate.objects.filter(signed_at=None).update(status="success", signed_at=now())
    told = counter.poll() or ""
    assert re.search(r"Given \d\d:\d\d", told)
    assert f"/m/{there['code']}" not in told
    assert "hx-get" not in counter.page
    assert Mandate.objects.get().call_uuid == call.pk


def test_one_at_a_time(counter: Counter, call: Call) -> None:
    token = counter.token("mandate")
    made = MandateFactory(person=call.person, status="new", short_url="https://m.ex/1")
    said = r"An e-Mandate \(\d\d:\d\d\) is open still: waiting to be given\."
    assert re.search(said, counter.look())
    assert "Make another e-Mandate" not in counter.words
    answer = counter.press("mandates", token=token)
    assert answer.status_code == 409
    assert Mandate.objects.count() == 1

    # One that nobody gave in the time that a PayLink would have is in nobody's way, but is said.
    Mandate.objects.filter(pk=made.pk).update(at=now() - timedelta(days=15))
    assert re.search(r"An e-Mandate \([\d: -]+\) is open still", counter.look())
    assert "Make another e-Mandate" in counter.words
    assert counter.press("mandates").status_code == 200


def test_a_text_that_carries_one_says_beforehand_that_one_waits(
    counter: Counter, call: Call, scripts: dict[str, MessageScript]
) -> None:
    MandateFactory(person=call.person, status="new")
    assert "waits for this donor already" in counter.look()


def test_the_same_form_twice_is_one(counter: Counter) -> None:
    token = counter.token("mandate")
    for _ in range(2):
        assert counter.press("mandates", token=token).status_code == 200
    assert Mandate.objects.count() == 1


def test_without_scripts_it_comes_back_to_its_page(counter: Counter, call: Call) -> None:
    counter.look(htmx=False)
    answer = counter.press("mandates", htmx=False)
    assert (answer.status_code, answer["Location"]) == (302, f"/calls/{call.pk}/payments/")


def test_by_a_text_that_carries_it(counter: Counter, scripts: dict[str, MessageScript]) -> None:
    counter.look()
    answer = counter.press("messages", script=scripts["1004"].pk, number="06-12345678")
    assert answer.status_code == 200
    assert Mandate.objects.get().message is not None
    assert "e-Mandate" in counter.words
    assert "to 06 12345678" in counter.words


def test_where_none_is_set_up_it_says_so(counter: Counter) -> None:
    PaymentRules.objects.update(mandate_reference="")
    assert "No e-Mandate is set up for this organisation." in counter.look()


def test_only_who_has_the_donor_in_hand_makes_one(counter: Counter) -> None:
    Hold.objects.all().delete()
    assert counter.press("mandates").status_code == 409
    assert not Mandate.objects.exists()


def test_the_story_tells_it(call: Call, alice: User, at_desk: Callable[[User], Desk]) -> None:
    MandateFactory(person=call.person, user=alice, status="success")
    story = at_desk(alice).client.get(f"/calls/{call.pk}/story/", headers=HTMX).content.decode()
    assert "E-Mandate: asked for – Alice" in " ".join(story.split())
    assert "E-Mandate: given" in story
