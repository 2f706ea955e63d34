"""The page of a person: everything of one donor that the reader may see, and nothing more."""

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import AuditEntry, User
from calls.models import Call, NewCall
from pledges.models import NewPledge, Organization, Person
from tests.calls.two_steps import signed_in
from tests.factories import (
    AlphacommLinkFactory,
    CallFactory,
    CompletionFactory,
    DeliveryFactory,
    EndingFactory,
    MandateFactory,
    PayLinkFactory,
    PersonFactory,
    PledgeFactory,
    QualityResultFactory,
    TextMessageFactory,
    TransactionFactory,
    now,
)

pytestmark = pytest.mark.django_db

ACCOUNT_NUMBER = "NL02ABNA0123456789"


@pytest.fixture
def donor(helder_water: Organization) -> Person:
    made: Person = PersonFactory(
        owning_organization=helder_water,
        academic_title="dr.",
        last_name="Verzonnen",
        iban=ACCOUNT_NUMBER,
        iban_hash="0" * 32,
        mobile_e164="+31612345678",
        opt_in_sms=False,
        opt_in_email=None,
    )
    return made


@pytest.fixture
def call_to(donor: Person, belcentrum: Organization) -> Callable[..., Call]:
    def make(**columns: Any) -> Call:
        made: Call = CallFactory(
            **{"person": donor, "pledge": None, "calling_organization": belcentrum, **columns}
        )
        return made

    return make


def open_page(user: User, person: Person, query: str = "") -> Any:
    return signed_in(user).get(f"/persons/{person.pk}/{query}")


def read(user: User, person: Person, query: str = "") -> str:
    """The page as it is read: words with single spaces."""
    answer = open_page(user, person, query)
    assert answer.status_code == 200, answer.status_code
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def test_it_says_who_it_is_and_what_they_allow(alice: User, donor: Person) -> None:
    page = read(alice, donor)

    assert "Ms dr. F. van der Verzonnen" in page
    assert "06 12345678" in page
    assert "•• - •• - 1980" in page
    assert "29-02-1980" not in page
    assert "Bedachtestraat 1" in page
    assert "Language NL" in page
    assert re.search(r"Phone yes Text message no E-mail not known Post not known", page)
    assert "Mandate none" in page


def test_it_never_shows_the_account_number(carol: User, donor: Person) -> None:
    answer = open_page(carol, donor)

    assert ACCOUNT_NUMBER[-10:] not in answer.content.decode()
    assert "•••• •••• ••••" in answer.content.decode()


def test_quality_that_was_not_made_yet_is_not_quality_that_is_fine(
    alice: User, donor: Person
) -> None:
    assert "Not checked yet. TapRaise does that" in read(alice, donor)

    QualityResultFactory(
        person=donor,
        percentage=Decimal(60),
        gates=[
            {"category": "emailQuality", "explanation": "emailIsMissing"},
            {"category": "recruiterFraud", "explanation": "ibanMatchesRecruiterIban"},
        ],
    )

    page = read(alice, donor)
    assert "60 %" in page
    assert "The e-mail address is missing" in page
    assert "Recruiter" not in page


def test_open_calls_come_first_each_with_how_it_stands(
    alice: User, donor: Person, call_to: Callable[..., Call]
) -> None:
    call_to(type="winback", requested_at=now() - timedelta(days=40))
    call_to(
        type="happy_call",
        status="completed",
        result_code="confirmed",
        result_rating=8,
        recording_seconds=Decimal("245.4"),
        completed_at=now(),
    )

    page = read(alice, donor)

    assert page.index("Winback") < page.index("Happy call")
    assert "confirmed · rating 8 · recording 4:05" in page


def test_a_call_managed_elsewhere_says_where_and_offers_nothing(
    carol: User, donor: Person, call_to: Callable[..., Call]
) -> None:
    call = call_to(external_application="4dmc", external_reference="A-17")

    assert "managed in 4dmc" in read(carol, donor)

    client = signed_in(carol)
    desk = client.get(f"/calls/{call.pk}/").content.decode()
    assert "managed in 4dmc" in desk
    assert f"/calls/{call.pk}/cancellation/" not in desk
    assert f"/calls/{call.pk}/expiry/" not in desk


