"""Every operation that writes, and every way in which TapRaise can answer it.

Each message is made by the action of a person, and judged by the sandbox's journal and world, not
by our own tables: at most one effect, one where the message says done, and green only for what is
there, at every moment. The answers are those of the table in `integrations/sending.py`, each with
and without the effect where both can be.
"""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

import pytest
from pytest_django import Settings

from accounts.models import User
from calls import actions as calls_actions
from calls.actions import complete_call, create_call, dial
from calls.messages import NewCallWish
from calls.models import Call
from calls.sync import save_calls
from integrations import chips, clients, delivery
from integrations.chips import Tone
from integrations.models import Delivery
from integrations.sandbox import names
from integrations.sandbox.clock import parse
from integrations.sandbox.paging import Record
from integrations.tapraise.client import CALL_INCLUDES
from pledges.actions import create_pledge, take_status_action, update_pledge
from pledges.messages import NewPledgeWish
from pledges.models import Organization, Pledge
from pledges.sync import save_pledges
from tests.factories import CallingRulesFactory, CheckRulesFactory, HoldFactory
from tests.stage import Stage

State, Outcome = Delivery.State, Delivery.Outcome

# Long enough for every look and every pause of a breaker.
FOR_A_WHILE: Final = 600
UNDO_SECONDS: Final = 10
PATIENCE: Final = timedelta(hours=3)


@dataclass
class Scene:
    """What the people of a story have before them: a call of theirs, and its pledge."""

    stage: Stage
    alice: User
    carol: User
    call: Call

    @property
    def pledge(self) -> Pledge:
        assert self.call.pledge is not None
        return self.call.pledge

    def form(self) -> dict[str, Any]:
        """What every action is given: the form's token, and the time."""
        return {"token": uuid.uuid4(), "at": self.stage.now}


@pytest.fixture
def scene(
    alice: User,
    carol: User,
    belcentrum: Organization,
    helder_water: Organization,
    settings: Settings,
) -> Iterator[Scene]:
    settings.TAPRAISE_URL = "http://sandbox"
    settings.TAPRAISE_TOKEN = names.TOKEN
    settings.TAPRAISE_PLEDGE_ACTIONS = {"dropped": "drop", "cancelled": "cancel"}
    CallingRulesFactory(organization=helder_water)
    # A small world: some hundreds of them are made here.
    with Stage.set_up(calls=20) as stage:
        yield Scene(stage, alice, carol, mirrored(stage))


def mirrored(stage: Stage) -> Call:
    """An open call of Alice's organisation to a donor with a lead, as walks would have saved it."""
    world = stage.world
    known = next(
        call
        for call in world.calls.values()
        if call["status"] == "requested"
        and call["externalMetadata"] is None
        and call["uuid"] not in world.externally_sourced
        and call["callingOrganizationUuid"] == names.CALLING_ORGANIZATION.uuid
        and is_lead_of_ours(world.pledges.get(call["relatedCaseUuid"]))
    )
    at = parse(known["requestedAt"])
    [page] = clients.tapraise().calls(requested_from=at, requested_until=at + timedelta(seconds=1))
    save_calls(page.records, account="default", include=CALL_INCLUDES, fetched_at=stage.now)
    pledge = clients.tapraise().pledge(uuid=uuid.UUID(known["relatedCaseUuid"]))
    save_pledges([pledge], account="default", include=("transactions",), fetched_at=stage.now)
    world.journal.clear()
    return Call.objects.get(pk=known["uuid"])


def is_lead_of_ours(pledge: Record | None) -> bool:
    return (
        pledge is not None
        and pledge["status"] == "lead"
        and pledge["externalSource"] is None
        and pledge["owningOrganizationUuid"] == names.HELDER_WATER.uuid
    )


# ── What people do ────────────────────────────────────────────────────────────────────────────────


