"""Looking at a signature: asked for on the page, waited for, shown once, and kept nowhere."""

import logging
from datetime import timedelta

import pytest
from django.http import HttpResponse
from django.utils import timezone
from django.utils.formats import time_format
from pytest_django import Settings

from accounts.models import AuditEntry, User
from pledges import signatures
from pledges.models import Pledge, SignatureRequest
from tests.pledges.browsing import Page, words_of
from tests.pledges.conftest import Mirror
from tests.stage import Stage

State = SignatureRequest.State
HTMX = {"HX-Request": "true", "Belbord-Poll": "true"}
ADDRESS = "https://storage.example.com/signatures/geheim.mp3"


@pytest.fixture
def signed(mirror: Mirror) -> Pledge:
    return mirror(signatureSignedUrl="signatures/geheim.mp3")


def signature_of(user: User, pledge: Pledge) -> Page:
    return Page(user, f"/pledges/{pledge.pk}/signature/")


def look(page: Page, *, htmx: bool = False) -> HttpResponse:
    return page.client.post(page.address, {"look": "yes"}, headers=HTMX if htmx else {})


def work(stage: Stage) -> None:
    """What a worker does every few seconds, at the moment at which the page is looked at."""
    stage.now = timezone.now()
    signatures.sweep(clock=stage.clock, until=stage.now + timedelta(seconds=10))


def test_it_is_asked_for_waited_for_and_shown_once(
    stage: Stage, carol: User, signed: Pledge
) -> None:
    page = signature_of(carol, signed)
    assert "Ask TapRaise for the signature" in page.open()
    assert page.client.post(page.address).status_code == 302

    waits = page.client.get(page.address).content.decode()
    assert "TapRaise is asked…" in waits
    assert 'hx-trigger="every 2s"' in waits
    assert 'name="look"' in waits
    assert look(page, htmx=True).status_code == 204
    assert "TapRaise is asked…" in words_of(look(page))

    work(stage)
    shown = look(page, htmx=True).content.decode()
    assert f'href="{ADDRESS}?' in shown
    assert 'target="_blank" rel="noopener noreferrer"' in shown
    request = SignatureRequest.objects.get()
    assert request.fetched_at is not None
    until = time_format(timezone.localtime(request.fetched_at + timedelta(hours=1)), "H:i")
    assert f"Open the signature (valid until {until})" in words_of_text(shown)
    assert "hx-post" not in shown

    for again in (look(page, htmx=True), look(page), page.client.get(page.address)):
        assert "geheim" not in again.content.decode()
        assert "is shown once only" in again.content.decode()
        assert "Ask again" in again.content.decode()


def words_of_text(page: str) -> str:
    return words_of(HttpResponse(page))


def test_without_scripts_there_is_a_button(stage: Stage, carol: User, signed: Pledge) -> None:
    page = signature_of(carol, signed)
    page.client.post(page.address)
    work(stage)
    shown = look(page).content.decode()
    assert f'href="{ADDRESS}?' in shown
    assert "<html" in shown


def test_to_look_is_no_get(stage: Stage, carol: User, signed: Pledge) -> None:
    page = signature_of(carol, signed)
    page.client.post(page.address)
    work(stage)
    seen = page.client.get(page.address).content.decode()
    assert "geheim" not in seen
    assert SignatureRequest.objects.get().state == State.READY


def test_a_colleague_does_not_get_what_another_asked_for(
    stage: Stage, carol: User, bob: User, signed: Pledge
) -> None:
    signature_of(carol, signed).client.post(f"/pledges/{signed.pk}/signature/")
    work(stage)
    User.objects.filter(pk=bob.pk).update(role=User.Role.SUPERVISOR)
    bob.refresh_from_db()
    page = signature_of(bob, signed)
    assert "Ask TapRaise for the signature" in page.open()
    assert "geheim" not in look(page).content.decode()
    assert SignatureRequest.objects.get().state == State.READY


def test_a_pledge_without_a_signature_says_so(stage: Stage, carol: User, mirror: Mirror) -> None:
    page = signature_of(carol, mirror(signatureSignedUrl=None))
    page.client.post(page.address)
    work(stage)
    said = words_of(look(page))
    assert "TapRaise has no signature of this pledge." in said
    assert "TapRaise is asked" not in said


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (State.FAILED, "TapRaise did not answer. Try it again in a moment."),
        (State.LAPSED, "nobody took it in time"),
    ],
)
def test_what_went_wrong_is_said_and_can_be_asked_anew(
    carol: User, signed: Pledge, state: str, said: str
) -> None:
    page = signature_of(carol, signed)
    page.client.post(page.address)
    SignatureRequest.objects.update(state=state)
    assert said in page.open()
    page.client.post(page.address)
    assert SignatureRequest.objects.filter(state=State.ASKED).count() == 1
    assert "TapRaise is asked…" in page.open()


def test_of_a_pledge_that_is_gone_nothing_is_asked(carol: User, signed: Pledge) -> None:
    Pledge.objects.update(gone_at=timezone.now())
    page = signature_of(carol, signed)
    answer = page.client.post(page.address)
    assert answer.status_code == 409
    assert "TapRaise no longer shows this pledge." in words_of(answer)
    assert not SignatureRequest.objects.exists()


def test_the_address_is_in_no_log_and_no_trail(
    stage: Stage,
    carol: User,
    signed: Pledge,
    caplog: pytest.LogCaptureFixture,
    settings: Settings,
) -> None:
    caplog.set_level(logging.DEBUG)
    page = signature_of(carol, signed)
    page.client.post(page.address)
    work(stage)
    assert "geheim" in look(page).content.decode()
    assert "geheim" not in caplog.text
    assert "geheim" not in str(list(AuditEntry.objects.values()))
    assert {entry.action for entry in AuditEntry.objects.all()} >= {
        "pledge.signature_asked",
        "pledge.signature_shown",
    }
