"""What Alphacomm tells by itself: read whole, told apart, and never more than it says."""

import copy
import datetime as dt
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integrations.alphacomm.drift import deviations_of_event
from integrations.alphacomm.events import (
    LONGEST_KEY,
    Event,
    NotAnEvent,
    reached_success,
    read_event,
)
from integrations.records import Deviation

EVENT_ID: Final = "f3e445ce-75ee-4c94-9d6d-370949664fd7"
LINK_ID: Final = "adbc180b-a494-477f-958d-9f0b050a09c3"
CALL_ID: Final = "e7813601-21ae-465c-bd97-96367bebd0ca"

Json = dict[str, Any]


def step(kind: str, data: Any = (), *, type: str = "NodeResult", node: str = "a") -> Json:  # noqa: A002
    told = list(data) if data == () else data
    at = "2022-09-08T14:23:25+00:00"
    return {"nodeId": node, "nodeType": kind, "order": 1, "type": type, "data": told, "time": at}


def paid(**changes: Any) -> Json:
    return {
        "datetime": "2022-11-11T11:11:11.11Z",
        "id": EVENT_ID,
        "reference": "",
        "serviceId": LINK_ID,
        "service": "paylink",
        "event": "PayLinkPaid",
        "data": {"payment-method": "ideal", "transaction-amount": 114},
        **changes,
    }


def completed(**changes: Any) -> Json:
    data = {
        "direction": "outbound",
        "status": "finished",
        "localNumber": "3225882397",
        "remoteNumber": "316123456789",
        "answeredOn": "2022-09-08T14:23:10+00:00",
        "events": [
            step("Sound", type="NodeStart"),
            step("IsRemoteVoiceMail", {"detected": "HUMAN", "outcome": "no"}),
            step("AddResult", {"result": "success-ok"}),
            step("DTMF", {"input": ["3"], "outcome": "tone:3"}),
            step("RemoteHangup", type="RemoteHangup"),
        ],
    }
    return {
        "datetime": "2022-09-08T14:22:52+00:00",
        "id": CALL_ID,
        "serviceId": CALL_ID,
        "service": "voice",
        "reference": "20231208-1547471",
        "event": "VoiceCallCompleted",
        "data": {**data, **changes},
    }


def legacy(**changes: Any) -> Json:
    return {
        "id": CALL_ID,
        "attributes": {"origin": "annabel", "script": "6512", "reference": "m-1"},
        "direction": "outbound",
        "status": "no answer",
        "localNumber": "31513703800",
        "remoteNumber": "31640754459",
        "events": [],
        "createdOn": "2020-05-06T08:42:48+00:00",
        "updatedOn": "2020-05-06T08:44:49+00:00",
        **changes,
    }


def facts(event: Event) -> tuple[Any, ...]:
    return (event.service, event.event, event.id, event.service_id, event.reference, event.status)


class TestPaymentLinks:
    def test_a_link_that_was_paid(self) -> None:
        event = read_event(paid())
        assert facts(event) == ("paylink", "PayLinkPaid", EVENT_ID, LINK_ID, "", "")
        assert event.occurred_at == dt.datetime(2022, 11, 11, 11, 11, 11, 110000, dt.UTC)
        assert (event.paid_amount, event.payment_method) == (114, "ideal")
        assert event.is_known

    @pytest.mark.parametrize("data", [[], {}, None])
    def test_a_link_that_was_opened_says_nothing_more(self, data: Any) -> None:
        event = read_event(paid(event="PayLinkVisited", data=data))
        assert (event.paid_amount, event.payment_method) == (None, None)
        assert event.is_known

    @pytest.mark.parametrize(
        ("amount", "found"),
        [
            (1344, 1344),
            ("1344", 1344),
            (0, 0),
            (13.44, None),
            ("13.44", None),
            ("1344 ", None),
            (True, None),
            (-1, None),
            (10**12, None),
            ("१३", None),
            (None, None),
            ([], None),
        ],
    )
    def test_an_amount_is_whole_cents_or_none(self, amount: Any, found: int | None) -> None:
        assert read_event(paid(data={"transaction-amount": amount})).paid_amount == found

    def test_an_event_is_told_apart_by_its_id_alone(self) -> None:
        first, again = paid(), paid(datetime="2022-11-11T12:00:00Z")
        other = paid(id="another")
        assert read_event(first).key == read_event(again).key == f"paylink:{EVENT_ID}"
        assert read_event(other).key != read_event(first).key

    def test_an_event_without_a_time_is_still_one(self) -> None:
        for told in (None, "", "2022-11-11T11:11:11", "yesterday", 7, "0001-01-01T00:00:00Z"):
            event = read_event(paid(datetime=told))
            assert (event.occurred_at, event.key) == (None, f"paylink:{EVENT_ID}")


