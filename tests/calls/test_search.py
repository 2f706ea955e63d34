"""Search: one box. A number opens what it names; anything else shows the donors whom it fits."""

import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEntry, User
from calls.models import Call, NewCall, ResultCode
from calls.search import MOST
from pledges.models import Organization, Person, Pledge
from tests.calls.two_steps import signed_in
from tests.factories import (
    CompletionFactory,
    DeliveryFactory,
    HoldFactory,
    PersonFactory,
    PledgeFactory,
    StreamFactory,
    now,
)

pytestmark = pytest.mark.django_db

NewCallMaker = Callable[..., Call]


def search(user: User, query: object) -> Any:
    """What the search answers: the results, or what says where to go."""
    return look_for(signed_in(user), query)


def look_for(client: Client, query: object) -> Any:
    answer = client.post("/calls/", {"query": str(query)})
    is_kept = answer.status_code == 302 and answer["Location"].startswith("/calls/?")
    return client.get(answer["Location"]) if is_kept else answer


def words(answer: Any) -> str:
    page = re.sub(r"<head>.*</head>", " ", answer.content.decode(), flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)).replace("&#x27;", "'")


def persons_on(answer: Any) -> list[str]:
    return re.findall(r'<a href="/persons/([0-9a-f-]{36})/">', answer.content.decode())


@pytest.fixture
def pledge(helder_water: Organization) -> Pledge:
    made: Pledge = PledgeFactory(
        person=PersonFactory(owning_organization=helder_water),
        external_source_name="salesforce",
        external_source_identifier="006-42",
    )
    return made


@pytest.fixture
def donor(helder_water: Organization) -> Callable[..., Person]:
    def make(**columns: Any) -> Person:
        made: Person = PersonFactory(owning_organization=helder_water, **columns)
        return made

    return make


def test_every_page_leads_to_it(alice: User) -> None:
    client = signed_in(alice)

    assert 'href="/calls/"' in client.get("/").content.decode()
    assert client.get("/calls/").status_code == 200


# ── Numbers of TapRaise ───────────────────────────────────────────────────────────────────────────


def test_a_number_opens_what_it_names(alice: User, call: Call, pledge: Pledge) -> None:
    for number, address in (
        (call.pk, f"/calls/{call.pk}/"),
        (pledge.pk, f"/pledges/{pledge.pk}/"),
        (call.person_id, f"/persons/{call.person_id}/"),
    ):
        assert search(alice, number)["Location"] == address
        assert search(alice, f"  {{{str(number).upper()}}} ")["Location"] == address
    assert search(alice, call.pk.hex)["Location"] == f"/calls/{call.pk}/"


def test_a_call_that_was_asked_for_here_opens_its_person(
    alice: User, carol: User, call: Call
) -> None:
    asked = NewCall.objects.create(
        person=call.person,
        requested_at=now(),
        user=carol,
        token=uuid.uuid4(),
        delivery=DeliveryFactory(),
    )

    assert search(alice, asked.pk)["Location"] == f"/persons/{call.person_id}/"


def test_what_is_of_others_is_not_found(dirk: User, call: Call, pledge: Pledge) -> None:
    person = call.person
    for query in (
        *(call.pk, pledge.pk, call.person_id),
        *(person.mobile_phone_number, person.last_name, "1234 AB", "006-42"),
    ):
        answer = search(dirk, query)
        assert answer.status_code == 200
        assert "Nothing found" in words(answer)
        assert persons_on(answer) == []


# ── Donors ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "typed",
    [
        "06 12 34 56 78",
        "0612345678",
        "06-12345678",
        "+31 6 12345678",
        "+31 (0)6 12 34 56 78",
        "0031612345678",
        "31612345678",
        "tel:+31612345678",
    ],
)
def test_a_phone_number_in_any_spelling_finds_its_donor(
    alice: User, donor: Callable[..., Person], typed: str
) -> None:
    by_mobile = donor(mobile_e164="+31612345678")
    at_home = donor(mobile_e164=None, phone_e164="+31612345678")
    donor()

    assert set(persons_on(search(alice, typed))) == {str(by_mobile.pk), str(at_home.pk)}


