"""A list that was paged past its end: its last rows went meanwhile, and it leads back."""

import pytest

from accounts.models import User
from tests.calls.two_steps import signed_in

pytestmark = pytest.mark.django_db

LISTS = [
    "/batches/",
    "/corrections/",
    "/exports/",
    "/floor/callbacks/",
    "/floor/decisions/",
    "/floor/messages/",
    "/floor/recruiters/",
    "/objections/",
    "/paylinks/",
    "/webhooks/",
]


@pytest.mark.parametrize("address", LISTS)
def test_a_page_behind_the_last_one_leads_back_to_the_first(carol: User, address: str) -> None:
    said = signed_in(carol).get(f"{address}?after=2026-11-27T10:00:00Z").content.decode()

    assert "There are no more." in said
    assert 'href="?">To the first' in said or f'href="{address}">To the first' in said


@pytest.mark.parametrize("address", LISTS)
def test_an_empty_list_does_not_speak_of_more(carol: User, address: str) -> None:
    assert "There are no more." not in signed_in(carol).get(address).content.decode()
