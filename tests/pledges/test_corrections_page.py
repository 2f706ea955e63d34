"""Corrections on their way to the charity: listed, exported with the right to, and worked off."""

import csv
import io
from datetime import datetime

import pytest

from accounts.models import AuditEntry, User
from pledges.models import Correction, Organization
from tests.calls.two_steps import signed_in
from tests.calls.written import in_xlsx
from tests.factories import CorrectionFactory, PersonFactory, UserFactory

pytestmark = pytest.mark.django_db

IBAN = "NL91ABNA0417164300"


@pytest.fixture
def correction(helder_water: Organization) -> Correction:
    made: Correction = CorrectionFactory(person=PersonFactory(owning_organization=helder_water))
    return made


@pytest.fixture
def manager(helder_water: Organization) -> User:
    made: User = UserFactory(role=User.Role.MANAGER)
    helder_water.members.add(made)
    return made


def account_of(helder_water: Organization) -> Correction:
    made: Correction = CorrectionFactory(
        person=PersonFactory(owning_organization=helder_water),
        item="account",
        was={"iban": ""},
        now={"iban": IBAN},
    )
    return made


def rows(contents: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(contents.decode("utf-8-sig")), delimiter=";"))


def test_the_open_ones_are_listed_and_the_rest_by_a_filter(
    carol: User, correction: Correction, helder_water: Organization
) -> None:
    CorrectionFactory(
        person=correction.person, now={"email": "klaar@example.org"}, state="processed"
    )
    client = signed_in(carol)

    page = client.get("/corrections/").content.decode()
    assert "nieuw@example.org" in page
    assert "was: oud@example.org" in page
    assert "klaar@example.org" not in page
    assert "klaar@example.org" in client.get("/corrections/?state=processed").content.decode()
    assert "klaar@example.org" in client.get("/corrections/?state=all").content.decode()
    narrowed = client.get(f"/corrections/?organization={helder_water.pk}").content.decode()
    assert "nieuw@example.org" in narrowed


def test_a_long_list_goes_on_from_page_to_page(carol: User, correction: Correction) -> None:
    CorrectionFactory.create_batch(60, person=correction.person)
    client = signed_in(carol)

    first = client.get("/corrections/").content.decode()
    after = first.partition("after=")[2].partition('"')[0].partition("&")[0]
    second = client.get(f"/corrections/?after={after}").content.decode()

    assert first.count('name="correction"') == 50
    assert second.count('name="correction"') == 11


def test_an_agent_finds_no_such_page_and_another_organisation_no_such_rows(
    alice: User, carol: User, correction: Correction, dierenhulp: Organization
) -> None:
    other = CorrectionFactory(
        person=PersonFactory(owning_organization=dierenhulp), now={"email": "ver@example.org"}
    )
    for place in ("", "export/", "processed/"):
        assert signed_in(alice).post(f"/corrections/{place}").status_code in (404, 405)
    client = signed_in(carol)

    assert "ver@example.org" not in client.get("/corrections/?state=all").content.decode()
    client.post("/corrections/export/", {"correction": [other.pk]})
    client.post("/corrections/processed/", {"correction": [other.pk]})
    other.refresh_from_db()
    assert other.state == "open"


def test_what_is_exported_is_marked_and_on_the_trail(carol: User, correction: Correction) -> None:
    answer = signed_in(carol).post("/corrections/export/", {"correction": [correction.pk]})

    [line] = rows(answer.content)
    assert line["Was"] == "oud@example.org"
    assert line["Is to be"] == "nieuw@example.org"
    assert "attachment" in answer.headers["Content-Disposition"]
    assert "no-store" in answer.headers["Cache-Control"]
    correction.refresh_from_db()
    assert correction.state == "exported"
    entry = AuditEntry.objects.get(action="correction.exported")
    assert (entry.user, entry.person_uuid) == (carol, correction.person_id)
    assert "example.org" not in str(entry.facts)


def test_all_of_a_list_at_once(carol: User, correction: Correction) -> None:
    CorrectionFactory.create_batch(70, person=correction.person)

    answer = signed_in(carol).post("/corrections/export/", {"all": "1", "state": "open"})

    assert len(rows(answer.content)) == 71
    assert not Correction.objects.open().exists()


def test_the_file_is_a_sheet_where_that_is_wanted(carol: User, correction: Correction) -> None:
    answer = signed_in(carol).post(
        "/corrections/export/", {"correction": [correction.pk], "format": "xlsx"}
    )

    assert answer["Content-Disposition"].endswith('.xlsx"')
    head, row = in_xlsx(answer)
    told = dict(zip(head, row, strict=True))
    assert told["Is to be"] == "nieuw@example.org"
    assert isinstance(told["Said at"], datetime)
    correction.refresh_from_db()
    assert correction.state == "exported"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", " =", "\t"])
def test_what_begins_like_a_formula_is_text(
    carol: User, correction: Correction, start: str
) -> None:
    correction.now = {"email": f"{start}HYPERLINK(1)"}
    correction.save()

    answer = signed_in(carol).post("/corrections/export/", {"correction": [correction.pk]})

    assert rows(answer.content)[0]["Is to be"].startswith("'")


def test_an_account_number_leaves_only_with_a_manager(
    carol: User, manager: User, helder_water: Organization
) -> None:
    account = account_of(helder_water)
    page = signed_in(carol).get("/corrections/").content.decode()
    refused = signed_in(carol).post("/corrections/export/", {"correction": [account.pk]})

    assert "•••• 4300" in page
    assert IBAN not in page
    assert refused.status_code == 302
    account.refresh_from_db()
    assert account.state == "open"

    answer = signed_in(manager).post("/corrections/export/", {"correction": [account.pk]})
    assert rows(answer.content)[0]["Is to be"].replace(" ", "") == IBAN


def test_what_the_charity_has_worked_off_is_marked(carol: User, correction: Correction) -> None:
    answer = signed_in(carol).post(
        "/corrections/processed/", {"correction": [correction.pk, "x", "99999999"]}, follow=True
    )

    assert "1 correction marked as processed." in answer.content.decode()
    correction.refresh_from_db()
    assert correction.state == "processed"
    assert correction.processed_at is not None