@pytest.mark.parametrize(
    "typed",
    [
        "muller",
        "MÜLLER",
        "van der Müller",
        "Van Der Mull",
        "müller-jansen",
        "Muller Jansen",
        "Zoë van der Müller",
        "Z. Müller",
    ],
)
def test_a_name_is_found_however_it_is_written(
    alice: User, donor: Callable[..., Person], typed: str
) -> None:
    wanted = donor(
        first_name="Zoë", initials="Z.", last_name_prefix="van der", last_name="Müller-Jansen"
    )
    donor(last_name="Mulder", last_name_prefix=None)

    assert persons_on(search(alice, typed)) == [str(wanted.pk)]


def test_a_prefix_that_was_written_into_the_name_makes_no_difference(
    alice: User, donor: Callable[..., Person]
) -> None:
    apart = donor(last_name_prefix="van den", last_name="Berg")
    within = donor(last_name_prefix=None, last_name="van den Berg")
    other = donor(last_name_prefix=None, last_name="Berg")

    both = {str(apart.pk), str(within.pk)}
    assert set(persons_on(search(alice, "berg"))) == both | {str(other.pk)}
    # Who writes the prefix sees those first.
    assert set(persons_on(search(alice, "van den Berg"))[:2]) == both


def test_a_short_last_name_is_the_whole_name(alice: User, donor: Callable[..., Person]) -> None:
    short = donor(last_name_prefix=None, last_name="Vu")
    donor(last_name_prefix=None, last_name="Vuist")

    assert persons_on(search(alice, "Vu")) == [str(short.pk)]


def test_a_first_name_tells_people_of_one_name_apart(
    alice: User, donor: Callable[..., Person]
) -> None:
    named = {"last_name_prefix": "de", "last_name": "Vries"}
    sanne = donor(first_name="Sanne", initials="S.", **named)
    donor(first_name="Bram", initials="B.", **named)

    assert persons_on(search(alice, "Sanne de Vries")) == [str(sanne.pk)]
    assert persons_on(search(alice, "s de vries")) == [str(sanne.pk)]
    assert persons_on(search(alice, "T. de Vries")) == []


def test_people_of_one_name_stand_by_their_first_names(
    alice: User, donor: Callable[..., Person]
) -> None:
    made = {
        first: donor(first_name=first, last_name="Duur", last_name_prefix=None)
        for first in ("Zeger", "Anna", "Mila", "Bram")
    }

    assert persons_on(search(alice, "duur")) == [str(made[one].pk) for one in sorted(made)]


@pytest.mark.parametrize("typed", ["3511 AB 12", "3511ab 12", "3511AB, 12-bis", "3511 ab"])
def test_an_address_finds_who_lives_there(
    alice: User, donor: Callable[..., Person], typed: str
) -> None:
    wanted = [
        donor(zip_code="3511 AB", house_number="12", house_number_extension="bis"),
        donor(zip_code="3511ab", house_number="12a"),
    ]
    neighbour = donor(zip_code="3511 AB", house_number="121")

    found = persons_on(search(alice, typed))

    assert {str(one.pk) for one in wanted} <= set(found)
    assert (str(neighbour.pk) in found) == ("12" not in typed)


def test_a_card_tells_who_it_is_and_how_each_call_stands(
    alice: User, bob: User, new_call: NewCallMaker, donor: Callable[..., Person]
) -> None:
    person = donor(last_name="Kaart", last_name_prefix=None, city="Zeist")
    waiting = new_call(person=person)
    done = new_call(person=person, requested_at=now() - timedelta(days=40))
    CompletionFactory(call=done, user=bob, result_code=ResultCode.DOWNGRADED)

    answer = search(alice, "kaart")
    said = words(answer)

    assert "1 donor found" in said
    for part in ("Ms F. Kaart", "Helder Water", "Zeist", "requested", "downgraded", "completed"):
        assert part in said
    page = answer.content.decode()
    assert f'action="/calls/{waiting.pk}/hold/"' in page
    assert f'action="/calls/{done.pk}/hold/"' not in page
    assert f'href="/calls/{done.pk}/"' in page


