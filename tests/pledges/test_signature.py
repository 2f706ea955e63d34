"""Looking at a signature: a supervisor asks, a worker fetches, it is shown once and never kept."""

import logging
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from accounts.models import AuditEntry, User
from integrations import clients
from integrations.http import NotFound, Unclear
from pledges import actions, signatures, tasks
from pledges.models import Pledge, SignatureRequest
from tests.factories import PledgeFactory
from tests.pledges.conftest import Mirror, change_there
from tests.stage import Stage

State = SignatureRequest.State


def sweep(stage: Stage) -> int:
    return signatures.sweep(clock=stage.clock, until=stage.now + timedelta(seconds=10))


def ask(stage: Stage, user: User, pledge: Pledge) -> SignatureRequest:
    return actions.ask_signature(user=user, pledge=pledge, at=stage.now)


def take(stage: Stage, user: User, request: SignatureRequest) -> str | None:
    return actions.take_signature(user=user, request=request, at=stage.now)


def state_of(request: SignatureRequest) -> str:
    request.refresh_from_db()
    return request.state


@pytest.fixture
def signed(mirror: Mirror) -> Pledge:
    return mirror(signatureSignedUrl="signatures/geheim.mp3")


def test_it_is_fetched_when_asked_and_shown_once(stage: Stage, carol: User, signed: Pledge) -> None:
    request = ask(stage, carol, signed)
    assert take(stage, carol, request) is None
    assert sweep(stage) == 1
    assert state_of(request) == State.READY
    address = take(stage, carol, request)
    assert address is not None
    assert address.startswith("https://storage.example.com/signatures/geheim.mp3?Expires=")
    assert state_of(request) == State.TAKEN
    assert request.address is None
    assert take(stage, carol, request) is None
    # And nobody went to look at what stands there: the pledge was read, and nothing else.
    asked = [one["path"] for one in stage.world.journal.requests]
    assert asked[-1] == f"/api/v1/pledges/{signed.pk}"


def test_only_who_asked_may_take_it(
    stage: Stage, alice: User, carol: User, dirk: User, signed: Pledge
) -> None:
    with pytest.raises(actions.NotAllowed):
        ask(stage, alice, signed)
    dirk.role = User.Role.SUPERVISOR
    dirk.save()
    with pytest.raises(actions.NotOurs):
        ask(stage, dirk, signed)
    request = ask(stage, carol, signed)
    sweep(stage)
    dirk.organizations.set(carol.organizations.all())
    with pytest.raises(actions.NotAllowed):
        take(stage, dirk, request)
    # Nor who lost the right since.
    carol.organizations.clear()
    with pytest.raises(actions.NotOurs):
        take(stage, carol, request)
    carol.role = User.Role.AGENT
    with pytest.raises(actions.NotAllowed):
        take(stage, carol, request)
    assert state_of(request) == State.READY


def test_what_nobody_came_for_is_emptied(stage: Stage, carol: User, signed: Pledge) -> None:
    request = ask(stage, carol, signed)
    sweep(stage)
    stage.pass_time(119)
    sweep(stage)
    assert state_of(request) == State.READY
    stage.pass_time(1)
    # Too late to take out, though no sweep came by yet.
    assert take(stage, carol, request) is None
    sweep(stage)
    assert state_of(request) == State.LAPSED
    assert request.address is None


def test_a_pledge_without_a_signature_has_none(stage: Stage, carol: User, mirror: Mirror) -> None:
    request = ask(stage, carol, mirror(signatureSignedUrl=None))
    unknown = ask(
        stage, carol, PledgeFactory(owning_organization=carol.organizations.order_by("name").last())
    )
    sweep(stage)
    assert (state_of(request), state_of(unknown)) == (State.NONE, State.NONE)
    assert take(stage, carol, request) is None