def test_what_was_done_here_lies_over_what_taprise_tells(
    alice: User, carol: User, donor: Person, call_to: Callable[..., Call]
) -> None:
    CompletionFactory(call=call_to(), user=alice, result_code="dropped", retention_rating=2)
    EndingFactory(call=call_to(), user=carol, kind="expired")

    page = read(alice, donor)

    assert "dropped · rating 2" in page
    assert page.count("Saved, sending") == 2
    assert "Saved, sending completed" in page
    assert "Saved, sending expired" in page
    assert "requested </" not in page


def test_calls_of_another_call_centre_and_calls_that_are_gone_are_not_there(
    alice: User, donor: Person, call_to: Callable[..., Call], overkant: Organization
) -> None:
    theirs = call_to(calling_organization=overkant)
    gone = call_to(gone_at=now())
    own = call_to()

    page = open_page(alice, donor).content.decode()

    assert str(own.pk) in page
    assert str(theirs.pk) not in page
    assert str(gone.pk) not in page


def test_pledges_and_payments_stand_there(alice: User, donor: Person) -> None:
    pledge = PledgeFactory(
        person=donor, donation_amount=Decimal("7.5"), external_source_name="salesforce"
    )
    PledgeFactory(person=donor, fetched_at=None, donation_amount=Decimal(99))
    TransactionFactory(person=donor, amount=Decimal("1234.5"), status="reversed", method="idealqr")

    answer = open_page(alice, donor).content.decode()
    page = read(alice, donor)

    assert f"/pledges/{pledge.pk}/" in answer
    assert "€ 7,50 a month" in page
    assert "managed in salesforce lead" in page
    assert "€ 99,00" not in page
    assert "€ 1.234,50" in page
    assert "iDEAL QR" in page
    assert "reversed" in page


def test_a_long_list_shows_more_when_asked(
    alice: User, donor: Person, call_to: Callable[..., Call]
) -> None:
    for day in range(8):
        call_to(requested_at=now() - timedelta(days=day + 1), status="completed")

    short = open_page(alice, donor).content.decode()
    more = re.search(r'href="(\?calls=\d+)#calls"', short)

    assert short.count('href="/calls/') - short.count('href="/calls/"') == 6
    assert more
    long = open_page(alice, donor, more[1]).content.decode()
    assert long.count('href="/calls/') - long.count('href="/calls/"') == 8
    assert "Show more calls" not in long
    assert open_page(alice, donor, "?calls=many&payments=-1").status_code == 200
    assert open_page(alice, donor, f"?calls={'9' * 5_000}").status_code == 200


def test_an_empty_page_says_what_to_do(alice: User, carol: User, donor: Person) -> None:
    assert "A supervisor can request one." in read(alice, donor)
    assert "Request one with the button above." in read(carol, donor)


def test_only_a_supervisor_is_offered_to_request(alice: User, carol: User, donor: Person) -> None:
    for address in (f"/persons/{donor.pk}/calls/", f"/persons/{donor.pk}/pledges/"):
        assert address in open_page(carol, donor).content.decode()
        assert address not in open_page(alice, donor).content.decode()


def test_what_was_asked_for_stands_there_until_it_has_come(
    alice: User, carol: User, donor: Person, belcentrum: Organization, helder_water: Organization
) -> None:
    asked = NewCall.objects.create(
        person=donor,
        calling_organization=belcentrum,
        type="happy_call",
        requested_at=now(),
        user=carol,
        token=DeliveryFactory().token,
        delivery=DeliveryFactory(is_unknown=True),
    )
    NewPledge.objects.create(
        person=donor,
        owning_organization=helder_water,
        donation_amount=Decimal(10),
        donation_interval="monthly",
        user=carol,
        at=now(),
        token=DeliveryFactory().token,
        delivery=DeliveryFactory(is_undecided=True),
    )

    page = read(alice, donor)

    assert "Asked for here" in page
    assert "Happy call" in page
    assert "Not confirmed, checking" in page
    assert "Pledge of € 10,00 a month" in page
    assert "Needs a decision" in page

    CallFactory(uuid=asked.pk, person=donor, pledge=None, calling_organization=belcentrum)
    page = read(alice, donor)
    assert page.index("Pledge of € 10,00") < page.index("Calls")
    assert page.count("Not confirmed, checking") == 1