def test_a_donor_in_other_hands_says_whose_and_offers_nothing(
    alice: User, bob: User, call: Call
) -> None:
    HoldFactory(call=call, user=bob)

    answer = search(alice, call.person.mobile_phone_number)

    assert "in the hands of Bob since" in words(answer)
    assert "/hold/" not in answer.content.decode()
    # Somebody else of the same household is in those hands too.
    mine = search(bob, call.person.mobile_phone_number)
    assert "Go on with this call" in words(mine)


def test_a_call_that_is_over_offers_a_new_one(alice: User, carol: User, call: Call) -> None:
    Call.objects.update(status=Call.Status.COMPLETED, result_code="confirmed")
    number = call.person.mobile_phone_number

    assert "No call is open. A supervisor can request a new one." in words(search(alice, number))
    to_ask = f'href="/persons/{call.person_id}/calls/"'
    assert to_ask not in search(alice, number).content.decode()
    assert to_ask in search(carol, number).content.decode()


def test_more_than_a_page_is_cut_and_said(alice: User, donor: Callable[..., Person]) -> None:
    for _ in range(MOST + 3):
        donor(last_name="Jansen", last_name_prefix=None)

    answer = search(alice, "jansen")

    assert len(persons_on(answer)) == MOST
    assert f"More than {MOST} donors found" in words(answer)
    assert words(answer).count(f"{MOST} donors found") == 1


def test_many_donors_cost_no_more_queries_than_one(
    alice: User, new_call: NewCallMaker, donor: Callable[..., Person]
) -> None:
    def queries() -> int:
        client = signed_in(alice)
        client.get("/calls/")  # The first visit of a session writes it.
        address = client.post("/calls/", {"query": "Fenna van der Duur"})["Location"]
        with CaptureQueriesContext(connection) as seen:
            client.get(address)
        return len(seen.captured_queries)

    StreamFactory(feed="calls", last_finished_at=now())
    new_call(person=donor(last_name="Duur"))
    few = queries()
    for _ in range(10):
        CompletionFactory(call=new_call(person=donor(last_name="Duur")))

    assert queries() == few
    assert few <= 12


# ── References of elsewhere ───────────────────────────────────────────────────────────────────────


def test_a_reference_of_elsewhere_shows_the_donor_with_call_or_pledge(
    alice: User, new_call: NewCallMaker, pledge: Pledge, dierenhulp: Organization
) -> None:
    call = new_call(
        external_application="4dmc",
        external_reference="A-17",
        external_status_description="Wacht op terugbellen",
    )
    new_call(
        external_application="4dmc",
        external_reference="A-17",
        person=PersonFactory(owning_organization=dierenhulp),
    )

    answer = search(alice, " A-17 ")

    assert persons_on(answer) == [str(call.person_id)]
    assert f'<a href="/calls/{call.pk}/"' in answer.content.decode()
    assert "managed in 4dmc" in words(answer)
    assert "Wacht op terugbellen" in words(answer)
    # It is made there.
    assert "/hold/" not in answer.content.decode()

    answer = search(alice, "006-42")
    assert f'href="/pledges/{pledge.pk}/"' in answer.content.decode()
    assert "managed in salesforce" in words(answer)


def test_a_reference_that_fits_in_part_is_not_the_same_reference(
    alice: User, new_call: NewCallMaker
) -> None:
    new_call(external_application="4dmc", external_reference="A-17")

    assert "Nothing found" in words(search(alice, "A-1"))
    assert "Nothing found" in words(search(alice, "a-17"))


