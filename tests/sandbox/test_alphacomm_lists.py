"""How lists of Alphacomm are filtered, ordered and paged, and what its document leaves open."""

from datetime import timedelta
from typing import Any

import pytest

from .alphacomm import FIND_LINKS, FIND_MANDATES, PAY_LINK, link, links, new_link, new_mandate
from .conftest import NOON, Api


def made_each_minute(api: Api, count: int) -> list[str]:
    ids = []
    for number in range(count):
        ids.append(new_link(api, personName=f"Donateur {number}"))
        api.order("clock", {"advance": 60})
    return ids


def at(minutes: float) -> str:
    return (NOON + timedelta(minutes=minutes)).isoformat()


def page(api: Api, **asked: Any) -> tuple[list[str], dict[str, int]]:
    found = api.asked(FIND_LINKS, **asked)["payLink"]["payLinks"]
    return [one["id"] for one in found["items"]], found["pagination"]


def test_a_list_is_paged_by_offset_and_limit_up_to_its_total(api: Api) -> None:
    ids = made_each_minute(api, 25)
    oldest_first = {"createdOn": "ASCENDING"}
    assert page(api, order=oldest_first) == (ids[:20], {"offset": 0, "limit": 20, "total": 25})
    shown, pagination = page(api, order=oldest_first, offset=20, limit=10)
    assert (shown, pagination) == (ids[20:], {"offset": 20, "limit": 10, "total": 25})
    assert page(api, offset=30)[0] == []
    assert page(api, limit=0) == ([], {"offset": 0, "limit": 0, "total": 25})


def test_the_limit_may_come_back_as_nought(api: Api) -> None:
    made_each_minute(api, 2)
    api.order("switches", {"pagination_limit": "zero"})
    shown, pagination = page(api, limit=1)
    assert (len(shown), pagination) == (1, {"offset": 0, "limit": 0, "total": 2})


def test_limits_without_a_word_and_too_large_ones_are_switches(api: Api) -> None:
    made_each_minute(api, 4)
    api.order("switches", {"default_limit": 3, "limit_ceiling": 2})
    assert len(page(api)[0]) == 3
    assert len(page(api, limit=4)[0]) == 2


def test_the_order_is_newest_first_unless_asked_or_switched(api: Api) -> None:
    ids = made_each_minute(api, 3)
    assert page(api)[0] == ids[::-1]
    assert page(api, order={"createdOn": "DESCENDING"})[0] == ids[::-1]
    assert page(api, order={"createdOn": "ASCENDING"})[0] == ids
    api.order("switches", {"list_order": "ASCENDING"})
    assert page(api)[0] == ids


def test_those_of_one_second_stay_in_the_order_in_which_they_were_made(api: Api) -> None:
    ids = [new_link(api) for _ in range(5)]
    assert page(api, order={"createdOn": "ASCENDING"})[0] == ids
    assert page(api)[0] == ids[::-1]


def test_a_window_of_time_leaves_out_its_edges(api: Api) -> None:
    ids = made_each_minute(api, 4)
    window = {"createdOn": {"greaterThan": at(0), "lesserThan": at(3)}}
    oldest_first = {"createdOn": "ASCENDING"}
    assert page(api, filters=window, order=oldest_first)[0] == ids[1:3]
    api.order("switches", {"created_on_is_strict": False})
    assert page(api, filters=window, order=oldest_first)[0] == ids


def test_a_status_is_searched(api: Api) -> None:
    paid, _ = made_each_minute(api, 2)
    api.order(f"paylinks/{paid}", {"status": "paid"})
    assert page(api, filters={"status": {"equalTo": "paid"}})[0] == [paid]
    assert page(api, filters={"status": {"equalTo": "opened"}})[0] == []


def test_attributes_are_searched_by_the_id_that_they_come_back_under(api: Api) -> None:
    ours = new_link(api, attributes=[{"id": "op", "value": "1"}, {"id": "x", "value": "y"}])
    new_link(api, attributes=[{"id": "op", "value": "2"}])

    def found(*wanted: dict[str, str]) -> list[str]:
        return page(api, filters={"attributes": list(wanted)})[0]

    renamed, given = {"id": "customer_op", "equalTo": "1"}, {"id": "op", "equalTo": "1"}
    assert (found(renamed), found(given)) == ([ours], [])
    assert found(renamed, {"id": "customer_x", "equalTo": "y"}) == [ours]
    assert found(renamed, {"id": "customer_x", "equalTo": "z"}) == []
    api.order("switches", {"attribute_searched_as": "given"})
    assert (found(renamed), found(given)) == ([], [ours])
    api.order("switches", {"attribute_searched_as": "both"})
    assert (found(renamed), found(given)) == ([ours], [ours])


def test_a_paid_link_may_show_no_amount(api: Api) -> None:
    id_ = new_link(api)
    api.order(f"paylinks/{id_}", {"status": "paid"})
    assert (link(api, id_)["status"], link(api, id_)["amountPaid"]) == ("paid", 15497)
    api.order("switches", {"paid_shows_amount": False})
    assert (link(api, id_)["status"], link(api, id_)["amountPaid"]) == ("paid", 0)


def test_mandates_are_listed_alike(api: Api) -> None:
    ids = []
    for number in range(3):
        ids.append(new_mandate(api, debtorReference=str(number)))
        api.order("clock", {"advance": 60})
    api.order(f"mandates/{ids[1]}", {"status": "success"})

    def found(**asked: Any) -> list[str]:
        shown = api.asked(FIND_MANDATES, **asked)["mandate"]["mandates"]["items"]
        return [one["id"] for one in shown]

    assert found(filters={"status": {"equalTo": "success"}}) == [ids[1]]
    assert found(filters={"id": {"equalTo": ids[2]}}) == [ids[2]]
    window = {"createdOn": {"greaterThan": at(-1), "lesserThan": at(1)}}
    assert found(filters=window, order={"createdOn": "ASCENDING"}) == [ids[0]]
    assert found(offset=1, limit=1) == [ids[1]]


@pytest.mark.parametrize(
    ("given", "until"),
    [({}, "2027-02-20T11:00:00.000Z"), ({"visibleUntil": at(5)}, "2026-11-22T11:05:00.000Z")],
)
def test_a_link_is_visible_for_ninety_days_unless_told_otherwise(
    api: Api, given: dict[str, str], until: str
) -> None:
    id_ = new_link(api, **given)
    assert api.read(f"/__sandbox/paylinks/{id_}")["visibleUntil"] == until


def test_how_long_a_link_is_visible_is_a_switch(api: Api) -> None:
    api.order("switches", {"days_visible": 1})
    id_ = new_link(api)
    assert api.read(f"/__sandbox/paylinks/{id_}")["visibleUntil"] == "2026-11-23T11:00:00.000Z"


def test_two_requests_alike_make_two_links(api: Api) -> None:
    ids = {new_link(api) for _ in range(2)}
    assert len(ids) == 2
    assert {one["id"] for one in links(api)} == ids
    assert [one["body"] for one in api.effects()] == [{"payLink": PAY_LINK}] * 2
