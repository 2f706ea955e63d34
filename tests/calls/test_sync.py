"""What TapRaise tells about calls ends up in the right columns, once, whatever the order."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
import pytest
from django.apps import apps
from django.db import connection
from django.db.models import Model
from django.test.utils import CaptureQueriesContext

from calls.models import Call
from calls.sync import save_calls
from integrations.encryption import lookup_hash
from integrations.models import Quarantine
from integrations.sandbox.clock import parse
from integrations.tapraise.client import CALL_INCLUDES
from integrations.tapraise.codec import Whole
from integrations.tapraise.wire import CallRecord, ResultRecord
from integrations.upsert import Saved
from pledges.models import Organization, Person, Pledge, QualityResult, Transaction
from tests.integrations.feeds import NOON, Feeds

MIRRORS: tuple[type[Model], ...] = (Organization, Person, QualityResult, Pledge, Transaction, Call)


@pytest.fixture
def feeds() -> Feeds:
    return Feeds(calls=120, page_size=100)


def save(
    records: Sequence[CallRecord],
    *,
    at: datetime = NOON,
    include: Sequence[str] = CALL_INCLUDES,
) -> Saved:
    return save_calls(records, account="default", include=include, fetched_at=at)


def changed(record: CallRecord, **fields: Any) -> CallRecord:
    return msgspec.structs.replace(record, **fields)


def mirror() -> dict[str, list[dict[str, Any]]]:
    """Everything that was mirrored, without the noise of encryption and of when it was read."""
    return {
        model.__name__: [
            {name: value for name, value in row.items() if name not in {"digest", "fetched_at"}}
            for row in model._default_manager.order_by("pk").values()
        ]
        for model in MIRRORS
    }


def stamps() -> list[Any]:
    """What changes whenever any mirrored row is written again."""
    with connection.cursor() as cursor:
        found = []
        for model in MIRRORS:
            version = "xmin" if connection.vendor == "postgresql" else "fetched_at"
            pk = model._meta.pk.column
            cursor.execute(f"SELECT {pk}, {version} FROM {model._meta.db_table} ORDER BY {pk}")
            found += cursor.fetchall()
        return found


def moment(text: str | None) -> datetime | None:
    return None if text is None else parse(text)


def euros(amount: Any) -> Decimal | None:
    return None if amount is None else Decimal(str(amount))


def person_as_sent(sent: dict[str, Any]) -> dict[str, Any]:
    address = sent["address"] or {}
    return {
        "academic_title": sent["academicTitle"],
        "initials": sent["initials"],
        "first_name": sent["firstName"],
        "last_name_prefix": sent["lastNamePrefix"],
        "last_name": sent["lastName"],
        "iban": sent["iban"],
        "iban_hash": sent["iban"] and lookup_hash(sent["iban"]),
        "street": address.get("street"),
        "house_number": address.get("houseNumber"),
        "house_number_extension": address.get("houseNumberExtension"),
        "zip_code": address.get("zipCode"),
        "city": address.get("city"),
        "country": address.get("country"),
        "phone_number": sent["phoneNumber"],
        "mobile_phone_number": sent["mobilePhoneNumber"],
        "email": sent["email"],
        "gender": sent["gender"],
        "opt_in_email": sent["optInEmail"],
        "opt_in_phone": sent["optInPhone"],
        "opt_in_mail": sent["optInMail"],
        "opt_in_sms": sent["optInSms"],
        "language": sent["language"],
        "mandate_created_at": sent["mandate"] and moment(sent["mandate"]["createdAt"]),
        "created_at": moment(sent["createdAt"]),
        "owning_organization_id": UUID(sent["owningOrganization"]["uuid"]),
    }


def pledge_as_sent(sent: dict[str, Any]) -> dict[str, Any]:
    source, recruiter = sent["externalSource"] or {}, sent["recruiterUser"] or {}
    return {
        "account": "default",
        "status": sent["status"],
        "starts_at": moment(sent["startsAt"]),
        "ends_at": moment(sent["endsAt"]),
        "created_at": moment(sent["createdAt"]),
        "updated_at": moment(sent["updatedAt"]),
        "released_at": moment(sent["releasedAt"]),
        "owning_organization_id": UUID(sent["owningOrganization"]["uuid"]),
        "recruiting_organization_id": UUID(sent["recruitingOrganization"]["uuid"]),
        "recruiting_location_label": sent["recruitingLocationLabel"],
        "initial_donation_amount": euros(sent["initialDonationAmount"]),
        "donation_amount": euros(sent["donationAmount"]),
        "initial_donation_interval": sent["initialDonationInterval"],
        "donation_interval": sent["donationInterval"],
        "preferred_payment_day": sent["preferredPaymentDay"],
        "recruitment_type": sent["recruitmentType"],
        "recruiter_uuid": UUID(recruiter["uuid"]) if recruiter else None,
        "recruiter_identifier": recruiter.get("identifier"),
        "recruiter_name": recruiter.get("name"),
        "focus_areas": [
            {"uuid": area["uuid"], "name": area["name"]} for area in sent["focusAreas"] or []
        ],
        "external_source_name": source.get("name"),
        "external_source_identifier": source.get("identifier"),
        "external_metadata": sent["externalMetadata"],
        "campaign_code": sent["campaignCode"],
        "collection_date": moment(sent["collectionDate"]),
    }


def transaction_as_sent(sent: dict[str, Any]) -> dict[str, Any]:
    return {
        "person_id": UUID(sent["personUuid"]),
        "pledge_id": UUID(sent["origin"]["identifier"]),
        "origin_name": sent["origin"]["name"],
        "amount": euros(sent["amount"]),
        "name": sent["name"],
        "iban": sent["iban"],
        "iban_hash": sent["iban"] and lookup_hash(sent["iban"]),
        "description": sent["description"],
        "provider": sent["provider"],
        "method": sent["method"],
        "reference_id": sent["referenceId"],
        "transaction_id": sent["transactionId"],
        "provider_metadata": sent["providerMetadata"],
        "created_at": moment(sent["createdAt"]),
        "updated_at": moment(sent["updatedAt"]),
        "status": sent["status"],
    }


def call_as_sent(sent: dict[str, Any]) -> dict[str, Any]:
    result, elsewhere = sent["result"] or {}, sent["externalMetadata"] or {}
    organization, pledge = sent["callingOrganizationUuid"], sent["relatedCaseUuid"]
    return {
        "account": "default",
        "status": sent["status"],
        "type": sent["type"],
        "requested_at": moment(sent["requestedAt"]),
        "last_updated_at": moment(sent["lastUpdatedAt"]),
        "cancelled_at": moment(sent["cancelledAt"]),
        "completed_at": moment(sent["completedAt"]),
        "expired_at": moment(sent["expiredAt"]),
        "notes": sent["notes"],
        "person_id": UUID(sent["personUuid"]),
        "pledge_id": UUID(pledge) if pledge else None,
        "calling_organization_id": UUID(organization) if organization else None,
        "attempts_count": sent["attemptsCount"],
        "result_code": result.get("resultCode"),
        "result_completed_at": moment(result.get("completedAt")),
        "result_notes": result.get("notes"),
        "result_rating": result.get("donorRetentionRating"),
        "external_application": elsewhere.get("applicationName"),
        "external_reference": elsewhere.get("referenceId"),
        "external_agent_reference": elsewhere.get("agentReferenceId"),
        "external_status_code": elsewhere.get("statusCode"),
        "external_status_description": elsewhere.get("statusDescription"),
        "external_additional": elsewhere.get("additionalProperties"),
    }


def told_of(row: Model, wanted: dict[str, Any]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in wanted}


@pytest.mark.django_db
def test_every_field_arrives_in_its_column(feeds: Feeds) -> None:
    save(feeds.records())

    world = feeds.world
    for uuid, sent in world.calls.items():
        call = Call.objects.get(pk=uuid)
        wanted = call_as_sent(sent)
        assert told_of(call, wanted) == wanted
        assert call.fetched_at == NOON
        assert {tuple(sorted(one.items(), key=str)) for one in call.attempts} == {
            (
                ("attempt_at", one["attemptAt"]),
                ("created_at", one["createdAt"]),
                ("user", one["userUuid"]),
            )
            for one in sent["attempts"]
        }
        assert len(call.attempts) == len(sent["attempts"])
        # The result's own duration is its deprecated form.
        seconds = sent["recordingDuration"] or (sent["result"] or {}).get("duration")
        assert call.recording_seconds == (None if seconds is None else Decimal(str(seconds)))
    for person in Person.objects.all():
        wanted = person_as_sent(world.persons[str(person.pk)])
        assert told_of(person, wanted) == wanted
        born = world.persons[str(person.pk)]["dateOfBirth"]
        assert (person.date_of_birth and person.date_of_birth.isoformat()) == born
    for pledge in Pledge.objects.all():
        wanted = pledge_as_sent(world.pledges[str(pledge.pk)])
        assert told_of(pledge, wanted) == wanted
    for paid in Transaction.objects.all():
        wanted = transaction_as_sent(world.transactions[str(paid.pk)])
        assert told_of(paid, wanted) == wanted
    for quality in QualityResult.objects.all():
        result = world.persons[str(quality.pk)]["qualityResult"]
        assert quality.score == Decimal(str(result["score"]))
        assert quality.percentage == Decimal(str(result["percentage"]))
        assert quality.gates == [
            {
                "identifier": gate["identifier"],
                "category": gate["category"],
                "explanation": gate["explanation"],
                "score": gate["score"],
                "max_score": gate["maxScore"],
            }
            for gate in result["gateResults"]
        ]
    counts = [len(table) for table in mirror().values()]
    # Enough of everything, so that none of the above passed for want of rows.
    assert min(counts) >= 6
    assert Call.objects.count() == len(world.calls)


@pytest.mark.django_db
def test_the_same_page_again_writes_nothing(feeds: Feeds) -> None:
    records = feeds.records()
    save(records)
    before = stamps()

    saved = save(records, at=NOON + timedelta(hours=1))

    assert saved.written == 0
    assert stamps() == before


@pytest.mark.django_db
def test_a_page_is_a_handful_of_statements(feeds: Feeds) -> None:
    records = feeds.records()
    counted = []
    for page in (records[:10], records[10:110], records[10:110]):
        with CaptureQueriesContext(connection) as queries:
            save(page)
        counted.append(len(queries))

    # A statement to look and one to write for each of six tables, and one for quarantine; one to
    # look which recruiters are doubted already, and one to write whose new doubts there are.
    assert max(counted[:2]) <= 16
    assert counted[2] == 7


@pytest.mark.django_db
def test_bad_records_do_not_add_a_statement_each(feeds: Feeds) -> None:
    bad = [changed(record, attempts_count=-1) for record in feeds.records()]
    counted = []
    for page in (bad[:5], bad[5:100]):
        with CaptureQueriesContext(connection) as queries:
            save(page)
        counted.append(len(queries))

    # One more where anything is found that makes a recruiter doubted.
    assert counted[1] <= counted[0] + 1 <= 20
    assert Quarantine.objects.count() == 100


@pytest.mark.django_db
def test_a_newer_record_replaces_an_older_one_and_not_the_other_way_round(feeds: Feeds) -> None:
    record = feeds.records()[0]
    later = changed(
        record, notes="Nieuw", last_updated_at=record.last_updated_at + timedelta(seconds=1)
    )
    save([later])
    save([record], at=NOON + timedelta(minutes=5))
    assert Call.objects.get().notes == "Nieuw"


@pytest.mark.django_db
def test_of_equally_new_records_the_later_fetch_counts(feeds: Feeds) -> None:
    record = feeds.records()[0]
    save([changed(record, notes="Laat")], at=NOON + timedelta(seconds=2))
    save([changed(record, notes="Vroeg")], at=NOON)
    assert Call.objects.get().notes == "Laat"


@pytest.mark.django_db
def test_a_null_that_was_not_asked_for_erases_nothing(feeds: Feeds) -> None:
    save(feeds.records())
    before = mirror()

    save(feeds.records(include=()), at=NOON + timedelta(hours=1), include=())

    assert mirror() == before


@pytest.mark.django_db
def test_a_quality_result_that_was_seen_is_not_taken_back(feeds: Feeds) -> None:
    records = [record for record in feeds.records() if record.person.quality_result]
    save(records)
    count = QualityResult.objects.count()

    gone = [
        changed(record, person=msgspec.structs.replace(record.person, quality_result=None))
        for record in records
    ]
    save(gone, at=NOON + timedelta(hours=1))

    assert QualityResult.objects.count() == count > 0


@pytest.mark.django_db
def test_who_is_only_spoken_of_gets_a_bare_row_that_is_filled_in_later(feeds: Feeds) -> None:
    record = next(one for one in feeds.records() if one.pledge_case and one.transactions)
    bare = changed(record, person=None, pledge_case=None, transactions=None)

    save([bare], include=())
    call = Call.objects.select_related("person", "pledge").get()
    assert call.pledge is not None
    assert (call.person.fetched_at, call.pledge.fetched_at) == (None, None)
    assert call.person.last_name is None

    save([record], at=NOON + timedelta(minutes=1))
    call = Call.objects.select_related("person", "pledge").get()
    assert call.person.last_name == record.person.last_name
    assert call.pledge is not None
    assert call.pledge.status == record.pledge_case.status


@pytest.mark.django_db
@pytest.mark.parametrize("ended", ["completed", "cancelled", "expired"])
def test_an_ended_call_that_seems_requested_again_is_kept_aside(feeds: Feeds, ended: str) -> None:
    record = feeds.records()[0]
    save([changed(record, status=ended)])
    again = changed(
        record, status="requested", last_updated_at=record.last_updated_at + timedelta(hours=1)
    )

    saved = save([again], at=NOON + timedelta(hours=1))

    assert Call.objects.get().status == ended
    kept = Quarantine.objects.get()
    assert (kept.key, kept.path) == (f"calls:{record.uuid}", "$.status")
    assert [one.record_uuid for one in saved.refused] == [record.uuid]

    over = changed(again, status=ended, last_updated_at=NOON + timedelta(days=1))
    save([over], at=NOON + timedelta(days=1))
    assert Quarantine.objects.get().solved_at is not None


@pytest.mark.django_db
def test_an_older_reading_of_an_open_call_is_no_fall_back(feeds: Feeds) -> None:
    record = changed(feeds.records()[0], status="requested")
    save([changed(record, notes="Laat")], at=NOON + timedelta(seconds=2))
    save([changed(record, notes="Vroeg")], at=NOON)
    assert not Quarantine.objects.exists()


@pytest.mark.django_db
def test_what_a_column_cannot_hold_is_refused_and_the_others_go_on(feeds: Feeds) -> None:
    first, second, third = [one for one in feeds.records() if one.pledge_case][:3]
    cents = Decimal("7.125")
    pledge = msgspec.structs.replace(second.pledge_case, donation_amount=cents)
    bad_rating = ResultRecord(result_code="other", donor_retention_rating=Whole(99_999))

    save(
        [
            changed(first, attempts_count=-1),
            changed(second, pledge_case=pledge),
            changed(third, result=bad_rating),
        ]
    )

    assert {(q.key, q.path) for q in Quarantine.objects.all()} == {
        (f"calls:{first.uuid}", "$.attemptsCount"),
        (f"pledges:{pledge.uuid}", "$.donationAmount"),
        (f"calls:{third.uuid}", "$.result.donorRetentionRating"),
    }
    # The call whose pledge is bad is there, and speaks of a pledge that is only known by uuid.
    call = Call.objects.select_related("pledge").get()
    assert call.pk == second.uuid
    assert call.pledge is not None
    assert call.pledge.fetched_at is None


@pytest.mark.django_db
def test_a_text_with_a_nul_is_kept_aside(feeds: Feeds) -> None:
    uuid = next(iter(feeds.world.calls))
    feeds.touch(uuids=[uuid], changes={"notes": "Bel\u0000later"})

    done = feeds.walk()

    assert (done.bad, Call.objects.count()) == (1, len(feeds.world.calls) - 1)
    assert Quarantine.objects.get().key == f"calls:{uuid}"


@pytest.mark.django_db
def test_attempts_in_another_order_are_the_same_attempts(feeds: Feeds) -> None:
    record = next(one for one in feeds.records() if len(one.attempts or ()) > 1)
    save([record])
    before = stamps()

    turned = changed(record, attempts=tuple(reversed(record.attempts)))
    assert save([turned], at=NOON + timedelta(hours=1)).written == 0
    assert stamps() == before


@pytest.mark.django_db
def test_no_national_number_signature_or_account_number_reaches_the_database(feeds: Feeds) -> None:
    canary = "123456782"
    for person in feeds.world.persons.values():
        feeds.control(f"persons/{person['uuid']}", socialSecurityNumber=canary)
    bad = next(iter(feeds.world.calls))
    feeds.fault(kind="null_required", operation="calls", uuid=bad)
    feeds.walk()
    feeds.walk(is_full=True)
    assert Quarantine.objects.exists()

    written = json.dumps(list(everything_stored()), default=str)

    assert canary not in written
    assert "storage.example.com" not in written
    ibans = {person["iban"] for person in feeds.world.persons.values() if person["iban"]}
    assert len(ibans) > 20
    assert not [iban for iban in ibans if iban in written]
    # It is a copy of the database that was searched, and not an empty one.
    assert bad in written


def everything_stored() -> Iterable[Any]:
    with connection.cursor() as cursor:
        for model in apps.get_models():
            cursor.execute(f"SELECT * FROM {model._meta.db_table}")
            yield from cursor.fetchall()
