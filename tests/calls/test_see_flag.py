"""Recruiter flags: raised by a gate, told to supervisors alone, and off the list once seen."""

import html
import re
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEntry, User
from calls.models import Call
from integrations.tapraise.wire import (
    GateResultRecord,
    OrganizationRecord,
    PersonRecord,
    QualityResultRecord,
)
from pledges.models import Organization, Person, RecruiterFlag
from pledges.sync import Mentioned
from tests.calls.conftest import Desk
from tests.calls.test_check_details import on_the_line
from tests.calls.two_steps import Inputs, signed_in
from tests.factories import (
    PersonFactory,
    PledgeFactory,
    RecruiterFlagFactory,
    UserFactory,
    now,
)

pytestmark = pytest.mark.django_db

NewCall = Callable[..., Call]
LIST = "/floor/recruiters/"
ACCOUNT, PHONE = "ibanMatchesRecruiterIban", "phoneNumberMatchesRecruiterPhoneNumber"
TITLE = "Recruiter doubted"


def judged(person: Person, *found: str, at: datetime | None = None, **columns: Any) -> None:
    """TapRaise tells what its gates found of this donor, and of the recruiter."""
    gates = (
        GateResultRecord(
            identifier="emailIsAvailable", category="emailQuality", explanation="emailIsMissing"
        ),
        *(
            GateResultRecord(identifier=one, category="recruiterFraud", explanation=one)
            for one in found or ("ok",)
        ),
    )
    owner = person.owning_organization
    assert owner is not None
    result = QualityResultRecord(**{"created_at": now(), **columns}, gate_results=gates)
    mentioned = Mentioned()
    mentioned.add_person(
        PersonRecord(
            uuid=person.pk,
            last_name=person.last_name,
            mobile_phone_number=person.mobile_phone_number,
            address=None,
            owning_organization=OrganizationRecord(uuid=owner.pk, name=owner.name),
            quality_result=result,
        )
    )
    mentioned.save(account="default", include=(), fetched_at=at or now())


def look(user: User, address: str = "/floor/pulse/") -> str:
    answer = signed_in(user).get(address)
    assert answer.status_code == 200, answer.status_code
    return said(answer)


def said(answer: Any) -> str:
    page = re.sub(r"<(script|style).*?</\1>", "", answer.content.decode(), flags=re.DOTALL)
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page)))


class Reader:
    """A supervisor at the page of one flag."""

    def __init__(self, user: User, person: Person) -> None:
        self.client, self.address = signed_in(user), f"{LIST}{person.pk}/"
        self.page = ""
        self.open()

    def open(self) -> str:
        answer = self.client.get(self.address)
        assert answer.status_code == 200
        self.page = answer.content.decode()
        return said(answer)

    def see(self, remark: str = "") -> Any:
        form = {"version": Inputs(self.page).hidden.get("version", ""), "remark": remark}
        return self.client.post(self.address, form)


@pytest.fixture
def donor(helder_water: Organization) -> Person:
    person: Person = PersonFactory(owning_organization=helder_water, last_name="Bedacht")
    PledgeFactory(
        person=person,
        recruiter_uuid=uuid.UUID(int=1),
        recruiter_name="Werver Een",
        recruiter_identifier="R-1",
        recruiting_location_label="Stationsplein",
    )
    return person


# ── Raised ────────────────────────────────────────────────────────────────────────────────────────