def an_attempt(scene: Scene) -> Delivery:
    HoldFactory(
        call=scene.call,
        user=scene.alice,
        taken_at=scene.stage.now,
        lease_until=scene.stage.now + timedelta(minutes=10),
    )
    return dial(user=scene.alice, call=scene.call, **scene.form()).delivery


def a_completion(scene: Scene) -> Delivery:
    # Nothing has to be checked before it is confirmed.
    CheckRulesFactory(organization=scene.call.person.owning_organization)
    HoldFactory(
        call=scene.call,
        user=scene.alice,
        taken_at=scene.stage.now,
        lease_until=scene.stage.now + timedelta(minutes=10),
    )
    return complete_call(
        user=scene.alice,
        call=scene.call,
        result_code="confirmed",
        retention_rating=8,
        notes="alles klopt",
        **scene.form(),
    ).delivery


def a_cancel(scene: Scene) -> Delivery:
    return calls_actions.cancel_call(
        user=scene.carol, call=scene.call, reason="dubbel", **scene.form()
    ).delivery


def an_expiry(scene: Scene) -> Delivery:
    return calls_actions.expire_call(
        user=scene.carol, call=scene.call, expired_at=None, reason="te laat", **scene.form()
    ).delivery


def a_new_call(scene: Scene) -> Delivery:
    wanted = NewCallWish(
        type="winback",
        pledge=scene.pledge.pk,
        calling_organization=uuid.UUID(names.CALLING_ORGANIZATION.uuid),
        notes="Graag na zes uur.",
    )
    return create_call(
        user=scene.carol, person=scene.call.person, wanted=wanted, **scene.form()
    ).delivery


def a_new_call_elsewhere(scene: Scene) -> Delivery:
    wanted = NewCallWish(
        application_name="basicall",
        reference_id="B-17",
        agent_reference_id="7",
        status_code="done",
        status_description="Done",
        additional_properties={"line": 3},
        status="completed",
        attempts=((scene.stage.now, scene.alice.tapraise_user_uuid),),
        result_code="confirmed",
        completed_at=scene.stage.now,
    )
    return create_call(
        user=scene.carol, person=scene.call.person, wanted=wanted, **scene.form()
    ).delivery


def promise(scene: Scene, **more: Any) -> NewPledgeWish:
    known = scene.stage.world.pledges[str(scene.pledge.pk)]
    return NewPledgeWish(
        owning_organization_uuid=uuid.UUID(names.HELDER_WATER.uuid),
        recruiting_organization_uuid=uuid.UUID(names.RECRUITING_ORGANIZATION.uuid),
        recruiter_user_uuid=uuid.UUID(known["recruiterUserUuid"]),
        initial_donation_amount=Decimal("7.50"),
        initial_donation_interval="monthly",
        starts_at=scene.stage.now,
        **more,
    )


def a_new_pledge(scene: Scene) -> Delivery:
    wanted = promise(scene, preferred_payment_day=28)
    return create_pledge(
        user=scene.carol, person=scene.call.person, wanted=wanted, reason="", **scene.form()
    ).delivery


def a_new_pledge_elsewhere(scene: Scene) -> Delivery:
    wanted = promise(
        scene,
        external_source_name="crm",
        external_source_identifier="17",
        status="cancelled",
        donation_amount=Decimal("5.00"),
        donation_interval="yearly",
        cancelled_at=scene.stage.now,
        cancellation_reason="other",
        cancellation_note="Verhuisd",
    )
    return create_pledge(
        user=scene.carol, person=scene.call.person, wanted=wanted, reason="", **scene.form()
    ).delivery


def an_update(scene: Scene) -> Delivery:
    ends_at = scene.stage.now + timedelta(days=400)
    return update_pledge(
        user=scene.carol,
        pledge=scene.pledge,
        changes={"ends_at": ends_at},
        shown={"ends_at": scene.pledge.ends_at},
        reason="",
        **scene.form(),
    ).delivery


def a_status_action(scene: Scene) -> Delivery:
    return take_status_action(
        user=scene.carol, pledge=scene.pledge, status="dropped", reason="", **scene.form()
    ).delivery


