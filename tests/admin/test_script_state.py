"""Whether agents read a version of a script, told in the list and on its page, and why not."""

from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from calls.models import Call, Script
from pledges.models import Organization
from tests.admin.rows import add_page_of, confirm, list_of, page_of
from tests.factories import PersonFactory, ScriptFactory, now
from tests.pledges.browsing import words_of

pytestmark = pytest.mark.django_db

TEXT = "# Begroeting\nGoedendag, u spreekt met {agent}."


@pytest.fixture(autouse=True)
def _donor(helder_water: Organization) -> None:
    PersonFactory(owning_organization=helder_water)


def script(organization: Organization, version: int, **columns: Any) -> Script:
    values = {"call_type": Call.Type.VERIFICATION, "in_force_at": now(), **columns}
    made: Script = ScriptFactory(organization=organization, version=version, text=TEXT, **values)
    return made


def test_what_is_written_is_not_read_until_it_is_put_in_force(
    supervisor: Client, helder_water: Organization
) -> None:
    form = {"organization": str(helder_water.pk), "call_type": "verification", "text": TEXT}
    answer = supervisor.post(add_page_of(Script), form, follow=True)
    made = Script.objects.get()
    assert answer.redirect_chain[-1][0] == page_of(made)
    assert "Agents read it once you put it in force." in words_of(answer)
    assert "Agents do not read this version." in words_of(answer)
    assert "not in force: agents do not read it" in words_of(supervisor.get(list_of(Script)))
    # The button on its page.
    chosen = {"action": "put_in_force", "_selected_action": [made.pk]}
    confirm(supervisor, Script, supervisor.post(list_of(Script), chosen))
    assert "Agents read this version." in words_of(supervisor.get(page_of(made)))
    assert "in force since" in words_of(supervisor.get(list_of(Script)))


def test_an_older_version_says_which_one_took_over(
    supervisor: Client, helder_water: Organization
) -> None:
    older = script(helder_water, 3, in_force_at=now() - timedelta(days=2))
    script(helder_water, 4)
    assert "replaced by version 4" in words_of(supervisor.get(page_of(older)))
    listed = words_of(supervisor.get(list_of(Script)))
    assert listed.count("replaced by version 4") == 1


def test_one_for_every_type_says_where_another_goes_before_it(
    supervisor: Client, helder_water: Organization
) -> None:
    whole = script(helder_water, 1, call_type="")
    assert "but for" not in words_of(supervisor.get(page_of(whole)))
    script(helder_water, 1)
    shown = words_of(supervisor.get(page_of(whole)))
    assert "but for verification, which has its own" in shown
    assert "Agents read this version." in shown
    for kind in ("happy_call", "winback"):
        script(helder_water, 1, call_type=kind)
    shown = words_of(supervisor.get(page_of(whole)))
    assert "not read: every type of call has a script of its own" in shown


def test_one_of_an_organisation_without_donors_is_never_read(
    supervisor: Client, belcentrum: Organization
) -> None:
    made = script(belcentrum, 1)
    shown = words_of(supervisor.get(page_of(made)))
    assert "never read: this organisation has no donors" in shown
    assert "Agents do not read this version." in shown


def test_a_new_version_begins_with_the_one_before(
    supervisor: Client, helder_water: Organization
) -> None:
    before = script(helder_water, 3)
    page = supervisor.get(page_of(before)).content.decode()
    address = f"{add_page_of(Script)}?from={before.pk}"
    assert f'href="{address}"' in page

    form = supervisor.get(address).content.decode()
    assert TEXT in unescape(form)
    assert f'<option value="{helder_water.pk}" selected>' in form
    assert f'<option value="{before.call_type}" selected>' in form


@pytest.mark.parametrize("named", ["0", "not-a-number", ""])
def test_a_version_that_is_not_there_is_an_empty_form(supervisor: Client, named: str) -> None:
    assert TEXT not in unescape(
        supervisor.get(f"{add_page_of(Script)}?from={named}").content.decode()
    )


def test_a_version_of_others_is_not_read_into_a_form(
    supervisor: Client, dierenhulp: Organization
) -> None:
    theirs = script(dierenhulp, 1)
    form = supervisor.get(f"{add_page_of(Script)}?from={theirs.pk}").content.decode()
    assert TEXT not in unescape(form)


def test_the_preview_says_the_name_that_the_desk_says(
    supervisor: Client, helder_water: Organization, carol: User
) -> None:
    User.objects.filter(pk=carol.pk).update(first_name="Carolien")
    made = ScriptFactory(organization=helder_water, user=carol, text="# Hallo\nU spreekt {agent}.")
    shown = supervisor.get(page_of(made)).content.decode()
    assert "U spreekt <b>Carolien</b>." in shown
