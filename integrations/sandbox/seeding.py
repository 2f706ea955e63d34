"""A believable world out of a seed: donors, their pledges, payments and calls.

The same seed, number of calls and time of birth give the same records, byte for byte. Whatever the
document allows to be null is null somewhere, and every enum value occurs.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any, Final, Literal
from uuid import UUID

from integrations.sandbox import invented, names
from integrations.sandbox.clock import as_text, parse
from integrations.sandbox.paging import Record
from integrations.sandbox.quality import quality_result

INTERVALS: Final = ("once", "monthly", "halfYearly", "quarterly", "yearly")
AMOUNTS: Final = tuple(
    Decimal(text) for text in ("5", "7.5", "10", "12.25", "12.5", "15", "20", "25", "49.99", "100")
)
ELSEWHERE: Final = ("4dmc", "basicall", "kalff", "twilio")
RESULT_CODES: Final = ("confirmed", "downgraded", "converted", "dropped", "other")
PLEDGE_STATUSES: Final = ("lead", "active", "dropped", "cancelled", "fulfilled")
TRANSACTION_STATUSES: Final = ("open", "paid", "failed", "cancelled", "reversed")
CALL_STATUSES: Final = ("requested", "completed", "cancelled", "expired")
DAYS_BACK: Final = 21


@dataclass
class Seeded:
    """The records of a world, and what the API does not show of them."""

    persons: list[Record] = field(default_factory=list)
    pledges: list[Record] = field(default_factory=list)
    transactions: list[Record] = field(default_factory=list)
    calls: list[Record] = field(default_factory=list)
    # When each call came to be here; the API shows only when it was requested.
    call_created: dict[str, str] = field(default_factory=dict)
    # Calls that were made with externalSource, the second way to be managed elsewhere.
    externally_sourced: list[str] = field(default_factory=list)

    def by_kind(
        self,
    ) -> dict[Literal["calls", "persons", "pledges", "transactions"], list[Record]]:
        return {
            "persons": self.persons,
            "pledges": self.pledges,
            "transactions": self.transactions,
            "calls": self.calls,
        }


def seed_records(seed: int, calls: int, born_at: str) -> Seeded:
    """Invent this many calls, and the people, pledges and payments that they speak of."""
    return _Seeding(seed, parse(born_at)).run(calls)


def organization(known: names.Organization) -> Record:
    return {"uuid": known.uuid, "name": known.name}


class _Seeding:
    def __init__(self, seed: int, now: datetime) -> None:
        self.random = Random(f"belbord {seed}")
        self.now = now
        self.seeded = Seeded()
        self.recruiters = [self._recruiter(number) for number in range(40)]
        self.focus_areas = {
            charity.uuid: [self._focus_area(name) for name in ("Kinderen", "Noodhulp", "Natuur")]
            for charity in names.CHARITIES
        }
        # Shared objects: every donor of a charity shows the same one.
        self.charities = [organization(charity) for charity in names.CHARITIES]
        self.recruiting = organization(names.RECRUITING_ORGANIZATION)

    def run(self, calls: int) -> Seeded:
        # The latest persons, to call again or to share a household with, and their pledges.
        recent: list[tuple[Record, list[Record]]] = []
        for number in range(calls):
            if recent and self.random.random() < 0.15:
                person, pledges = self.random.choice(recent)
            else:
                household = self.random.choice(recent)[0] if recent and self.chance(0.06) else None
                person = self._person(household)
                pledges = [self._pledge(person)]
                if self.chance(0.08):
                    pledges.append(self._pledge(person))
                recent = [*recent[-49:], (person, pledges)]
            pledge = None if self.chance(0.03) else self.random.choice(pledges)
            self._call(number, person, pledge)
        return self.seeded

    # --- small draws ---

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def maybe(self, value: Any, share: float) -> Any:
        """The value in this share of the cases, else null."""
        return value if self.random.random() < share else None

    def uuid(self) -> str:
        return str(UUID(int=self.random.getrandbits(128), version=4))

    def days_ago(self, at_most: float) -> datetime:
        seconds = self.random.uniform(60, at_most * 86_400)
        return self.now - timedelta(milliseconds=int(seconds * 1000))

    def between(self, start: datetime, hours: float) -> datetime:
        """Some time after `start`, within so many hours, and never later than now."""
        span = min(timedelta(hours=hours), self.now - start)
        return start + timedelta(
            milliseconds=int(span.total_seconds() * 1000 * self.random.random())
        )

    # --- who ---

    def _recruiter(self, number: int) -> Record:
        first = self.random.choice(invented.FIRST_NAMES["other"])
        prefix, last = self.random.choice(invented.LAST_NAMES)
        name = " ".join(part for part in (first, prefix, last) if part)
        shown_name = self.maybe(name, 0.7)
        return {"uuid": self.uuid(), "identifier": f"SW-{number:03d}", "name": shown_name}

    def _focus_area(self, name: str) -> Record:
        source = {"name": "backstage", "identifier": str(self.random.randrange(10_000))}
        return {"uuid": self.uuid(), "name": name, "externalSource": self.maybe(source, 0.3)}

    def _person(self, household: Record | None) -> Record:
        random = self.random
        gender = random.choices((*invented.FIRST_NAMES, None), (44, 44, 4, 8))[0]
        first = random.choice(invented.FIRST_NAMES[gender or "other"])
        prefix, last = random.choice(invented.LAST_NAMES)
        number = len(self.seeded.persons)
        mobile = self.maybe(invented.spelled(random, invented.mobile(number)), 0.88)
        landline = self.maybe(invented.spelled(random, invented.landline(number)), 0.3)
        if self.chance(0.01):
            mobile = "0612345678"
        elif self.chance(0.01):
            mobile = "06 - weet niet"
        address = self._address() if self.chance(0.93) else None
        if household is not None:
            mobile, landline = household["mobilePhoneNumber"], household["phoneNumber"]
            address, prefix, last = (
                household["address"],
                household["lastNamePrefix"],
                household["lastName"] or last,
            )
        account: str | None = invented.iban(random)
        if self.chance(0.06):
            odd_ones = (invented.foreign_iban(random), invented.broken_iban(random), None)
            account = random.choice(odd_ones)
        created = self.days_ago(DAYS_BACK + 30)
        # Some were never asked for a name in full.
        is_known = self.chance(0.97)
        uuid = self.uuid()
        person = {
            "uuid": uuid,
            "personUuid": uuid,
            "academicTitle": self.maybe(random.choice(invented.TITLES), 0.05),
            "initials": self.maybe(f"{first[0]}.{random.choice(('', 'J.', 'M.'))}", 0.9),
            "firstName": self.maybe(first, 0.96),
            "lastNamePrefix": prefix if is_known else None,
            "lastName": last if is_known else None,
            "dateOfBirth": self.maybe(self._date_of_birth(), 0.9),
            "socialSecurityNumber": self.maybe(f"{random.randrange(10**8, 10**9)}", 0.05),
            "iban": account,
            "address": address,
            "phoneNumber": landline,
            "mobilePhoneNumber": mobile,
            "email": self._email(first, last) if self.chance(0.8) else None,
            "gender": gender,
            "optInEmail": random.choice((True, False, None)),
            "optInPhone": random.choices((True, False, None), (80, 5, 15))[0],
            "optInMail": random.choice((True, False, None)),
            "optInSms": random.choice((True, False, None)),
            "language": random.choices(("nl", "en", "fy", None), (85, 7, 2, 6))[0],
            "mandate": self.maybe({"createdAt": as_text(created)}, 0.7),
            "createdAt": as_text(created),
            "owningOrganization": random.choice(self.charities),
            "qualityResult": None,
        }
        if self.chance(0.85):
            made_at = as_text(self.between(created, 24))
            person["qualityResult"] = quality_result(random, person, made_at)
        self.seeded.persons.append(person)
        return person

    def _date_of_birth(self) -> str:
        born = datetime(1938, 1, 1, tzinfo=UTC) + timedelta(days=self.random.randrange(25_000))
        return born.date().isoformat()

    def _address(self) -> Record:
        random = self.random
        city, digits = random.choice(invented.CITIES)
        return {
            "street": self.maybe(random.choice(invented.STREETS), 0.97),
            "houseNumber": self.maybe(str(random.randrange(1, 400)), 0.98),
            "houseNumberExtension": self.maybe(random.choice(("A", "bis", "2-hoog", "zw")), 0.2),
            "zipCode": self.maybe(invented.postcode(random, digits), 0.96),
            "city": self.maybe(city, 0.98),
            "country": self.maybe("NL", 0.95),
        }

    def _email(self, first: str, last: str) -> str:
        name = invented.email_name(first, last)
        if self.chance(0.02):
            return f"{name}@@example"
        return f"{name}{self.random.randrange(100)}@example.{self.random.choice(('org', 'com'))}"

    # --- what was promised ---

    def _pledge(self, person: Record) -> Record:
        random = self.random
        created = parse(person["createdAt"])
        status = random.choices(PLEDGE_STATUSES, (62, 24, 6, 5, 3))[0]
        released = None if status in {"lead", "dropped"} else self.between(created, 240)
        updated = released or created
        if self.chance(0.5):
            updated = self.between(updated, 120)
        starts = created + timedelta(days=random.randrange(5, 40))
        amount, interval = random.choice(AMOUNTS), random.choices(INTERVALS, (8, 70, 4, 8, 10))[0]
        is_changed = self.chance(0.07)
        owner = person["owningOrganization"]
        recruiter = random.choice(self.recruiters)
        ends = starts + timedelta(days=365) if status == "fulfilled" or self.chance(0.1) else None
        source = {"name": "backstage", "identifier": str(random.randrange(10**6))}
        uuid = self.uuid()
        pledge = {
            "uuid": uuid,
            "personUuid": person["uuid"],
            "status": status,
            "startsAt": as_text(starts),
            "endsAt": None if ends is None else as_text(ends),
            "createdAt": as_text(created),
            "updatedAt": as_text(updated),
            "releasedAt": None if released is None else as_text(released),
            "owningOrganizationUuid": owner["uuid"],
            "owningOrganization": owner,
            "recruitingOrganizationUuid": self.recruiting["uuid"],
            "recruitingOrganization": self.recruiting,
            "recruitingLocationLabel": self.maybe(random.choice(invented.LOCATIONS), 0.8),
            "initialDonationAmount": amount,
            "donationAmount": random.choice(AMOUNTS) if is_changed else amount,
            "initialDonationInterval": interval,
            "donationInterval": random.choice(INTERVALS) if is_changed else interval,
            "preferredPaymentDay": self.maybe(random.randrange(1, 29), 0.5),
            "recruitmentType": random.choices(("d2d", "street", None), (50, 42, 8))[0],
            "recruiterUserUuid": recruiter["uuid"],
            "recruiterUser": recruiter,
            # The path in the store; reads.py turns it into an address that is valid an hour.
            "signatureSignedUrl": self.maybe(f"signatures/{uuid}.mp3", 0.8),
            "focusAreas": random.sample(self.focus_areas[owner["uuid"]], random.randrange(3)),
            "externalSource": self.maybe(source, 0.06),
            "externalMetadata": self.maybe({"wave": random.randrange(9), "label": "été"}, 0.1),
            "campaignCode": self.maybe(f"C{random.randrange(100):02d}-NAJAAR", 0.4),
            "collectionDate": self.maybe(as_text(starts + timedelta(days=2)), 0.3),
        }
        self.seeded.pledges.append(pledge)
        for _ in range(random.choices((0, 1, 2, 3), (45, 40, 10, 5))[0]):
            self._transaction(person, pledge)
        return pledge

    def _transaction(self, person: Record, pledge: Record) -> None:
        random = self.random
        created = self.between(parse(pledge["createdAt"]), 48)
        method = random.choices(("idealqr", "direct_debit", None), (55, 40, 5))[0]
        status = random.choices(TRANSACTION_STATUSES, (15, 60, 9, 8, 8))[0]
        name = " ".join(
            part
            for part in (person["initials"], person["lastNamePrefix"], person["lastName"])
            if part
        )
        self.seeded.transactions.append(
            {
                "uuid": self.uuid(),
                "personUuid": person["uuid"],
                "origin": {"name": "pledgeCase", "identifier": pledge["uuid"]},
                "amount": Decimal("0.01") if method == "idealqr" else pledge["donationAmount"],
                "name": self.maybe(name, 0.9),
                "iban": self.maybe(person["iban"], 0.9),
                "description": f"Donatie {pledge['owningOrganization']['name']}",
                "provider": random.choices(("cm", "mollie", None), (45, 45, 10))[0],
                "method": method,
                "referenceId": self.maybe(f"R{random.randrange(10**8):08d}", 0.8),
                "transactionId": self.maybe(f"tr_{random.getrandbits(40):010x}", 0.8),
                "providerMetadata": self.maybe({"issuer": "TRIONL2U"}, 0.2),
                "createdAt": as_text(created),
                "updatedAt": as_text(self.between(created, 72)),
                "status": status,
            }
        )

    # --- the calls ---

    def _call(self, number: int, person: Record, pledge: Record | None) -> None:
        random = self.random
        status = random.choices(CALL_STATUSES, (60, 25, 7, 8))[0]
        requested = self.days_ago(DAYS_BACK)
        if pledge is not None:
            # Nobody asks for a call about a pledge that is not there yet.
            requested = max(requested, parse(pledge["createdAt"]))
        attempts = self._attempts(requested, status)
        dials = [attempt["createdAt"] for attempt in attempts if attempt["createdAt"] is not None]
        latest = max((parse(dial) for dial in dials), default=requested)
        ended = None if status == "requested" else self.between(latest, 36)
        result = self._result(as_text(ended)) if status == "completed" and ended else None
        updated = as_text(ended or latest)
        if status == "requested" and self.chance(0.1):
            updated = as_text(self.between(latest, 24))
        calling = random.choices(
            (names.CALLING_ORGANIZATION.uuid, names.OTHER_CALLING_ORGANIZATION.uuid, None),
            (84, 9, 7),
        )[0]
        uuid = self.uuid()
        call = {
            "uuid": uuid,
            "status": status,
            "requestedAt": as_text(requested),
            "externalMetadata": self._external_metadata(number),
            "attempts": attempts,
            "attemptsCount": len(attempts),
            "result": result,
            "lastUpdatedAt": updated,
            "cancelledAt": as_text(ended) if ended and status == "cancelled" else None,
            "completedAt": as_text(ended) if ended and status == "completed" else None,
            "expiredAt": as_text(ended) if ended and status == "expired" else None,
            "notes": self.maybe(random.choice(invented.REQUEST_NOTES), 0.25),
            "personUuid": person["uuid"],
            "relatedCaseUuid": None if pledge is None else pledge["uuid"],
            "callingOrganizationUuid": calling,
            "type": random.choices(("verification", "happy_call", "winback"), (80, 12, 8))[0],
            "recordingDuration": random.randrange(20, 900) if result and self.chance(0.7) else None,
        }
        self.seeded.calls.append(call)

    def _attempts(self, requested: datetime, status: str) -> list[Record]:
        weights = {
            "requested": (55, 25, 15, 5),
            "completed": (2, 58, 25, 15),
            "cancelled": (70, 20, 10, 0),
            "expired": (0, 0, 20, 80),
        }[status]
        attempts, at = [], requested
        for _ in range(self.random.choices(range(4), weights)[0]):
            at = self.between(at, 30)
            text = as_text(at)
            attempts.append(
                {
                    "userUuid": self.maybe(self.random.choice((names.ALICE, names.BOB)), 0.9),
                    "attemptAt": self.maybe(text, 0.95),
                    "createdAt": self.maybe(text, 0.97),
                }
            )
        return attempts

    def _result(self, completed_at: str) -> Record:
        random = self.random
        return {
            "resultCode": random.choices(RESULT_CODES, (60, 12, 8, 14, 6))[0],
            "completedAt": completed_at,
            "notes": self.maybe(random.choice(invented.RESULT_NOTES), 0.6),
            "duration": self.maybe(random.randrange(20, 900), 0.2),
            "donorRetentionRating": self.maybe(random.randrange(0, 11), 0.75),
        }

    def _external_metadata(self, number: int) -> Record | None:
        random = self.random
        if self.chance(0.94):
            return None
        # A call of TapRaise's own may carry its name: it is not managed elsewhere.
        name = "tapraise" if self.chance(0.2) else random.choice(ELSEWHERE)
        return {
            "applicationName": name,
            "referenceId": f"{name}-{number}",
            "agentReferenceId": self.maybe(f"agent-{random.randrange(30)}", 0.6),
            "statusCode": self.maybe(random.choice(("NA", "BUSY", "SALE", "10")), 0.7),
            "statusDescription": self.maybe("Niet bereikt", 0.5),
            "additionalProperties": self.maybe({"batch": random.randrange(90)}, 0.4),
        }