def test_a_gate_about_the_recruiter_asks_supervisors_for_attention_until_one_has_seen_it(
    carol: User, donor: Person
) -> None:
    assert TITLE not in look(carol)
    judged(donor, ACCOUNT)

    assert f"{TITLE} 1 donor has an account, address or number that is the recruiter's" in look(
        carol
    )
    listed = look(carol, LIST)
    assert "Bedacht" in listed
    assert "recruited by Werver Een (R-1) · Stationsplein" in listed
    assert "The account number is the recruiter's" in listed
    # What the donor can be asked about is for the desk.
    assert "e-mail address is missing" not in listed

    reader = Reader(carol, donor)
    assert "Nobody has asked the donor yet." in reader.open()
    answer = reader.see("Werver gebeld: eigen rekening van zijn moeder.")
    assert (answer.status_code, answer["Location"]) == (302, LIST)

    assert TITLE not in look(carol)
    assert "Of no donor is a recruiter doubted" in look(carol, LIST)
    kept = look(carol, f"{LIST}?which=seen")
    assert "Seen by Carol" in kept
    assert "eigen rekening van zijn moeder" in kept
    entry = AuditEntry.objects.get(action="recruiter_flag.seen")
    assert (entry.user, entry.person_uuid) == (carol, donor.pk)
    # The trail holds codes, and never what somebody typed.
    assert entry.facts == {"findings": [ACCOUNT], "has_remark": True}


def test_what_the_gates_pass_raises_nothing(carol: User, donor: Person) -> None:
    judged(donor)

    assert not RecruiterFlag.objects.exists()
    assert TITLE not in look(carol)


def test_old_results_that_are_read_for_the_first_time_raise_nothing(donor: Person) -> None:
    judged(donor, ACCOUNT, created_at=now() - timedelta(days=91))
    assert not RecruiterFlag.objects.exists()

    judged(donor, ACCOUNT, created_at=now() - timedelta(days=89), at=now() + timedelta(seconds=1))
    assert RecruiterFlag.objects.exists()


def test_what_is_found_no_longer_asks_nobody(carol: User, donor: Person) -> None:
    judged(donor, ACCOUNT)
    judged(donor, at=now() + timedelta(minutes=1), percentage=Decimal(90))

    assert TITLE not in look(carol)
    assert not RecruiterFlag.objects.exists()


def test_what_was_seen_asks_again_only_when_more_is_found(carol: User, donor: Person) -> None:
    later = [now() + timedelta(minutes=place) for place in range(5)]
    judged(donor, ACCOUNT, PHONE, at=later[0])
    Reader(carol, donor).see()

    # The same result made anew, and less than was found before.
    judged(donor, ACCOUNT, PHONE, at=later[1], percentage=Decimal(80))
    judged(donor, ACCOUNT, at=later[2], percentage=Decimal(81))
    assert TITLE not in look(carol)
    judged(donor, ACCOUNT, "addressMatchesRecruiterAddress", at=later[3], percentage=Decimal(82))

    assert TITLE in look(carol)
    assert "Carol saw it before; something else was found or said since." in look(
        carol, f"{LIST}{donor.pk}/"
    )


def test_a_donor_who_says_it_is_different_has_the_supervisor_look_once_more(
    alice: User, carol: User, call: Call, at_desk: Callable[[User], Desk]
) -> None:
    judged(call.person, PHONE)
    Reader(carol, call.person).see("De werver zegt dat het klopt.")
    assert TITLE not in look(carol)
    on_the_line(call, alice)
    desk = at_desk(alice)
    desk.look(call)

    def correct(item: str, **fields: str) -> None:
        answer = desk.press(call, "corrections", htmx=True, correction=item, **fields)
        assert answer.status_code == 200

    # Of another detail that says nothing of the recruiter.
    correct("email", **{"email-email": "nieuw@example.org"})
    assert TITLE not in look(carol)
    correct("phone", **{"phone-phone": "06 1234 5678"})

    assert TITLE in look(carol)
    assert "donor says: other phone" in look(carol, LIST)
    shown = look(carol, f"{LIST}{call.person_id}/")
    assert re.search(r"Phone: different .* Alice", shown)
    assert "De werver zegt dat het klopt." in shown
    # Seen, the same answer given once more is no news.
    Reader(carol, call.person).see("Werver geschorst.")
    correct("phone", **{"phone-phone": "06 1234 5679"})
    assert TITLE not in look(carol)


