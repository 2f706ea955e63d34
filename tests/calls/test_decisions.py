"""Messages that wait for a person: listed, looked at with all that was found, and decided on what
was shown, by one supervisor at a time."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import keyset
from accounts.models import AuditEntry, User
from calls.models import Attempt, Call, Completion
from integrations.models import Delivery
from pledges.models import Organization
from tests.calls.conftest import Desk
from tests.calls.test_floor import look
from tests.calls.two_steps import signed_in
from tests.factories import (
    AttemptFactory,
    BatchFactory,
    CompletionFactory,
    EndingFactory,
    MandateFactory,
    PayLinkFactory,
    PersonFactory,
    PledgeChangeFactory,
    TextMessageFactory,
    UserFactory,
    now,
)
from tests.integrations.test_decisions import undecided
from tests.stage import Stage

pytestmark = pytest.mark.django_db

NewCall = Callable[..., Call]
LIST = "/floor/decisions/"
State, Outcome = Delivery.State, Delivery.Outcome


def place(delivery: Delivery) -> str:
    return f"{LIST}{delivery.pk}/"


def waiting(call: Call, user: User, **columns: Any) -> Delivery:
    """A completion that waits for a person."""
    made: Completion = CompletionFactory(
        call=call,
        user=user,
        delivery__is_done=False,
        delivery__is_undecided=True,
        **{f"delivery__{name}": value for name, value in columns.items()},
    )
    return made.delivery


def decide(user: User, delivery: Delivery, verb: str, **fields: Any) -> Any:
    """Press one of the buttons, on the version that this object was read with."""
    data = {"verb": verb, "version": delivery.version, **fields}
    return signed_in(user).post(place(delivery), data)


# ── The list ──────────────────────────────────────────────────────────────────────────────────────


def test_to_an_agent_it_is_not_there(
    at_desk: Callable[[User], Desk], alice: User, call: Call
) -> None:
    delivery = waiting(call, alice)

    for address in (LIST, place(delivery), f"{place(delivery)}pulse/"):
        assert at_desk(alice).client.get(address).status_code == 404
    sent = {"verb": "happened", "version": 1}
    assert at_desk(alice).client.post(place(delivery), sent).status_code == 404
    delivery.refresh_from_db()
    assert delivery.state == State.NEEDS_DECISION


def test_nothing_to_decide_is_said(carol: User) -> None:
    assert "Nothing to decide" in look(carol, LIST)


def test_the_longest_waiting_stands_first_a_page_at_a_time(
    alice: User, carol: User, new_call: NewCall
) -> None:
    names = []
    for minutes in (1, 3, 2):
        call = new_call()
        names.append(call.person.full_name)
        waiting(call, alice, created_at=now() - timedelta(minutes=minutes))

    said = look(carol, LIST)

    places = [said.index(name) for name in (names[1], names[2], names[0])]
    assert places == sorted(places)
    assert "Complete a call" in said
    assert "We are not allowed to do this there. Ask TapRaise for the right to it" in said


def test_what_is_about_donors_of_others_is_not_there(
    carol: User, dirk: User, dierenhulp: Organization
) -> None:
    theirs = CompletionFactory(
        call__person=PersonFactory(owning_organization=dierenhulp),
        user=dirk,
        delivery__is_done=False,
        delivery__is_undecided=True,
    ).delivery

    assert "Nothing to decide" in look(carol, LIST)
    assert signed_in(carol).get(place(theirs)).status_code == 404
    assert decide(carol, theirs, "happened").status_code == 404


def test_the_list_costs_the_same_however_many_there_are(
    alice: User, carol: User, new_call: NewCall, helder_water: Organization
) -> None:
    client = signed_in(carol)

    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert client.get(LIST).status_code == 200
        return len(seen.captured_queries)

    waiting(new_call(), alice)
    queries()
    few = queries()
    person = PersonFactory(owning_organization=helder_water)
    waits = {"delivery__is_done": False, "delivery__is_undecided": True}
    for _ in range(4):
        waiting(new_call(), alice)
        AttemptFactory(call=new_call(), user=alice, **waits)
        EndingFactory(call=new_call(), user=carol, **waits)
        PayLinkFactory(person=person, user=alice, **waits)

    assert queries() == few <= 12


def test_a_page_ends_where_the_next_begins(alice: User, carol: User, new_call: NewCall) -> None:
    made = [
        waiting(new_call(), alice, created_at=now() - timedelta(minutes=minutes))
        for minutes in range(keyset.SIZE + 1, 0, -1)
    ]
    client = signed_in(carol)

    first = client.get(LIST).content.decode()
    assert place(made[0]) in first
    assert place(made[-1]) not in first
    found = re.search(r'rel="next" href="([^"]+)"', first)
    assert found
    second = client.get(LIST + found[1].replace("&amp;", "&")).content.decode()
    assert place(made[-1]) in second
    assert place(made[0]) not in second


# ── One of them ───────────────────────────────────────────────────────────────────────────────────


def test_what_was_wanted_what_was_found_and_the_risk_stand_there(
    stage: Stage, alice: User, carol: User
) -> None:
    delivery = undecided(stage, alice)
    call = Call.objects.get(pk=delivery.subject.removeprefix("call:"))

    said = look(carol, place(delivery))

    assert "Complete a call" in said
    assert call.person.full_name in said
    assert "Result confirmed" in said
    assert "Rating 8" in said
    assert said.count("Nothing could be seen") == len(delivery.readings) > 1
    assert "for half an hour nothing could be seen" in said
    assert "If the first one arrived after all, TapRaise is told it twice" in said
    assert "You vouch that TapRaise has this." in said
    # Nobody's notes, and nothing that the desk would not show.
    assert "alles klopt" not in said


def test_readings_stand_side_by_side_in_words(
    alice: User, bob: User, carol: User, call: Call
) -> None:
    readings = [
        {
            "at": "2026-11-03T10:02:30+00:00",
            "finding": "absent",
            "is_settled": True,
            "facts": {
                "status": "requested",
                "found": 0,
                "completed_at": None,
                "attempts": [
                    {"user": str(bob.tapraise_user_uuid), "at": "2026-11-03T09:30:00+00:00"}
                ],
            },
        },
        {"at": "2026-11-03T10:05:00+00:00", "finding": "nothing", "error": "Timeout"},
    ]
    delivery = AttemptFactory(
        call=call,
        user=alice,
        delivery__is_done=False,
        delivery__is_undecided=True,
        delivery__reason="budget_spent",
        delivery__readings=readings,
        delivery__payload={"attempt_at": "2026-11-03T10:00:00+00:00"},
    ).delivery

    said = look(carol, place(delivery))

    assert "Log an attempt" in said
    assert "Dialled 3-11-2026 11:00:00" in said
    assert "3-11 11:02:30 It is not there Found 0 Status requested" in said
    assert "Attempts 3-11-2026 10:30:00 Bob" in said
    assert "3-11 11:05:00 Nothing could be seen (Timeout)" in said
    assert "Completed" not in said


@pytest.mark.parametrize(
    ("made", "wish"),
    [
        (lambda columns, **_: PayLinkFactory(**columns), "Make a PayLink"),
        (lambda columns, **_: MandateFactory(**columns), "Make an e-Mandate"),
        (lambda columns, **_: TextMessageFactory(**columns), "Hand over a message"),
    ],
)
def test_what_is_offered_to_a_donor_is_decided_here_as_well(
    made: Any, wish: str, alice: User, carol: User, helder_water: Organization
) -> None:
    person = PersonFactory(owning_organization=helder_water)
    columns = {
        "person": person,
        "user": alice,
        "delivery__is_done": False,
        "delivery__is_undecided": True,
    }
    delivery = made(columns).delivery

    for address in (LIST, place(delivery)):
        said = look(carol, address)
        assert wish in said
        assert person.full_name in said


def test_a_change_of_a_pledge_and_a_batch_lead_to_where_they_are_shown(
    alice: User, carol: User, helder_water: Organization
) -> None:
    waits = {"delivery__is_done": False, "delivery__is_undecided": True}
    change = PledgeChangeFactory(
        pledge__owning_organization=helder_water,
        pledge__person__owning_organization=helder_water,
        user=carol,
        **waits,
    )
    batch = BatchFactory(script__organization=helder_water, user=carol, **waits)

    client = signed_in(carol)
    page = client.get(place(change.delivery)).content.decode()
    assert f"/pledges/{change.pledge_id}/" in page
    assert f"/batches/{batch.pk}/" in client.get(place(batch.delivery)).content.decode()


# ── Deciding ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("verb", "fields", "state", "outcome", "action"),
    [
        ("happened", {}, State.CLOSED, Outcome.DECIDED, "delivery.decided"),
        ("again", {}, State.READY, "", "delivery.sent_again"),
        ("drop", {"reason": "mistake"}, State.CLOSED, Outcome.DROPPED, "delivery.dropped"),
    ],
)
def test_once_it_is_decided_it_is_gone(
    verb: str,
    fields: dict[str, str],
    state: str,
    outcome: str,
    action: str,
    alice: User,
    carol: User,
    call: Call,
) -> None:
    delivery = waiting(call, alice)
    assert "Decision needed" in look(carol, "/floor/pulse/")

    answer = decide(carol, delivery, verb, **fields)

    assert answer.status_code == 302
    assert answer["Location"] == LIST
    delivery.refresh_from_db()
    assert (delivery.state, delivery.outcome) == (state, outcome)
    assert AuditEntry.objects.get(action=action).user == carol
    assert call.person.full_name not in look(carol, LIST)
    assert "Decision needed" not in look(carol, "/floor/pulse/")


def test_a_second_supervisor_gets_the_fresh_view(
    alice: User, carol: User, call: Call, belcentrum: Organization, helder_water: Organization
) -> None:
    delivery = waiting(call, alice)
    theirs = [belcentrum, helder_water]
    colleague = UserFactory(role=User.Role.SUPERVISOR, organizations=theirs)
    decide(carol, delivery, "drop", reason="not_wanted")

    answer = decide(colleague, delivery, "again")

    page = answer.content.decode()
    assert answer.status_code == 409
    assert "It has changed since it was shown" in page
    assert "Carol dropped it at" in page
    assert 'name="verb"' not in page
    delivery.refresh_from_db()
    assert delivery.outcome == Outcome.DROPPED
    assert not AuditEntry.objects.filter(action="delivery.sent_again").exists()


def test_what_was_sent_once_more_is_not_sent_a_third_time(
    alice: User, carol: User, call: Call
) -> None:
    delivery = waiting(call, alice, sent_again_at=now())

    assert 'value="again"' not in signed_in(carol).get(place(delivery)).content.decode()
    answer = decide(carol, delivery, "again")

    assert answer.status_code == 409
    assert "a second time would be guessing" in answer.content.decode()
    delivery.refresh_from_db()
    assert delivery.state == State.NEEDS_DECISION


def test_dropping_wants_a_reason(alice: User, carol: User, call: Call) -> None:
    delivery = waiting(call, alice)

    answer = decide(carol, delivery, "drop")

    assert answer.status_code == 422
    assert "Choose why it is dropped." in answer.content.decode()
    delivery.refresh_from_db()
    assert delivery.state == State.NEEDS_DECISION


def test_reading_again_shows_what_was_found_without_a_reload(
    stage: Stage, alice: User, carol: User
) -> None:
    delivery = undecided(stage, alice)
    client = signed_in(carol)

    def poll(seen: str) -> Any:
        return client.get(f"{place(delivery)}pulse/", {"seen": seen})

    answer = decide(carol, delivery, "read")
    assert answer["Location"] == place(delivery)
    delivery.refresh_from_db()
    assert "A worker looks there now." in look(carol, place(delivery))
    seen = f"needs_decision {delivery.version}"
    assert poll(seen).status_code == 204

    looked = len(delivery.readings)
    stage.sweep_for(10)
    delivery.refresh_from_db()
    assert len(delivery.readings) > looked
    with CaptureQueriesContext(connection) as queries:
        moved = poll(seen).content.decode()
    assert len(queries.captured_queries) <= 5
    assert "It is not there" in moved
    # What somebody may be choosing stays; only the version that it is sent with is another.
    assert f'name="version" id="decision-version" value="{delivery.version}"' in moved
    assert 'name="verb"' not in moved

    assert decide(carol, delivery, "happened").status_code == 302
    gone = poll(f"needs_decision {delivery.version}").content.decode()
    assert "Carol vouched at" in gone
    assert "There is nothing to decide now." in gone
    assert "hx-get" not in gone


def test_one_page_keeps_within_its_queries(alice: User, carol: User, call: Call) -> None:
    delivery = waiting(call, alice)
    client = signed_in(carol)
    client.get(place(delivery))

    with CaptureQueriesContext(connection) as seen:
        client.get(place(delivery))

    assert len(seen.captured_queries) <= 12
    assert Attempt.objects.count() == 0


# ── Refused ───────────────────────────────────────────────────────────────────────────────────────

REFUSED = f"{LIST}?which=refused"


def refused(call: Call, user: User, **columns: Any) -> Delivery:
    """A completion that TapRaise did not take."""
    made: Completion = CompletionFactory(
        call=call,
        user=user,
        delivery__is_done=False,
        delivery__is_refused=True,
        **{f"delivery__{name}": value for name, value in columns.items()},
    )
    return made.delivery


def test_what_was_refused_asks_for_attention_until_a_supervisor_has_seen_it(
    alice: User, carol: User, call: Call
) -> None:
    delivery = refused(call, alice)
    said = look(carol, "/floor/pulse/")
    assert "Refused there 1 message was refused and counts no longer" in said
    assert call.person.full_name in look(carol, REFUSED)
    assert call.person.full_name not in look(carol, LIST)
    assert "TapRaise said: Bad Request" in look(carol, place(delivery))

    answer = decide(carol, delivery, "seen", seen_reason="solved")

    assert answer["Location"] == REFUSED
    entry = AuditEntry.objects.get(action="delivery.acknowledged")
    assert (entry.user, entry.facts["reason"]) == (carol, "solved")
    assert "Refused there" not in look(carol, "/floor/pulse/")
    assert "Nothing was refused that nobody has seen." in look(carol, REFUSED)
    page = look(carol, place(delivery))
    assert "Carol saw at" in page
    assert "There is nothing to decide now." in page


def test_seeing_it_wants_no_reason_and_happens_once(
    alice: User, carol: User, call: Call, belcentrum: Organization, helder_water: Organization
) -> None:
    delivery = refused(call, alice)
    theirs = [belcentrum, helder_water]
    colleague = UserFactory(role=User.Role.SUPERVISOR, organizations=theirs)

    assert decide(carol, delivery, "seen").status_code == 302
    second = decide(colleague, delivery, "seen")

    assert second.status_code == 409
    assert "It has changed since it was shown" in second.content.decode()
    delivery.refresh_from_db()
    assert (delivery.seen_by, delivery.outcome) == (carol, Outcome.REJECTED)
    assert AuditEntry.objects.filter(action="delivery.acknowledged").count() == 1


def test_what_a_person_gave_up_or_was_refused_long_ago_asks_for_nothing(
    alice: User, carol: User, new_call: NewCall
) -> None:
    dropped = waiting(new_call(), alice)
    decide(carol, dropped, "drop", reason="mistake")
    refused(new_call(), alice, closed_at=now() - timedelta(days=31))
    done = CompletionFactory(call=new_call(), user=alice).delivery

    assert "Refused there" not in look(carol, "/floor/pulse/")
    assert "Nothing was refused" in look(carol, REFUSED)
    # Nor can anything else be seen than what was refused.
    for delivery in (dropped, done):
        delivery.refresh_from_db()
        assert decide(carol, delivery, "seen").status_code == 409
        delivery.refresh_from_db()
        assert delivery.seen_at is None


def test_what_was_refused_to_others_is_not_told(
    carol: User, dirk: User, dierenhulp: Organization
) -> None:
    theirs = CompletionFactory(
        call__person=PersonFactory(owning_organization=dierenhulp),
        user=dirk,
        delivery__is_done=False,
        delivery__is_refused=True,
    ).delivery

    assert "Refused there" not in look(carol, "/floor/pulse/")
    assert decide(carol, theirs, "seen").status_code == 404