# ── What is said ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("06 12 34 56 79", "No donor of your organisations has the phone number 06 12 34 56 79"),
        ("06", "06 is not a whole phone number: type more of it, with all its digits."),
        (" 06 12 ", "06 12 is not a whole phone number: type more of it"),
        ("+31", "+31 is not a whole phone number: type more of it"),
        ("tel:0612", "tel:0612 is not a whole phone number: type more of it"),
        ("van 06", "Nothing is known as van 06 : search by the name alone, or by the whole"),
        ("06 Jansen", "Nothing is known as 06 Jansen : search by the name alone"),
        ("9999 ZZ 1", "No donor of your organisations lives at 9999 ZZ 1"),
        ("<b>17</b>", "begins with &lt;b&gt;17&lt;/b&gt;"),
        ("5cf67f69-34d0-46fe-b904-20d56248a844", "has the number 5cf67f69"),
    ],
)
def test_nothing_found_says_what_was_looked_for(alice: User, typed: str, sentence: str) -> None:
    assert sentence in words(search(alice, typed))


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("", "Write what you are looking for."),
        ("   ", "Write what you are looking for."),
        ("x", "Write at least two letters or digits."),
        ("--", "Write at least two letters or digits."),
        ("jansen@example.org", "No donor is found by e-mail address"),
        ("x" * 200, "at most 100 characters"),
    ],
)
def test_what_cannot_be_looked_for_is_said_and_kept(alice: User, typed: str, sentence: str) -> None:
    answer = search(alice, typed)

    assert answer.status_code == 422
    assert sentence in words(answer)
    assert typed.strip() in answer.content.decode()


def test_what_is_looked_for_stands_in_no_address_and_no_trail(alice: User, call: Call) -> None:
    page = signed_in(alice).get("/calls/", {"query": str(call.pk)})
    assert page.status_code == 200
    forms = re.findall(r"<form [^>]*>", page.content.decode())
    assert all('method="post"' in one or 'method="dialog"' in one for one in forms)

    search(alice, call.person.last_name)

    entry = AuditEntry.objects.get(action="donors.searched")
    assert entry.facts == {"found": 1}


# ── To a donor and back ───────────────────────────────────────────────────────────────────────────


def test_the_results_can_be_gone_back_to_and_stand_at_an_address_that_says_nothing(
    alice: User, bob: User, call: Call, donor: Callable[..., Person]
) -> None:
    client = signed_in(alice)
    other = donor(last_name="Zonderling", last_name_prefix=None)
    first = client.post("/calls/", {"query": call.person.last_name})["Location"]
    second = client.post("/calls/", {"query": "zonderling"})["Location"]
    assert re.fullmatch(r"/calls/\?search=\w{8}", second)

    page = client.get(f"/persons/{other.pk}/").content.decode()
    assert f'href="{second}"' in page
    assert "Back to the search" in page

    # Each search stands where it stood, also with another one after it.
    assert persons_on(client.get(second)) == [str(other.pk)]
    assert persons_on(client.get(first)) == [str(call.person_id)]
    assert 'value="zonderling"' in client.get(second).content.decode()
    # The box in the bar begins anew, and the address is of no use to anybody else.
    assert persons_on(client.get("/calls/")) == []
    stranger = signed_in(bob).get(second)
    assert (stranger.status_code, persons_on(stranger)) == (200, [])
    assert "Back to the search" not in signed_in(bob).get(f"/persons/{other.pk}/").content.decode()


def test_no_more_than_the_last_searches_are_kept(alice: User) -> None:
    client = signed_in(alice)
    for n in range(15):
        client.post("/calls/", {"query": f"naam{n}"})
        client.post("/calls/", {"query": "steeds dezelfde"})

    kept = [text for _name, text in client.session["searches"]]
    assert len(kept) == 10
    assert kept.count("steeds dezelfde") == 1