class TestCalls:
    def test_a_completed_call(self) -> None:
        event = read_event(completed())
        assert facts(event) == (
            "voice",
            "VoiceCallCompleted",
            CALL_ID,
            CALL_ID,
            "20231208-1547471",
            "finished",
        )
        assert (event.direction, event.script) == ("outbound", None)
        assert (event.local_number, event.remote_number) == ("+3225882397", "+316123456789")
        assert event.answered_on == dt.datetime(2022, 9, 8, 14, 23, 10, tzinfo=dt.UTC)
        assert event.reached_success
        assert event.is_known

    def test_its_legacy_form_is_the_same_event(self) -> None:
        event = read_event(legacy())
        assert facts(event) == ("voice", "VoiceCallCompleted", CALL_ID, "", "m-1", "no answer")
        assert event.occurred_at == dt.datetime(2020, 5, 6, 8, 44, 49, tzinfo=dt.UTC)
        assert (event.script, event.answered_on) == ("6512", None)
        assert event.remote_number == "+31640754459"
        assert not event.reached_success
        assert event.is_known

    def test_somebody_who_calls_and_hides_the_number(self) -> None:
        event = read_event(legacy(direction="inbound", remoteNumber="anonymous", attributes=[]))
        assert (event.reference, event.remote_number, event.is_anonymous) == ("", None, True)

    def test_a_legacy_call_that_was_never_updated(self) -> None:
        body = legacy()
        del body["updatedOn"]
        event = read_event(body)
        assert event.occurred_at == dt.datetime(2020, 5, 6, 8, 42, 48, tzinfo=dt.UTC)

    def test_the_same_call_has_an_event_for_each_status_and_time(self) -> None:
        bodies = [
            completed(),
            completed(status="busy"),
            {**completed(), "datetime": "2022-09-08T14:22:53+00:00"},
            legacy(),
            legacy(status="invalid number"),
        ]
        assert len({read_event(body).key for body in bodies}) == len(bodies)

    def test_the_same_moment_in_another_zone_is_the_same_event(self) -> None:
        body = {**completed(), "datetime": "2022-09-08T16:22:52+02:00"}
        assert read_event(body).key == read_event(completed()).key

    @pytest.mark.parametrize(
        ("number", "found"),
        [
            ("31640754459", "+31640754459"),
            ("+31640754459", "+31640754459"),
            ("0031640754459", "+31640754459"),
            (31640754459, "+31640754459"),
            ("0640754459", None),
            ("anonymous", None),
            ("", None),
            (None, None),
            ("316407544590123456789", None),
            ("३१६४०७५४४५९", None),
            (10**400, None),
        ],
    )
    def test_numbers_come_with_their_plus(self, number: Any, found: str | None) -> None:
        assert read_event(completed(remoteNumber=number)).remote_number == found


class TestSuccess:
    def test_a_result_says_so(self) -> None:
        assert reached_success([step("Sound"), step("AddResult", {"result": "success-ok"})])

    @pytest.mark.parametrize(
        "events",
        [
            [],
            None,
            {},
            "success-ok",
            [None, "success-ok", []],
            [step("AddResult", {"result": "success-ok"}, type="NodeStart")],
            [step("AddResult", {"result": "success"})],
            [step("AddResult", {"result": "failure"}, node="success")],
            [step("AddResult", {"outcome": "success-ok"})],
            [step("AddResult", [])],
            [step("AddResult", ["success-ok"])],
            [step("Sound", {"result": "success-ok"}, node="success")],
        ],
    )
    def test_nothing_else_does(self, events: Any) -> None:
        assert not reached_success(events)


