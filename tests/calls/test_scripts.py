"""What agents say: written in versions by supervisors, read at the desk with the donor in it."""

from collections.abc import Callable

import pytest
from django.core.exceptions import ValidationError

from accounts.models import AuditEntry, User
from calls.management.demo_scripts import script_of
from calls.models import Call, Script
from calls.script import FIELDS, filled, invented, parse
from integrations.sandbox import names
from pledges.models import Organization
from tests.calls.conftest import Desk
from tests.calls.test_desk_page import words
from tests.calls.two_steps import signed_in
from tests.factories import OrganizationFactory, ScriptFactory

pytestmark = pytest.mark.django_db

AtDesk = Callable[[User], Desk]
BRANCHES = """\
# Begroeting
Goedendag {aanhef}.
? Komt het gelegen?
- Ja
- Nee: Terugbellen

# Afspraak
U geeft {amount} {interval}.

# Terugbellen
Wanneer mogen we bellen?
"""


def test_the_desk_fills_in_the_donor(
    alice: User, call: Call, helder_water: Organization, at_desk: AtDesk
) -> None:
    ScriptFactory(organization=helder_water, text=BRANCHES)

    page = at_desk(alice).look(call)

    # Whoever reads the pages in English still speaks with a Dutch donor.
    assert "U geeft € 12,50 per maand ." in words(page)
    assert '<section class="panel script" lang="nl"' in page
    assert "Good day, you are speaking" not in page
    folded = page.partition("<summary>Nee</summary>")[2].partition("</details>")[0]
    assert "Wanneer mogen we bellen?" in folded
    assert page.count("Wanneer mogen we bellen?") == 1


def test_without_a_script_the_greeting_stays(alice: User, call: Call, at_desk: AtDesk) -> None:
    ScriptFactory(organization=OrganizationFactory())

    assert "Good day, you are speaking with" in at_desk(alice).look(call)


def test_the_version_put_in_force_last_counts_and_that_of_the_type_first(
    alice: User, call: Call, helder_water: Organization, at_desk: AtDesk
) -> None:
    desk = at_desk(alice)

    def says(text: str, call_type: str = "", **more: object) -> None:
        ScriptFactory(
            organization=helder_water, call_type=call_type, text=f"# Titel\n{text}", **more
        )

    says("Oud.")
    says("Nieuw.")
    says("Nog niet.", in_force_at=None)
    assert "Nieuw." in desk.look(call)
    says("Voor verificatie.", "verification")
    says("Voor welkom.", "happy_call")
    says("Nieuwste van alle soorten.")
    assert "Voor verificatie." in desk.look(call)


def test_what_is_filled_in_is_text_and_never_markup(
    alice: User, call: Call, helder_water: Organization, at_desk: AtDesk
) -> None:
    call.person.last_name = "<script>alert(1)</script>"
    call.person.save()
    ScriptFactory(organization=helder_water, text="# Titel\n<i>Hallo</i> {aanhef} {city}")

    page = at_desk(alice).look(call)

    assert "<script>alert" not in page
    assert "&lt;i&gt;Hallo&lt;/i&gt;" in page