@dataclass(frozen=True)
class Write:
    """An action, the operation's name at the sandbox, and whether the world shows its effect."""

    act: Callable[[Scene], Delivery]
    name: str
    is_there: Callable[[Scene, Delivery], bool]


def call_at(scene: Scene) -> Record:
    return scene.stage.world.calls[str(scene.call.pk)]


def pledge_at(scene: Scene) -> Record:
    return scene.stage.world.pledges[str(scene.pledge.pk)]


def call_is(status: str) -> Callable[[Scene, Delivery], bool]:
    return lambda scene, _: call_at(scene)["status"] == status


def is_new(kind: str) -> Callable[[Scene, Delivery], bool]:
    return lambda scene, made: (
        str(made.payload[kind]) in scene.stage.world.records[f"{kind}s"]  # type: ignore[index]
    )


WRITES: Final = {
    "add attempt": Write(
        an_attempt,
        "add-attempt",
        lambda scene, made: any(
            one["userUuid"] == made.payload["user"] for one in call_at(scene)["attempts"]
        ),
    ),
    "complete": Write(a_completion, "complete", call_is("completed")),
    "cancel": Write(a_cancel, "cancel", call_is("cancelled")),
    "expire": Write(an_expiry, "expire", call_is("expired")),
    "create call": Write(a_new_call, "create-call", is_new("call")),
    "create call elsewhere": Write(a_new_call_elsewhere, "create-call", is_new("call")),
    "create pledge": Write(a_new_pledge, "create-pledge", is_new("pledge")),
    "create pledge elsewhere": Write(a_new_pledge_elsewhere, "create-pledge", is_new("pledge")),
    "update pledge": Write(
        an_update,
        "update-pledge",
        lambda scene, made: (
            (pledge_at(scene)["endsAt"] or "")[:19] == made.payload["wanted"]["ends_at"][:19]
        ),
    ),
    "status action": Write(
        a_status_action,
        "change-pledge-status",
        lambda scene, _: pledge_at(scene)["status"] == "dropped",
    ),
}


# ── What may come back ────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class End:
    """How it ends when nobody intervenes: the columns of the message, its chip, the writes."""

    state: Delivery.State
    outcome: str
    reason: str
    tone: Tone
    effects: int
    writes: int


DONE: Final = End(State.CLOSED, Outcome.DONE, "", Tone.GREEN, 1, 1)
SENT_AGAIN: Final = replace(DONE, writes=2)
REJECTED: Final = End(State.CLOSED, Outcome.REJECTED, "refused", Tone.RED, 0, 1)


def to_a_person(reason: str) -> End:
    return End(State.NEEDS_DECISION, "", reason, Tone.RED, 0, 1)


# What a message waits as, after the first exchange: state, and why.
WAITS: Final = (State.READY, Tone.GREY)
UNCLEAR: Final = (State.UNKNOWN, Tone.AMBER)
SETTLED: Final = None


@dataclass(frozen=True)
class Answer:
    rule: dict[str, Any]
    # State and chip right after the first exchange; None when it is all over by then.
    first: tuple[Delivery.State, Tone] | None
    end: End


def unclear(kind: str, *, effect: bool, **rule: Any) -> Answer:
    """It may have happened: found by a look, or sent anew after two that did not find it."""
    return Answer({"kind": kind, "times": 1, **rule}, UNCLEAR, DONE if effect else SENT_AGAIN)


def status(code: int, first: Any, end: End, **rule: Any) -> Answer:
    return Answer({"kind": "status", "status": code, "times": 1, **rule}, first, end)


def after_the_effect(code: int) -> Answer:
    return unclear("status", effect=True, status=code, after_effect=True)


