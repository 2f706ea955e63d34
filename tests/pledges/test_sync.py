"""What TapRaise tells about pledges, and what it leaves out on the way."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls.sync import save_calls
from integrations.encryption import lookup_hash
from integrations.models import Quarantine
from integrations.tapraise.client import CALL_INCLUDES
from integrations.tapraise.wire import (
    PersonRecord,
    PledgeRecord,
    QualityResultRecord,
    RecruiterUserRecord,
)
from integrations.upsert import Saved
from pledges.models import Organization, Person, Pledge, QualityResult, Transaction
from pledges.names import first_key, name_key, postcode_key
from pledges.phone import e164
from pledges.sync import Mentioned, save_pledges
from tests.integrations.feeds import NOON, Feeds

LATER = NOON + timedelta(hours=1)


@pytest.fixture
def feeds() -> Feeds:
    return Feeds(calls=60)


def read(feeds: Feeds) -> list[PledgeRecord]:
    return [record for page in feeds.client.pledges(page_size=500) for record in page.records]


def save(
    records: Sequence[PledgeRecord], *, at: Any = NOON, include: Sequence[str] = ("transactions",)
) -> Saved:
    return save_pledges(records, account="default", include=include, fetched_at=at)


def save_person(person: PersonRecord, *, at: Any = NOON) -> Saved:
    mentioned = Mentioned()
    mentioned.add_person(person)
    return mentioned.save(account="default", include=(), fetched_at=at)


def changed(record: PledgeRecord, **fields: Any) -> PledgeRecord:
    return msgspec.structs.replace(record, **fields)


@pytest.mark.django_db
def test_pledges_come_with_their_persons_organisations_and_payments(feeds: Feeds) -> None:
    save(read(feeds))

    world = feeds.world
    assert {str(p.pk): str(p.person_id) for p in Pledge.objects.all()} == {
        uuid: pledge["personUuid"] for uuid, pledge in world.pledges.items()
    }
    assert {str(pk) for pk in Transaction.objects.values_list("pk", flat=True)} == set(
        world.transactions
    )
    assert not Person.objects.filter(fetched_at=None).exists()
    assert not Organization.objects.filter(name="").exists()
    assert not QualityResult.objects.exists()


@pytest.mark.django_db
def test_calls_and_pledges_in_turn_do_not_write_each_others_rows_again(feeds: Feeds) -> None:
    calls, pledges = feeds.records(), read(feeds)
    save_calls(calls, account="default", include=CALL_INCLUDES, fetched_at=NOON)
    save(pledges)

    again = save_calls(calls, account="default", include=CALL_INCLUDES, fetched_at=LATER)

    assert again.written == 0
    assert save(pledges, at=LATER).written == 0
    # Within a call a pledge comes without its person: that erased nobody.
    assert not Pledge.objects.filter(person=None).exists()


@pytest.mark.django_db
def test_a_recruiters_name_is_only_erased_by_who_asked_for_it(feeds: Feeds) -> None:
    record = next(one for one in read(feeds) if one.recruiter_user)
    assert record.recruiter_user is not None
    named = RecruiterUserRecord(uuid=record.recruiter_user.uuid, name="R. de Werver")
    nameless = RecruiterUserRecord(uuid=named.uuid)
    asked = ("transactions", "recruiterFullName")

    save([changed(record, recruiter_user=named)], include=asked)
    save([changed(record, recruiter_user=nameless)], at=LATER)
    assert Pledge.objects.get(pk=record.uuid).recruiter_name == "R. de Werver"

    save([changed(record, recruiter_user=nameless)], at=LATER + timedelta(hours=1), include=asked)
    assert Pledge.objects.get(pk=record.uuid).recruiter_name is None


@pytest.mark.django_db
def test_an_embedded_pledge_is_judged_by_its_own_time(feeds: Feeds) -> None:
    call = next(one for one in feeds.records() if one.pledge_case)
    pledge = call.pledge_case
    newer = changed(
        pledge, donation_amount=Decimal("99.95"), updated_at=pledge.updated_at + timedelta(days=1)
    )
    save([newer])

    save_calls([call], account="default", include=CALL_INCLUDES, fetched_at=LATER)

    assert Pledge.objects.get(pk=pledge.uuid).donation_amount == Decimal("99.95")


@pytest.mark.django_db
def test_a_payment_with_a_third_decimal_is_refused_alone(feeds: Feeds) -> None:
    record = next(one for one in read(feeds) if len(one.transactions or ()) > 1)
    bad, *good = record.transactions or ()
    bad = msgspec.structs.replace(bad, amount=Decimal("1.005"))

    save([changed(record, transactions=(bad, *good))])

    assert Quarantine.objects.get().key == f"transactions:{bad.uuid}"
    assert set(Transaction.objects.values_list("pk", flat=True)) == {one.uuid for one in good}
    # 7.100 is no more than 7.10.
    fine = msgspec.structs.replace(bad, amount=Decimal("7.100"))
    save([changed(record, transactions=(fine,))], at=LATER)
    assert Transaction.objects.get(pk=bad.uuid).amount == Decimal("7.1")
    assert Quarantine.objects.get().solved_at is not None


@pytest.mark.django_db
def test_a_person_is_as_the_latest_fetch_has_it(feeds: Feeds) -> None:
    person = read(feeds)[0].person
    assert person is not None
    moved = msgspec.structs.replace(person, last_name="Zonneveld")
    save_person(moved, at=LATER)
    save_person(person)
    assert Person.objects.get().last_name == "Zonneveld"
    save_person(person, at=LATER + timedelta(minutes=1))
    assert Person.objects.get().last_name == person.last_name


@pytest.mark.django_db
def test_account_and_phone_numbers_are_stored_as_they_are_looked_for() -> None:
    feeds = Feeds(calls=5)
    person: PersonRecord = feeds.records()[0].person
    odd = msgspec.structs.replace(
        person,
        iban="nl91 abna 0417 1643 00",
        phone_number="0031 (0)20 000",
        mobile_phone_number="06-12345678",
    )

    save_person(odd)

    stored = Person.objects.get()
    assert stored.iban == "NL91ABNA0417164300"
    assert Person.objects.get(iban_hash=lookup_hash("NL91ABNA0417164300")) == stored
    assert (stored.mobile_phone_number, stored.mobile_e164) == ("06-12345678", "+31612345678")
    # No number: kept as it was received, and never dialled.
    assert (stored.phone_number, stored.phone_e164) == ("0031 (0)20 000", None)
    assert stored.name_key == name_key(stored.last_name, stored.last_name_prefix)
    assert stored.first_key == first_key(stored.first_name, stored.initials)
    assert stored.postcode_key == postcode_key(stored.zip_code)
    assert None not in (stored.name_key, stored.first_key, stored.postcode_key)


@pytest.mark.django_db
def test_a_score_that_no_column_holds_is_refused_and_a_fine_one_is_rounded() -> None:
    person: PersonRecord = Feeds(calls=5).records()[0].person
    huge = QualityResultRecord(score=Decimal(10) ** 8)
    saved = save_person(msgspec.structs.replace(person, quality_result=huge))
    assert [(kept.key, kept.path) for kept in saved.refused] == [
        (f"quality:{person.uuid}", "$.score")
    ]

    third = QualityResultRecord(score=Decimal("33.333333333"))
    save_person(msgspec.structs.replace(person, quality_result=third), at=LATER)
    assert QualityResult.objects.get().score == Decimal("33.3333")


digits = st.text("0123456789", min_size=7, max_size=11)


@given(
    st.sampled_from(["", "0", "+31", "0031", "+31(0)", "+32", "+49", "6", "06", "020"]),
    digits,
    st.sampled_from(["", "-", " ", "."]),
    st.sampled_from([None, "NL", "nl", "BE", "Nederland"]),
)
def test_numbers_are_read_as_the_library_reads_them(
    prefix: str, number: str, separator: str, country: str | None
) -> None:
    text = prefix + separator + separator.join((number[:2], number[2:5], number[5:]))
    region = country.upper() if country and len(country) == 2 else "NL"
    try:
        parsed = phonenumbers.parse(text, region)
        is_valid = phonenumbers.is_valid_number(parsed)
    except phonenumbers.NumberParseException:
        is_valid = False

    assert e164(text, country) == (
        phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
        if is_valid
        else None
    )