def test_what_they_were_offered_stands_there_newest_first_and_all_of_it_on_request(
    alice: User, donor: Person
) -> None:
    assert "This donor was offered nothing yet." in read(alice, donor)

    link = PayLinkFactory(person=donor, at=now() - timedelta(days=1))
    AlphacommLinkFactory(pay_link=link, status="paid")
    MandateFactory(person=donor, at=now() - timedelta(days=2))
    sent = TextMessageFactory(person=donor, script__name="Een herinnering")
    for _ in range(6):
        earlier = PayLinkFactory(person=donor, amount=Decimal(7), at=now() - timedelta(hours=1))
        AlphacommLinkFactory(pay_link=earlier)

    page = read(alice, donor)
    assert page.index("PayLink · € 7,00") < page.index("Show more")
    assert "Een herinnering" in page
    assert "PayLink · € 10,00" not in page
    page = read(alice, donor, "?offers=30")
    assert page.index("Een herinnering") < page.index("PayLink · € 10,00")
    assert page.index("PayLink · € 10,00") < page.rindex("e-Mandate")
    assert re.search(r"PayLink · € 10,00 .* Paid \d\d:\d\d", page)
    assert "Handed over" in page
    assert "Show more" not in page
    assert sent.to not in page


def test_the_mandate_is_the_one_that_is_known_here_too(alice: User, donor: Person) -> None:
    Person.objects.update(mandate_created_at=None)
    assert "Mandate none" in read(alice, donor)
    MandateFactory(person=donor, ended_badly_at=now())
    assert "Mandate none" in read(alice, donor)
    MandateFactory(person=donor, status="new", alphacomm_id="m-1", at=now() - timedelta(hours=1))
    assert re.search(r"Mandate e-Mandate of [\d-]+: waiting to be given", read(alice, donor))
    MandateFactory(person=donor, status="success", alphacomm_id="m-2", at=now() - timedelta(days=9))
    assert re.search(r"Mandate e-Mandate of [\d-]+: given [\d:]+", read(alice, donor))
    Person.objects.update(mandate_created_at="2026-11-20T12:00:00Z")
    assert re.search(r"Mandate 20-11-2026 e-Mandate of [\d-]+: given", read(alice, donor))


def test_the_chips_come_anew_by_themselves(
    alice: User, donor: Person, call_to: Callable[..., Call]
) -> None:
    made = CompletionFactory(call=call_to(), user=alice)
    client = signed_in(alice)
    assert f"/persons/{donor.pk}/pulse/" in open_page(alice, donor).content.decode()

    still = client.get(f"/persons/{donor.pk}/pulse/").content.decode()

    assert f"chip-{made.delivery.pk}" in still
    assert "every 3s" in still
    type(made.delivery).objects.filter(pk=made.delivery.pk).update(
        state="closed", outcome="done", closed_at=now()
    )
    settled = client.get(f"/persons/{donor.pk}/pulse/").content.decode()
    assert "Confirmed by TapRaise" in settled
    assert "every 3s" not in settled


def test_who_reads_it_stands_on_the_trail(alice: User, donor: Person) -> None:
    open_page(alice, donor)

    entry = AuditEntry.objects.get(action="person.read")
    assert (entry.user, entry.subject) == (alice, f"person:{donor.pk}")
    assert entry.person_uuid == donor.pk
    assert "Verzonnen" not in str(entry.facts)


def test_a_person_of_another_organisation_is_not_there(dirk: User, donor: Person) -> None:
    assert open_page(dirk, donor).status_code == 404
    client = signed_in(dirk)
    assert client.get(f"/persons/{donor.pk}/pulse/").status_code == 404
    assert client.post(f"/persons/{donor.pk}/undo/").status_code == 404
    assert not AuditEntry.objects.filter(action="person.read").exists()