ANSWERS: Final = {
    "as it should": Answer({}, SETTLED, DONE),
    "400": status(400, UNCLEAR, REJECTED),
    "400, and yet it happened": after_the_effect(400),
    "401 for a while": Answer(
        {"kind": "status", "status": 401, "for_seconds": 40}, WAITS, replace(DONE, writes=-1)
    ),
    "403": status(403, SETTLED, to_a_person("forbidden")),
    "404": status(404, SETTLED, to_a_person("not_found")),
    "404, and yet it happened": status(404, SETTLED, DONE, after_effect=True),
    "409": status(409, UNCLEAR, REJECTED),
    "409, and yet it happened": after_the_effect(409),
    "429": status(429, WAITS, SENT_AGAIN, retry_after=42),
    "500": unclear("status", effect=False, status=500),
    "500, and yet it happened": after_the_effect(500),
    "502": unclear("status", effect=False, status=502),
    "502, and yet it happened": after_the_effect(502),
    "too slow": unclear("slow", effect=False, seconds=40, without_effect=True),
    "too slow, and yet it happened": unclear("slow", effect=True, seconds=40),
    "reset": unclear("reset_before", effect=False),
    "reset, and yet it happened": unclear("reset_after", effect=True),
    "cut short": unclear("cut_body", effect=False, without_effect=True),
    "cut short, and yet it happened": unclear("cut_body", effect=True),
    "not JSON": unclear("not_json", effect=False, without_effect=True),
    "not JSON, and yet it happened": unclear("not_json", effect=True),
    "another uuid": unclear("wrong_uuid", effect=False, without_effect=True),
    "another uuid, and yet it happened": unclear("wrong_uuid", effect=True),
    "nothing in a 2xx": unclear("empty_body", effect=False, without_effect=True),
    "nothing in a 2xx, and yet it happened": unclear("empty_body", effect=True),
    "a 2xx that shows it as it was": unclear("unchanged", effect=False),
    "504, and it happens later": unclear("late_effect", effect=True, seconds=120),
}


NEVER_TWICE: Final = {"change-pledge-status"}


def expected(answer: Answer, write: Write) -> End:
    # No document says what a second status action does: none is sent on our own account.
    if answer.end is SENT_AGAIN and answer.first == UNCLEAR and write.name in NEVER_TWICE:
        return to_a_person("budget_spent")
    return answer.end


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS.keys())
@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())
def test_one_effect_at_most_and_green_only_for_what_is_there(
    scene: Scene, write: Write, answer: Answer
) -> None:
    stage = scene.stage
    message = write.act(scene)
    stage.pass_time(UNDO_SECONDS)
    if answer.rule:
        stage.fault(operation=write.name, **answer.rule)

    look(scene, write, message)
    if answer.first is not None:
        found = Delivery.objects.get(pk=message.pk)
        assert (found.state, chips.chip(found, at=stage.now).tone) == answer.first
    play_out(scene, write, message)

    found = Delivery.objects.get(pk=message.pk)
    end = expected(answer, write)
    assert (found.state, found.outcome, found.reason) == (end.state, end.outcome, end.reason)
    assert chips.chip(found, at=stage.now).tone == end.tone
    assert [one["operation"] for one in stage.effects()] == [write.name] * end.effects
    assert write.is_there(scene, message) == bool(end.effects)
    if end.writes > 0:
        assert len(stage.writes()) == end.writes


def look(scene: Scene, write: Write, message: Delivery) -> None:
    """What a worker does now; whatever is green after that is there."""
    scene.stage.sweep()
    shown = chips.chip(Delivery.objects.get(pk=message.pk), at=scene.stage.now)
    assert shown.tone != Tone.GREEN or write.is_there(scene, message)


def play_out(scene: Scene, write: Write, message: Delivery) -> None:
    """Let time pass until nothing waits for it any more."""
    stage = scene.stage
    ends = stage.now + PATIENCE
    while (due := delivery.next_due(at=stage.now)) is not None:
        stage.now = max(due, stage.now + timedelta(seconds=15))
        assert stage.now < ends, "it never comes to rest"
        look(scene, write, message)
    # And what comes late, comes.
    stage.pass_time(FOR_A_WHILE)
    look(scene, write, message)