# ── Seen ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_second_supervisor_sees_what_the_first_one_did(
    carol: User, donor: Person, helder_water: Organization
) -> None:
    mo = UserFactory(
        username="mo", first_name="Mo", role=User.Role.MANAGER, organizations=[helder_water]
    )
    RecruiterFlagFactory(person=donor)
    first, second = Reader(carol, donor), Reader(mo, donor)
    first.see("Werver gebeld.")

    answer = second.see("Ook gezien.")

    assert answer.status_code == 409
    told = said(answer)
    assert "It changed while you looked" in told
    assert "Seen by Carol" in told
    assert "Werver gebeld." in told
    # Nothing that was typed is lost.
    assert "You wrote: Ook gezien." in told
    flag = RecruiterFlag.objects.get()
    assert (flag.seen_by, flag.remark) == (carol, "Werver gebeld.")


def test_what_was_found_since_it_was_shown_is_not_seen_with_it(carol: User, donor: Person) -> None:
    judged(donor, ACCOUNT)
    reader = Reader(carol, donor)
    judged(donor, ACCOUNT, PHONE, at=now() + timedelta(minutes=1))

    answer = reader.see("Rekening klopt.")

    assert answer.status_code == 409
    assert "The phone number is the recruiter's" in said(answer)
    assert ">Rekening klopt.</textarea>" in answer.content.decode().replace("\n", "")
    assert RecruiterFlag.objects.get().seen_at is None


def test_the_same_form_sent_twice_does_one_thing(carol: User, donor: Person) -> None:
    RecruiterFlagFactory(person=donor)
    reader = Reader(carol, donor)

    answers = [reader.see("Gebeld.").status_code for _ in range(3)]

    assert answers == [302, 302, 302]
    assert AuditEntry.objects.filter(action="recruiter_flag.seen").count() == 1
    assert RecruiterFlag.objects.get().version == 2


@pytest.mark.parametrize(
    ("remark", "sentence"), [("x" * 501, "at most 500 characters"), ("a\x00b", "Null characters")]
)
def test_a_remark_that_cannot_be_kept_is_refused_and_not_lost(
    carol: User, donor: Person, remark: str, sentence: str
) -> None:
    RecruiterFlagFactory(person=donor)

    answer = Reader(carol, donor).see(remark)

    assert answer.status_code == 422
    assert sentence in said(answer)
    assert RecruiterFlag.objects.get().seen_at is None


def test_a_national_number_in_a_remark_is_not_kept(carol: User, donor: Person) -> None:
    RecruiterFlagFactory(person=donor)
    Reader(carol, donor).see("BSN 123456782 stond erbij")

    assert "123456782" not in RecruiterFlag.objects.get().remark


# ── Whose, and how many ───────────────────────────────────────────────────────────────────────────


def test_an_agent_is_told_nothing_of_it(alice: User, donor: Person) -> None:
    RecruiterFlagFactory(person=donor)
    client = signed_in(alice)

    assert client.get(LIST).status_code == 404
    assert client.get(f"{LIST}{donor.pk}/").status_code == 404
    assert client.post(f"{LIST}{donor.pk}/", {"version": 1}).status_code == 404
    assert RecruiterFlag.objects.get().seen_at is None


def test_a_donor_of_others_is_not_there(
    carol: User, donor: Person, dierenhulp: Organization
) -> None:
    theirs = PersonFactory(owning_organization=dierenhulp, last_name="Geheim")
    RecruiterFlagFactory(person=theirs)

    assert TITLE not in look(carol)
    assert "Geheim" not in look(carol, LIST)
    client = signed_in(carol)
    assert client.get(f"{LIST}{theirs.pk}/").status_code == 404
    assert client.post(f"{LIST}{theirs.pk}/", {"version": 1}).status_code == 404


