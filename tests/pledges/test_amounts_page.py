"""'I saw € 1,54 on the page of a link made for € 1,54': a supervisor, before agents make links."""

from decimal import Decimal
from typing import Any

import pytest

from accounts.models import AuditEntry, User
from pledges.models import Organization, PayLink, PaymentRules, Person
from tests.calls.two_steps import signed_in
from tests.factories import (
    AlphacommLinkFactory,
    PayLinkFactory,
    PaymentRulesFactory,
    PersonFactory,
    now,
)
from tests.pledges.browsing import Page, words_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def rules(helder_water: Organization, settings: Any) -> PaymentRules:
    settings.ALPHACOMM_URL = "https://alphacomm.example"
    made: PaymentRules = PaymentRulesFactory(organization=helder_water, amounts_agreed_at=None)
    return made


@pytest.fixture
def made(helder_water: Organization) -> PayLink:
    """A PayLink of € 1,54, which Alphacomm has."""
    donor: Person = PersonFactory(owning_organization=helder_water)
    link: PayLink = PayLinkFactory(person=donor, amount=Decimal("1.54"))
    AlphacommLinkFactory(pay_link=link)
    return link


def address(rules: PaymentRules) -> str:
    return f"/payment-rules/{rules.pk}/amounts/"


def test_a_supervisor_sees_the_amount_and_says_so(
    carol: User, rules: PaymentRules, made: PayLink
) -> None:
    page = Page(carol, address(rules))
    words = page.open()
    assert "no document says whether those are cents" in words
    assert made.invoice_reference in words
    # Who looks is not told what to see.
    assert made.amount_words not in words.replace("PayLink of € 1,54", "")
    effect = page.send(pay_link=str(made.pk), seen="1,54")
    assert "You saw € 1,54 on the page of a PayLink that was made for € 1,54." in words_of(effect)
    assert "This goes to TapRaise" not in words_of(effect)
    rules.refresh_from_db()
    assert rules.amounts_agreed_at is None
    assert page.send(send="yes")["Location"] == "/paylinks/"
    rules.refresh_from_db()
    assert rules.amounts_agreed_at is not None
    assert rules.amounts_agreed_by == carol
    assert AuditEntry.objects.filter(action="payments.amounts_agreed").count() == 1
    assert "Seen to agree at" in page.open()


@pytest.mark.parametrize("seen", ["154", "0,02", "1,55"])
def test_another_amount_is_no_agreement_and_says_what_to_do(
    carol: User, rules: PaymentRules, made: PayLink, seen: str
) -> None:
    page = Page(carol, address(rules))
    page.open()
    answer = page.send(pay_link=str(made.pk), seen=seen)
    assert answer.status_code == 422
    assert "let nobody pay and tell whoever runs Belbord" in words_of(answer)
    assert page.send(pay_link=str(made.pk), seen=seen, send="yes").status_code == 422
    rules.refresh_from_db()
    assert rules.amounts_agreed_at is None


def test_the_list_of_paylinks_asks_for_it_until_it_is_seen(
    carol: User, rules: PaymentRules, helder_water: Organization
) -> None:
    client = signed_in(carol)
    assert address(rules) in client.get("/paylinks/").content.decode()
    # Seen once under any rules of the organisation is enough.
    PaymentRulesFactory(organization=helder_water, from_date=now().date(), amounts_agreed_at=now())
    assert "/payment-rules/" not in client.get("/paylinks/").content.decode()


def test_with_the_stand_in_nobody_has_to_look(
    carol: User, rules: PaymentRules, settings: Any
) -> None:
    settings.ALPHACOMM_URL = "http://sandbox"
    client = signed_in(carol)
    assert address(rules) not in client.get("/paylinks/").content.decode()
    assert "agents make PayLinks already" in words_of(client.get(address(rules)))


def test_without_a_link_it_says_how_to_make_one(carol: User, rules: PaymentRules) -> None:
    assert "There is no PayLink to look at yet." in Page(carol, address(rules)).open()


def test_it_is_for_supervisors_of_that_organisation(
    alice: User, dirk: User, rules: PaymentRules, made: PayLink
) -> None:
    User.objects.filter(pk=dirk.pk).update(role=User.Role.SUPERVISOR)
    for user in (alice, User.objects.get(pk=dirk.pk)):
        client = signed_in(user)
        assert client.get(address(rules)).status_code == 404
        form = {"pay_link": str(made.pk), "seen": "1,54", "send": "yes"}
        assert client.post(address(rules), form).status_code == 404