def test_what_tapraise_does_not_tell_is_left_open(
    alice: User, call: Call, helder_water: Organization, at_desk: AtDesk
) -> None:
    Call.objects.update(pledge=None)
    ScriptFactory(organization=helder_water, text="# Titel\nU geeft {amount}, sprak ons {place}.")

    page = at_desk(alice).look(call)

    # Seen to be nothing that is read out.
    assert 'U geeft <b data-agreed="amount">[not known]</b>, sprak ons <b>[not known]</b>.' in page


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "Begin with"),
        ("Hallo", "Line 1: a block begins with #"),
        ("#", "Line 1: a block needs a title"),
        ("# A\nHallo {iban}.", "Line 2: there is no field {iban}."),
        ("# A\nHallo {agent.", "Line 2: a field is written as"),
        ("# A\nHallo {}.", "Line 2: there is no field {}."),
        ("# A\n- Ja", "Line 2: an answer stands below a question"),
        ("# A\n? Ja?\n- Ja: B", "Line 3: there is no block 'B' further down."),
        ("# A\n? Ja?\n- Ja: A", "Line 3: there is no block 'A' further down."),
        ("# A\n# B\n? Ja?\n- Ja: A", "Line 4: there is no block 'A' further down."),
        ("# A\n# a", "Line 2: a block of this title stands above."),
        ("# A\n? Ja?\n? Nee?", "Line 3: a block asks one question."),
        ("# A\n? Ja?\nEn verder", "Line 3: text stands before the question"),
    ],
)
def test_what_is_no_script_is_refused_with_its_line(text: str, why: str) -> None:
    with pytest.raises(ValidationError) as refused:
        parse(text)

    assert why in refused.value.messages[0]


@pytest.mark.parametrize("charity", names.CHARITIES)
def test_the_demo_has_a_script_for_each_charity(charity: names.Organization) -> None:
    blocks = filled(script_of(charity.name), invented(agent="Alice", charity=charity.name))

    assert [block.title for block in blocks] == ["Begroeting", "Afspraak", "Afsluiting"]
    assert "not known" not in str(blocks)
    assert set(invented(agent="", charity="")) == set(FIELDS)


# ── Written by supervisors ────────────────────────────────────────────────────────────────────────


@pytest.fixture
def carol(carol: User) -> User:
    """As a manager made her: she may go to the admin."""
    carol.is_staff = True
    carol.save()
    return carol


def write(user: User, organization: Organization, text: str) -> str:
    answer = signed_in(user).post(
        "/admin/calls/script/add/",
        {"organization": organization.pk, "call_type": "", "text": text},
        follow=True,
    )
    return answer.content.decode()


def test_a_supervisor_writes_looks_and_puts_in_force(
    alice: User, carol: User, call: Call, helder_water: Organization, at_desk: AtDesk
) -> None:
    write(carol, helder_water, BRANCHES)
    script = Script.objects.get()
    assert (script.version, script.user, script.in_force_at) == (1, carol, None)
    client = signed_in(carol)

    page = client.get(f"/admin/calls/script/{script.pk}/change/").content.decode()
    assert "<b>mevrouw Van der Verzonnen</b>" in page
    assert 'name="text"' not in page
    assert "Afspraak" not in at_desk(alice).look(call)

    action = {"action": "put_in_force", "_selected_action": [script.pk]}
    shown = client.post("/admin/calls/script/", action).content.decode()
    assert "From now on this is what agents read" in shown
    token = shown.partition('name="token" value="')[2][:36]
    client.post("/admin/calls/script/", {**action, "confirmed": "yes", "token": token})

    assert "Afspraak" in at_desk(alice).look(call)
    assert AuditEntry.objects.filter(action="script.in_force", user=carol).count() == 1


def test_a_script_with_an_unknown_field_is_refused_with_what_was_written(
    carol: User, helder_water: Organization
) -> None:
    page = write(carol, helder_water, "# A\nUw rekening is {iban}.")

    assert "Line 2: there is no field {iban}." in page
    assert "Uw rekening is {iban}." in page
    assert not Script.objects.exists()


def test_each_text_is_a_version_of_its_own(carol: User, helder_water: Organization) -> None:
    write(carol, helder_water, "# A\nEen.")
    write(carol, helder_water, "# A\nTwee.")

    assert list(Script.objects.order_by("version").values_list("version", "text")) == [
        (1, "# A\nEen."),
        (2, "# A\nTwee."),
    ]


def test_nobody_writes_for_an_organisation_of_others(
    alice: User, carol: User, dierenhulp: Organization
) -> None:
    assert "Select a valid choice" in write(carol, dierenhulp, "# A\nHallo.")
    write(alice, dierenhulp, "# A\nHallo.")

    assert not Script.objects.exists()
