"""What is read out to the donor is what was just agreed, without loading the page again."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import User
from calls.models import Call
from pledges.models import Organization, PledgeChange
from tests.calls.conftest import Desk
from tests.calls.test_complete_with_change import LESS, call, desk, fields, save
from tests.calls.test_desk_page import words
from tests.factories import ScriptFactory

__all__ = ["call", "desk"]  # fixtures

pytestmark = pytest.mark.django_db

AtDesk = Callable[[User], Desk]


@pytest.fixture(autouse=True)
def script(helder_water: Organization) -> None:
    text = "# Afspraak\nU geeft {amount} {interval}, vanaf {start}. Bent u {aanhef}?"
    ScriptFactory(organization=helder_water, text=text)


def told(answer: Any) -> dict[str, str]:
    """What an answer puts in the place of the words of the script, by field."""
    found = re.findall(
        r"hx-swap-oob=\"innerHTML:\[data-agreed='(\w+)'\]\">([^<]*)<", answer.content.decode()
    )
    return dict(found)


def type_in(desk: Desk, call: Call, **typed: str) -> Any:
    """What the page sends while the fields of the pledge are filled in."""
    shown = fields(desk.look(call))
    headers = {"HX-Request": "true", "HX-Target": "agreed"}
    return desk.client.post(f"/calls/{call.pk}/preview/", {**shown, **typed}, headers=headers)


def test_what_is_typed_is_read_out_at_once(at_desk: AtDesk, alice: User, call: Call) -> None:
    desk = at_desk(alice)
    desk.dial(call)
    desk.press(call, "answer")
    page = desk.look(call)
    assert 'U geeft <b data-agreed="amount">€ 10,00</b>' in page
    # The page asks while somebody types, also before a result is asked for.
    assert 'id="agreed"' in page
    assert 'id="goes"' not in page

    answer = type_in(
        desk, call, donation_amount="7,50", donation_interval="quarterly", starts_at="15-01-2027"
    )

    assert told(answer) == {
        "amount": "€ 7,50",
        # Whoever reads the pages in English still speaks with a Dutch donor.
        "interval": "per kwartaal",
        "start": "15-01-2027",
    }
    # Nothing else comes with it: somebody is typing.
    assert "<input" not in answer.content.decode()
    assert not PledgeChange.objects.exists()


def test_put_back_it_says_again_what_tapraise_says(desk: Desk, call: Call) -> None:
    assert told(type_in(desk, call, donation_amount="7,50"))["amount"] == "€ 7,50"
    assert told(type_in(desk, call, donation_amount="10,00"))["amount"] == "€ 10,00"
    # What is no amount is not read out.
    assert told(type_in(desk, call, donation_amount="zeven"))["amount"] == "€ 10,00"


def test_once_saved_the_page_reads_out_what_was_saved(desk: Desk, call: Call) -> None:
    answer = save(desk, call, **LESS)

    assert answer.status_code == 200
    assert told(answer)["amount"] == "€ 7,50"
    assert "U geeft € 7,50 per maand , vanaf 01-12-2026" in words(desk.look(call))
    # Taken back, it is what it was; what had been typed stands in the field, and is read out.
    undone = desk.press(
        call, "undo", htmx=True, undo=re.findall(r'name="undo" value="([^"]+)"', desk.look(call))[0]
    )
    assert fields(undone.content.decode())["donation_amount"] == "7,50"
    assert told(undone)["amount"] == "€ 7,50"


def test_a_script_without_those_fields_is_left_alone(
    desk: Desk, call: Call, helder_water: Organization
) -> None:
    ScriptFactory(organization=helder_water, text="# Groet\nGoedendag {aanhef}.")

    assert told(type_in(desk, call, donation_amount="7,50")) == {}
