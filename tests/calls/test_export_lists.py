"""What stands in each list that can be exported, counted by hand; and of whom it tells nothing."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from pytest_django import Settings

from accounts.models import User
from calls.models import Attempt, Call, Callback, Export
from pledges.models import AlphacommLink, Correction, Organization, Person
from tests.calls.written import ask, download, in_csv, in_xlsx, wake_worker, written
from tests.factories import (
    AlphacommLinkFactory,
    AttemptFactory,
    CallbackFactory,
    CallFactory,
    CompletionFactory,
    CorrectionFactory,
    EndingFactory,
    PayLinkFactory,
    PersonFactory,
    TextMessageFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

IBAN = "NL91ABNA0417164300"
# Half past nine in the morning in Amsterdam, in winter.
AT = datetime(2026, 11, 2, 8, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Any) -> None:
    settings.EXPORTS_DIR = tmp_path / "exports"


@pytest.fixture
def fenna(helder_water: Organization) -> Person:
    made: Person = PersonFactory(
        initials="F.",
        last_name_prefix="van der",
        last_name="Berg",
        iban=IBAN,
        owning_organization=helder_water,
    )
    return made


@pytest.fixture
def call_to(fenna: Person, belcentrum: Organization) -> Callable[..., Call]:
    def make(**columns: Any) -> Call:
        asked = {"requested_at": AT, "person": fenna, "calling_organization": belcentrum}
        made: Call = CallFactory(**asked | columns)
        return made

    return make


@pytest.fixture
def theirs(dierenhulp: Organization, overkant: Organization) -> Call:
    """A call of another organisation, with all that can be exported of it."""
    person = PersonFactory(owning_organization=dierenhulp)
    call: Call = CallFactory(person=person, calling_organization=overkant)
    AttemptFactory(call=call)
    CallbackFactory(call=call)
    AlphacommLinkFactory(pay_link=PayLinkFactory(person=person))
    CorrectionFactory(person=person)
    return call


def test_a_call_is_told_with_what_became_of_it_here_or_there(
    carol: User, alice: User, call_to: Callable[..., Call], theirs: Call
) -> None:
    ours = call_to(attempts_count=2, tried_at=AT, pledge=None)
    CompletionFactory(
        call=ours, user=alice, completed_at=AT, result_code="dropped", retention_rating=3,
        notes="=wil niet meer",
    )  # fmt: skip
    elsewhere = call_to(
        requested_at=AT.replace(hour=9), status="completed", completed_at=AT,
        result_code="confirmed", result_rating=9, result_notes="prima",
    )  # fmt: skip
    stopped = call_to(requested_at=AT.replace(hour=10))
    EndingFactory(call=stopped, user=carol, at=AT)
    still_open = call_to(requested_at=AT.replace(hour=11))
    call_to(requested_at=AT.replace(hour=12), gone_at=AT)

    rows = written(carol)

    assert [row["Call's uuid"] for row in rows] == [
        str(one.pk) for one in (ours, elsewhere, stopped, still_open)
    ]
    assert rows[0] == {
        "Requested at": "2026-11-02 09:30:00",
        "Status": "completed",
        "Ended at": "2026-11-02 09:30:00",
        "Result": "dropped",
        "Retention rating": "3",
        "By": "Alice",
        "Notes": "'=wil niet meer",
        "Attempts": "2",
        "Last tried at": "2026-11-02 09:30:00",
        "Calling organisation": ours.calling_organization.name,  # type: ignore[union-attr]
        "Charity": "Stichting Helder Water",
        "Type": "verification",
        "Donor": "F. van der Berg",
        "Donor's uuid": str(ours.person_id),
        "Call's uuid": str(ours.pk),
        "Pledge's uuid": "",
    }
    told = ("Status", "Result", "Retention rating", "By", "Notes", "Ended at")
    assert [tuple(row[name] for name in told) for row in rows[1:]] == [
        ("completed", "confirmed", "9", "", "prima", "2026-11-02 09:30:00"),
        ("cancelled", "", "", "Carol", "", "2026-11-02 09:30:00"),
        ("requested", "", "", "", "", ""),
    ]


def test_what_was_undone_or_refused_is_no_result(carol: User, call_to: Callable[..., Call]) -> None:
    CompletionFactory(call=call_to(), ended_badly_at=AT)

    [row] = written(carol)

    assert (row["Status"], row["Result"]) == ("requested", "")


def test_attempts_by_when_they_were_dialled(
    carol: User, bob: User, call_to: Callable[..., Call], theirs: Call
) -> None:
    call = call_to()
    AttemptFactory(
        call=call, user=bob, at=AT, answered_at=AT.replace(second=9), outcome="reached",
        outcome_at=AT.replace(minute=35),
    )  # fmt: skip
    AttemptFactory(
        call=call, user=bob, at=AT.replace(hour=9), outcome=Attempt.Outcome.OPEN, outcome_at=None
    )

    first, second = written(carol, what="attempts")

    assert first == {
        "Dialled at": "2026-11-02 09:30:00",
        "Answered at": "2026-11-02 09:30:09",
        "Ended at": "2026-11-02 09:35:00",
        "Outcome": "reached",
        "Agent": "Bob",
        "Charity": "Stichting Helder Water",
        "Type": "verification",
        "Donor": "F. van der Berg",
        "Donor's uuid": str(call.person_id),
        "Call's uuid": str(call.pk),
    }
    assert (second["Outcome"], second["Ended at"]) == ("being dialled", "")


def test_callbacks_whatever_became_of_them(
    carol: User, bob: User, call_to: Callable[..., Call], theirs: Call
) -> None:
    call = call_to()
    CallbackFactory(
        call=call, user=bob, due_at=AT, made_at=AT, ended_at=AT, whose="mine",
        state=Callback.State.DONE, handed_by=carol, note="na zessen",
    )  # fmt: skip
    CallbackFactory(call=call, user=bob, due_at=AT.replace(hour=9))

    first, second = written(carol, what="callbacks")

    named = ("Due at", "State", "Of the team", "Agreed by", "Handed over by", "Note", "Donor")
    assert [first[name] for name in named] == [
        "2026-11-02 09:30:00", "done", "no", "Bob", "Carol", "na zessen", "F. van der Berg",
    ]  # fmt: skip
    assert [second[name] for name in ("State", "Of the team", "Ended at")] == ["open", "yes", ""]


def test_paylinks_with_what_was_asked_and_what_came_in(
    carol: User, alice: User, fenna: Person, theirs: Call
) -> None:
    paid = PayLinkFactory(person=fenna, user=alice, at=AT, amount=Decimal("12.50"))
    AlphacommLinkFactory(
        pay_link=paid, status=AlphacommLink.Status.PAID, amount_paid=1250,
        visited_at=AT.replace(minute=40), paid_at=AT.replace(minute=45),
    )  # fmt: skip
    PayLinkFactory(
        person=fenna, user=alice, at=AT.replace(hour=9), amount=Decimal(5), delivery=None,
        message=TextMessageFactory(person=fenna),
    )  # fmt: skip

    first, second = written(carol, what="pay_links")

    named = ("Made at", "Made by", "Amount", "How", "Opened at", "Paid at", "Paid")
    assert [first[name] for name in named] == [
        "2026-11-02 09:30:00", "Alice", "12,50", "shown or copied", "2026-11-02 09:40:00",
        "2026-11-02 09:45:00", "12,50",
    ]  # fmt: skip
    assert first["Where it stands"] == "paid"
    assert [second[name] for name in named[2:]] == ["5,00", "in a message", "", "", ""]


def test_amounts_and_moments_are_numbers_and_moments_in_a_sheet(
    carol: User, alice: User, fenna: Person
) -> None:
    PayLinkFactory(person=fenna, user=alice, at=AT, amount=Decimal("12.50"))
    ask(carol, what="pay_links", kind="xlsx")
    wake_worker()

    head, row = in_xlsx(download(carol))

    told = dict(zip(head, row, strict=True))
    assert (told["Made at"], told["Amount"]) == (datetime(2026, 11, 2, 9, 30), 12.5)


# ── Corrections, and account numbers ──────────────────────────────────────────────────────────────


@pytest.fixture
def account(fenna: Person, alice: User) -> Correction:
    made: Correction = CorrectionFactory(
        person=fenna, user=alice, at=AT, item="account", was={"iban": ""}, now={"iban": IBAN}
    )
    return made


def test_corrections_in_every_state_and_none_is_marked(
    carol: User, fenna: Person, alice: User, theirs: Call
) -> None:
    CorrectionFactory(person=fenna, user=alice, at=AT)
    CorrectionFactory(
        person=fenna, user=alice, at=AT.replace(hour=9), state="exported", exported_at=AT
    )

    first, second = written(carol, what="corrections")

    named = ("Charity", "Donor", "Detail", "Was", "Is to be", "Said at", "Agent", "State")
    assert [first[name] for name in named] == [
        "Stichting Helder Water", "F. van der Berg", "e-mail", "oud@example.org",
        "nieuw@example.org", "2026-11-02 09:30:00", "Alice", "open",
    ]  # fmt: skip
    assert [second[name] for name in ("State", "Exported at")] == [
        "exported",
        "2026-11-02 09:30:00",
    ]
    assert Correction.objects.open().filter(person=fenna).count() == 1


def test_an_account_number_is_only_in_a_managers_file(
    carol: User, account: Correction, helder_water: Organization
) -> None:
    [row] = written(carol, what="corrections")
    assert row["Is to be"] == "•••• 4300"

    mo = UserFactory(role=User.Role.MANAGER, organizations=[helder_water])
    [row] = written(mo, what="corrections")
    assert row["Is to be"].replace(" ", "") == IBAN


@pytest.mark.parametrize("what", Export.What.values)
def test_no_other_list_has_an_account_number_of_anybody(
    carol: User, alice: User, call_to: Callable[..., Call], fenna: Person, what: str
) -> None:
    call = call_to()
    AttemptFactory(call=call)
    CallbackFactory(call=call)
    PayLinkFactory(person=fenna, user=alice)
    CorrectionFactory(person=fenna)
    ask(carol, what=what)
    wake_worker()

    contents = b"".join(download(carol).streaming_content).decode()

    assert "van der Berg" in contents
    assert IBAN not in contents.replace(" ", "")


# ── What narrows them ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("what", Export.What.values)
def test_of_another_organisation_there_is_nothing(carol: User, theirs: Call, what: str) -> None:
    assert written(carol, what=what) == []


def test_days_are_dutch_and_both_included(carol: User, call_to: Callable[..., Call]) -> None:
    # The first minute of 1 July and the last of 2 July in Amsterdam, and a minute beyond each.
    inside = [
        datetime(2026, 6, 30, 22, 0, tzinfo=UTC),
        datetime(2026, 7, 2, 21, 59, tzinfo=UTC),
    ]
    for at in (datetime(2026, 6, 30, 21, 59, tzinfo=UTC), *inside,
               datetime(2026, 7, 2, 22, 0, tzinfo=UTC)):  # fmt: skip
        call_to(requested_at=at)

    rows = written(carol, since="01-07-2026", until="02-07-2026")

    assert [row["Requested at"] for row in rows] == ["2026-07-01 00:00:00", "2026-07-02 23:59:00"]
    export = Export.objects.get()
    assert (export.since, export.until) == (date(2026, 7, 1), date(2026, 7, 2))


def test_one_organisation_of_several(
    carol: User, call_to: Callable[..., Call], helder_water: Organization, dierenhulp: Organization
) -> None:
    dierenhulp.members.add(carol)
    call_to()
    call_to(person=PersonFactory(owning_organization=dierenhulp))

    [row] = written(carol, organization=str(dierenhulp.pk))

    assert row["Charity"] == dierenhulp.name
    assert len(written(carol)) == 2


def test_a_file_is_in_the_language_of_who_asked(carol: User, call_to: Callable[..., Call]) -> None:
    call_to()
    carol.language = "nl"
    carol.save()
    ask(carol)
    wake_worker()

    [row] = in_csv(download(carol))

    assert row["Aangevraagd op"] == "2026-11-02 09:30:00"