def test_many_come_a_page_at_a_time_at_the_same_cost(
    carol: User, helder_water: Organization
) -> None:
    client = signed_in(carol)

    def flagged(count: int) -> None:
        for _ in range(count):
            person = PersonFactory(owning_organization=helder_water)
            PledgeFactory(person=person)
            # All at one moment: the donor decides which comes first.
            RecruiterFlagFactory(person=person, raised_at=moment)

    def queries(address: str) -> tuple[int, str]:
        with CaptureQueriesContext(connection) as seen:
            answer = client.get(address)
        assert answer.status_code == 200
        return len(seen.captured_queries), answer.content.decode()

    moment = now()
    flagged(1)
    queries(LIST)
    bare, _ = queries(LIST)
    pulse, _ = queries("/floor/pulse/")
    flagged(54)

    cost, first = queries(LIST)
    assert cost == bare <= 12
    assert queries("/floor/pulse/")[0] == pulse <= 5
    [further] = re.findall(r'rel="next" href="([^"]*)"', first)
    _, second = queries(LIST + html.unescape(further))
    found = [set(re.findall(rf'"{LIST}([0-9a-f-]+)/"', page)) for page in (first, second)]
    assert [len(one) for one in found] == [50, 5]
    assert not found[0] & found[1]
    one, _ = queries(f"{LIST}{next(iter(found[0]))}/")
    assert one <= 12


@pytest.mark.parametrize("place", ["after=x", "before=2026_1", "after=%00_%00"])
def test_a_place_that_is_none_shows_the_first_page(carol: User, donor: Person, place: str) -> None:
    RecruiterFlagFactory(person=donor)

    assert "Bedacht" in look(carol, f"{LIST}?{place}")


# ── Several at once ───────────────────────────────────────────────────────────────────────────────


def test_what_was_found_of_one_recruiter_is_seen_at_once(
    carol: User, donor: Person, helder_water: Organization
) -> None:
    recruiter = {"recruiter_uuid": uuid.UUID(int=1), "recruiter_name": "Werver Een"}
    second: Person = PersonFactory(owning_organization=helder_water, last_name="Tweede")
    PledgeFactory(person=second, **recruiter)
    of_another: Person = PersonFactory(owning_organization=helder_water, last_name="Anders")
    PledgeFactory(person=of_another, recruiter_uuid=uuid.UUID(int=2), recruiter_name="Werver Twee")
    for person in (donor, second, of_another):
        judged(person, ACCOUNT)
    client = signed_in(carol)

    # Of everybody at once nobody has seen anything: the list of one recruiter is where it is said.
    assert "I have seen" not in said(client.get(LIST))
    (address,) = set(re.findall(rf'href="(\?recruiter={uuid.UUID(int=1)})"', look_raw(client)))
    page = client.get(LIST + address)
    assert "Anders" not in said(page)
    assert "I have seen these 2" in said(page)
    form = {"shown": Inputs(page.content.decode()).hidden["shown"], "remark": "Werver gesproken."}
    # One of them changes while the page is looked at.
    judged(second, ACCOUNT, PHONE)
    answer = client.post(LIST + address, form, follow=True)

    left = said(answer)
    assert "Seen: 1 is off the list." in left
    assert "1 changed while you looked, and was not marked." in left
    assert ("Tweede" in left, "Anders" in left, "Bedacht" in left) == (True, True, False)
    assert "Werver gesproken." in look(carol, f"{LIST}?which=seen")
    entries = AuditEntry.objects.filter(action="recruiter_flag.seen")
    assert [entry.person_uuid for entry in entries] == [donor.pk]


def look_raw(client: Any) -> str:
    page: str = client.get(LIST).content.decode()
    return page


@pytest.mark.parametrize("shown", ["", "x", "1:1", f"{uuid.UUID(int=7)}"])
def test_a_form_that_does_not_say_what_was_shown_marks_nothing_and_keeps_the_remark(
    carol: User, donor: Person, shown: str
) -> None:
    judged(donor, ACCOUNT)

    answer = signed_in(carol).post(
        f"{LIST}?recruiter={uuid.UUID(int=1)}", {"shown": shown, "remark": "Gesproken."}
    )

    assert answer.status_code == 422
    assert "Gesproken." in said(answer)
    assert RecruiterFlag.objects.unseen().count() == 1


def test_a_recruiter_who_is_no_recruiter_is_not_there(carol: User) -> None:
    assert signed_in(carol).get(f"{LIST}?recruiter=x").status_code == 404