def test_it_is_tried_for_a_minute(stage: Stage, carol: User, signed: Pledge) -> None:
    stage.fault("status", "pledge", status=503)
    request = ask(stage, carol, signed)
    for _ in range(11):
        sweep(stage)
        assert state_of(request) == State.ASKED
        stage.pass_time(5)
    stage.pass_time(5)
    sweep(stage)
    assert state_of(request) == State.FAILED


def test_what_went_wrong_once_is_tried_again(stage: Stage, carol: User, signed: Pledge) -> None:
    request = ask(stage, carol, signed)
    for fault in ("reset_before", "cut_body", "not_json", "wrong_uuid"):
        stage.fault(fault, "pledge", times=1)
        sweep(stage)
        assert state_of(request) == State.ASKED
    sweep(stage)
    assert state_of(request) == State.READY


def test_a_lost_nudge_does_not_matter(stage: Stage, carol: User, signed: Pledge) -> None:
    """The task finds what was asked in the table, by the clock of this machine."""
    request = actions.ask_signature(user=carol, pledge=signed, at=timezone.now())
    tasks.fetch_signatures()
    assert state_of(request) == State.READY


@pytest.mark.parametrize(
    ("path", "is_good"),
    [
        ("https://storage.example.com/a?b=c", True),
        ("http://sandbox/a", True),
        ("http://sandbox.example.com/a", False),
        ("http://storage.example.com/a", False),
        ("javascript:alert(1)", False),
        ("data:text/html,<p>", False),
        ("//storage.example.com/a", False),
        ("https:///a", False),
        ("https://[::1/a", False),
        ("", False),
    ],
)
def test_only_an_address_on_the_web_is_linked_to(
    path: str, is_good: bool, settings: Settings
) -> None:
    settings.TAPRAISE_URL = "http://sandbox"
    assert signatures.may_be_linked_to(path) == is_good


def test_a_real_tapraise_links_to_no_plain_address(settings: Settings) -> None:
    settings.TAPRAISE_URL = "https://tapraise.example.com"
    assert not signatures.may_be_linked_to("http://tapraise.example.com/a")


def test_the_address_stands_nowhere_in_the_clear(
    stage: Stage,
    carol: User,
    signed: Pledge,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    request = ask(stage, carol, signed)
    sweep(stage)
    request.refresh_from_db()
    assert "geheim" in (request.address or "")
    with connection.cursor() as cursor:
        cursor.execute("SELECT address FROM pledges_signaturerequest")
        (stored,) = cursor.fetchone()
    assert stored
    printed = capsys.readouterr()
    for place in (
        stored,
        repr(request),
        str(request),
        caplog.text,
        printed.out,
        printed.err,
        str(list(AuditEntry.objects.values())),
    ):
        assert "geheim" not in place
    take(stage, carol, request)
    trail = list(AuditEntry.objects.order_by("pk").values_list("action", "subject", "person_uuid"))
    assert trail == [
        ("pledge.signature_asked", f"pledge:{signed.pk}", signed.person_id),
        ("pledge.signature_shown", f"pledge:{signed.pk}", signed.person_id),
    ]
    assert "geheim" not in str(list(AuditEntry.objects.values()))


def test_a_gone_pledge_is_not_asked_for(stage: Stage, carol: User, signed: Pledge) -> None:
    signed.gone_at = stage.now
    signed.save()
    with pytest.raises(actions.NotChangeable):
        ask(stage, carol, signed)


def test_the_client_reads_this_one_field(stage: Stage, signed: Pledge) -> None:
    client = clients.tapraise()
    assert (client.signature_address(uuid=signed.pk) or "").startswith("https://")
    change_there(stage, signed.pk, signatureSignedUrl=None, status="something new")
    assert client.signature_address(uuid=signed.pk) is None
    with pytest.raises(NotFound):
        client.signature_address(uuid=uuid.uuid4())
    stage.fault("wrong_uuid", "pledge", times=1)
    with pytest.raises(Unclear):
        client.signature_address(uuid=signed.pk)