class TestWhatIsNotKnown:
    def test_an_event_that_no_document_names_is_read_all_the_same(self) -> None:
        event = read_event(paid(event="PayLinkExpired", data={"status": "expired"}))
        assert (event.event, event.status, event.is_known) == ("PayLinkExpired", "", False)
        event = read_event({"service": "mandate", "event": "MandateSigned", "id": "m", "data": 7})
        assert facts(event) == ("mandate", "MandateSigned", "m", "", "", "")
        assert (event.occurred_at, event.is_known) == (None, False)

    def test_of_a_service_we_do_not_know_each_status_is_an_event_of_its_own(self) -> None:
        body = {"service": "mandate", "event": "MandateChanged", "id": "m"}
        keys = {read_event({**body, "data": {"status": s}}).key for s in ("new", "pending")}
        assert len(keys) == 2

    def test_a_key_fits_its_column(self) -> None:
        long = completed(status="x" * 190)
        other = completed(status="x" * 189 + "y")
        assert read_event(long).key != read_event(other).key
        assert len(read_event(long).key) <= LONGEST_KEY

    @pytest.mark.parametrize(
        "body",
        [
            None,
            [],
            "PayLinkPaid",
            7,
            {},
            {"status": "finished"},
            paid(event=None),
            paid(event=""),
            paid(event="x" * 100),
            paid(service=None),
            paid(service={}),
            paid(id=None),
            paid(id=""),
            paid(id="a b"),
            paid(id="\ud800"),
            paid(id=7),
            paid(serviceId=None),
            paid(serviceId=""),
            paid(serviceId={}),
            legacy(id=None),
        ],
    )
    def test_what_is_no_event_is_told_in_a_sentence(self, body: Any) -> None:
        with pytest.raises(NotAnEvent, match=r"^An event .*\.$"):
            read_event(body)


class TestWhatIsCounted:
    def test_steps_that_no_list_names(self) -> None:
        """The document's own example has one."""
        hung_up = {
            Deviation("value", "events.nodeType", "RemoteHangup"): 1,
            Deviation("value", "events.type", "RemoteHangup"): 1,
        }
        assert deviations_of_event(read_event(completed())) == hung_up

    def test_a_status_and_a_direction(self) -> None:
        event = read_event(completed(status="voice mail", direction="sideways", events=[]))
        assert deviations_of_event(event) == {
            Deviation("value", "status", "voice mail"): 1,
            Deviation("value", "direction", "sideways"): 1,
        }

    def test_an_event(self) -> None:
        found = deviations_of_event(read_event(paid(event="PayLinkExpired")))
        assert found == {Deviation("value", "event", "PayLinkExpired"): 1}

    @pytest.mark.parametrize("status", ["finished", "no answer", "invalid number"])
    def test_nothing_of_what_is_documented(self, status: str) -> None:
        assert deviations_of_event(read_event(legacy(status=status))) == {}
        assert deviations_of_event(read_event(paid())) == {}

    def test_what_may_be_anything_is_not_told(self) -> None:
        event = read_event(completed(events=[step("0612345678"), step([], type="x" * 50)]))  # type: ignore[arg-type]
        assert deviations_of_event(event) == {
            Deviation("value", "events.nodeType", "…"): 2,
            Deviation("value", "events.type", "x" * 40 + "…"): 1,
        }


def test_nobody_is_shown_when_an_event_is_printed() -> None:
    shown = repr(read_event(completed())) + repr(read_event(legacy()))
    for word in ("316123456789", "31640754459", "m-1", "20231208"):
        assert word not in shown


ANYTHING: Final = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=[]), max_size=10)
    | st.sampled_from(["success-ok", "AddResult", "NodeResult", "anonymous", "x" * 3000, 10**400]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=400, derandomize=True, database=None, deadline=None)
@given(data=st.data())
def test_whatever_comes_is_an_event_or_is_none(data: st.DataObject) -> None:
    body = copy.deepcopy(data.draw(st.sampled_from([paid(), completed(), legacy()])))
    for _ in range(data.draw(st.integers(1, 3))):
        spot: Any = body
        while data.draw(st.booleans()):
            inner = [one for one in _inside(spot) if isinstance(one, dict | list) and one]
            if not inner:
                break
            spot = data.draw(st.sampled_from(inner))
        place = data.draw(
            st.sampled_from(list(spot) if isinstance(spot, dict) else [*range(len(spot))])
        )
        spot[place] = data.draw(ANYTHING)
    try:
        event = read_event(body)
    except NotAnEvent:
        return
    assert 0 < len(event.key) <= LONGEST_KEY
    for told in (event.paid_amount, event.answered_on, event.occurred_at, event.reached_success):
        assert told is None or not isinstance(told, str)
    assert sum(deviations_of_event(event).values()) >= 0
    for text in (
        event.payment_method,
        event.direction,
        event.local_number,
        event.remote_number,
        event.script,
        event.status,
        event.reference,
        event.service_id,
    ):
        # What a column takes.
        assert text is None or "\0" not in text.encode().decode()


def _inside(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else list(value)
