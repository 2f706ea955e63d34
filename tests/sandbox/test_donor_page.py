"""A person plays the donor in plain HTTP: looks at a link, pays it, signs, picks up the phone."""

import re
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest
import requests

from .alphacomm import add_rows, link, new_link, new_mandate, pass_a_window
from .conftest import Api

POLICY = (
    "default-src 'none'; style-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)


def events(api: Api) -> list[tuple[str, Any]]:
    found = api.read("/__sandbox/webhooks")["events"]
    return [(one["body"]["event"], one["body"]["data"]) for one in found]


def press(api: Api, path: str, do: str, **fields: str) -> requests.Response:
    return api.post(path, data={"do": do, **fields})


def pay_path(id_: str) -> str:
    return f"/__sandbox/pay/{id_}"


def test_a_short_address_leads_to_the_link_and_that_is_a_visit(api: Api) -> None:
    id_ = new_link(api)
    short = api.read(f"/__sandbox/paylinks/{id_}")["shortUrl"]
    answer = api.get(short.removeprefix(api.base_url))
    assert answer.url == f"{api.base_url}{pay_path(id_)}"
    assert "154,97" in answer.text
    assert events(api) == [("PayLinkVisited", [])]
    assert api.read(f"/__sandbox/paylinks/{id_}")["visitedOn"]
    assert link(api, id_)["status"] == "ready"


def test_a_second_look_is_told_of_only_if_a_switch_says_so(api: Api) -> None:
    id_ = new_link(api)
    for _ in range(2):
        api.get(pay_path(id_))
    assert len(events(api)) == 1
    api.order("switches", {"visits_told": "every", "empty_data": "object"})
    api.get(pay_path(id_))
    assert events(api)[1:] == [("PayLinkVisited", {})]


@pytest.mark.parametrize(
    ("presses", "status", "cents"),
    [
        ([("start", "")], "started", 0),
        ([("start", ""), ("pay", "")], "paid", 15497),
        ([("pay", "")], "paid", 15497),
        ([("pay_part", "54,97")], "partially_paid", 5497),
        ([("pay_part", "100"), ("pay", "")], "paid", 15497),
        ([("pay_part", "100.00"), ("pay_part", "54,97")], "paid", 15497),
        ([("start", ""), ("cancel", "")], "cancelled", 0),
        ([("fail", "")], "failed", 0),
        ([("start", ""), ("fail", ""), ("start", ""), ("pay", "")], "paid", 15497),
    ],
)
def test_a_donor_pays_or_does_not(
    api: Api, presses: list[tuple[str, str]], status: str, cents: int
) -> None:
    id_ = new_link(api)
    for do, amount in presses:
        answer = press(api, pay_path(id_), do, amount=amount)
        assert answer.status_code == 200
        # Led back to the page: loading it again pays nothing.
        assert (answer.history[0].status_code, answer.request.method) == (303, "GET")
    found = link(api, id_)
    assert (found["status"], found["amountPaid"]) == (status, cents)
    told = [data["transaction-amount"] for event, data in events(api) if event == "PayLinkPaid"]
    assert sum(told) == cents
    assert [one["operation"] for one in api.effects()] == ["create-pay-link"]


def test_a_payment_of_a_part_may_go_untold(api: Api) -> None:
    api.order("switches", {"partial_payment_told": False})
    id_ = new_link(api)
    press(api, pay_path(id_), "pay_part", amount="10")
    assert events(api) == []
    assert link(api, id_)["status"] == "partially_paid"


@pytest.mark.parametrize("amount", ["", "0", "200", "veel", "-5", "1,5"])
def test_an_amount_that_cannot_be_paid_is_told(api: Api, amount: str) -> None:
    id_ = new_link(api)
    answer = press(api, pay_path(id_), "pay_part", amount=amount)
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text
    assert link(api, id_)["status"] == "ready"


def test_paid_is_final(api: Api) -> None:
    id_ = new_link(api)
    press(api, pay_path(id_), "pay")
    page = api.get(pay_path(id_)).text
    assert "<button" not in page
    assert press(api, pay_path(id_), "cancel").status_code == 400
    assert api.post(f"/__sandbox/paylinks/{id_}", json={"status": "failed"}).status_code == 400
    assert link(api, id_)["status"] == "paid"


def test_a_link_that_has_expired_cannot_be_paid(api: Api) -> None:
    id_ = new_link(api, visibleUntil="2026-11-22T11:30:00+00:00")
    api.order("clock", {"advance": 1800})
    assert "verlopen" in api.get(pay_path(id_)).text
    assert press(api, pay_path(id_), "pay").status_code == 400
    assert link(api, id_)["status"] == "ready"


@pytest.mark.parametrize(
    ("presses", "status"),
    [(["sign"], "success"), (["sign_first"], "pending"), (["sign_first", "sign"], "success")],
)
def test_a_donor_signs_once_or_twice(api: Api, presses: list[str], status: str) -> None:
    id_ = new_mandate(api)
    mandate = api.read(f"/__sandbox/mandates/{id_}")
    assert "AC-HUUR" in api.get(mandate["shortUrl"].removeprefix(api.base_url)).text
    for do in presses:
        assert press(api, f"/__sandbox/sign/{id_}", do).status_code == 200
    assert api.read(f"/__sandbox/mandates/{id_}")["status"] == status
    assert events(api) == [], "no webhook tells of a mandate"


def test_a_mandate_goes_forward_alone(api: Api) -> None:
    id_ = new_mandate(api)
    api.order(f"mandates/{id_}", {"status": "success"})
    for status in ("success", "pending", "new", "torn"):
        answer = api.post(f"/__sandbox/mandates/{id_}", json={"status": status})
        assert answer.status_code == 400
    assert press(api, f"/__sandbox/sign/{id_}", "sign").status_code == 400


def test_the_phone_shows_what_came_and_what_is_still_to_come(api: Api) -> None:
    add_rows(api, {"reference": "eerste"}, {"reference": "gesproken", "script": "18301"})
    page = api.get("/__sandbox/phone").text
    assert "Nog te versturen" in page
    pass_a_window(api)
    page = api.get("/__sandbox/phone").text
    (address,) = re.findall(rf'href="{re.escape(api.base_url)}(/p/[^"]+)"', page)
    assert "564,45" in api.get(address).text
    press(api, "/__sandbox/phone", "miss", reference="gesproken", script="18301")
    press(api, "/__sandbox/phone", "answer", reference="gesproken", script="18301")
    (call,) = api.read("/__sandbox/voice")["voice"]
    assert [one["status"] for one in call["calls"]] == ["no answer", "finished"]
    assert call["scheduled"] == []
    assert [event for event, _ in events(api)] == ["PayLinkVisited", *["VoiceCallCompleted"] * 2]


def test_a_mandate_that_no_message_carries_is_found_on_the_phone_and_signed(api: Api) -> None:
    id_ = new_mandate(api)
    page = api.get("/__sandbox/phone").text
    assert "nog te tekenen" in page
    (address,) = re.findall(rf'href="{re.escape(api.base_url)}(/m/[^"]+)"', page)
    assert api.get(address).url == f"{api.base_url}/__sandbox/sign/{id_}"
    press(api, f"/__sandbox/sign/{id_}", "sign")
    page = api.get("/__sandbox/phone").text
    assert "getekend" in page
    assert "nog te tekenen" not in page


@pytest.mark.parametrize("path", ["/p/nergens", "/m/nergens", pay_path("x"), "/__sandbox/sign/x"])
def test_an_address_that_leads_nowhere_says_so(api: Api, path: str) -> None:
    answer = api.get(path)
    assert answer.status_code == 404
    assert "bestaat niet" in answer.text


def test_a_button_that_is_not_there_does_nothing(api: Api) -> None:
    id_, mandate = new_link(api), new_mandate(api)
    for path in (pay_path(id_), f"/__sandbox/sign/{mandate}", "/__sandbox/phone"):
        assert press(api, path, "rob").status_code == 400
    assert link(api, id_)["status"] == "ready"


class Tags(HTMLParser):
    """Notes every tag, with its attributes, and that each is closed."""

    VOID = ("meta", "link", "input", "br")

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_pages_are_dutch_plain_and_strict(api: Api) -> None:
    evil = "<script>alert(1)</script>"
    id_ = new_link(api, personName=evil, invoiceDescription=evil)
    mandate = new_mandate(api, personName=evil, reason=evil)
    add_rows(api, {"reference": evil}, {"reference": evil, "script": "18301"})
    pass_a_window(api)
    for path in (pay_path(id_), f"/__sandbox/sign/{mandate}", "/__sandbox/phone", "/p/x"):
        answer = api.get(path)
        assert answer.headers["Content-Security-Policy"] == POLICY
        tags = Tags(answer.text)
        names = [tag for tag, _ in tags.seen]
        assert "script" not in names
        assert "style" not in names
        assert not [one for _, attrs in tags.seen for one in attrs if one.startswith("on")]
        assert dict(tags.seen)["html"] == {"lang": "nl"}
        if path != "/p/x":
            assert evil in unescape(answer.text)
    assert api.get("/__sandbox/donor.css").headers["Content-Type"].startswith("text/css")


def test_the_overview_leads_to_the_donors_pages(api: Api) -> None:
    id_, mandate = new_link(api), new_mandate(api)
    api.order(f"paylinks/{id_}", {"visited": True, "status": "paid", "amount": 15497})
    page = api.get("/__sandbox/").text
    for path in (pay_path(id_), f"/__sandbox/sign/{mandate}", "/__sandbox/phone"):
        assert f'href="{path}"' in page
    assert "PayLinkPaid" in page


def test_orders_for_a_donor_that_make_no_sense_are_refused(api: Api) -> None:
    id_ = new_link(api)
    for wrong in (
        {"status": "opened"},
        {"status": "ready"},
        {"status": "partially_paid"},
        {"status": "paid", "amount": "10"},
        {"status": "paid", "amount": -1},
        {"status": "failed", "amount": 1},
        {"colour": "red"},
    ):
        assert api.post(f"/__sandbox/paylinks/{id_}", json=wrong).status_code == 400, wrong
    assert api.post("/__sandbox/paylinks/none", json={"visited": True}).status_code == 400
    assert link(api, id_)["status"] == "ready"
