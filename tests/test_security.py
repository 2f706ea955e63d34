"""Every address × everybody. An address without a rule here fails: closed by default.

The table is made from the resolver itself. `RULES` says who may come in; the first that fits
counts. Alice is an agent, Carol supervises her, Maud is a manager; Dirk (agent) and Door
(supervisor) work for another organisation.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.apps import apps
from django.core.cache import cache
from django.db.models import Model
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.models import AuditEntry, User
from calls.exports.writing import KEPT
from calls.models import Call, Callback, Completion, Export, FloorMessage
from integrations.models import Heartbeat, WebhookEvent
from pledges.models import (
    Batch,
    Objection,
    Organization,
    PayLink,
    PaymentRules,
    RecruiterFlag,
    ResultFile,
)
from tests.admin.rows import a_row_of
from tests.factories import (
    CallFactory,
    ExportFactory,
    HeartbeatFactory,
    PersonFactory,
    PledgeFactory,
    ResultFileFactory,
    UserFactory,
    now,
)

pytestmark = pytest.mark.django_db

SIGN_IN = "/accounts/login/"

# Who may come in:
OPEN = "everybody, signed in or not"
LEADS = "everybody; it only leads to the one sign-in"
MACHINE = "a system outside, with a password of its own; no person, signed in or not"
PERSON = "everybody who is signed in"
DESK = "agents and supervisors of the call's organisations"
LEADER = "supervisors of the call's organisations"
STAFF = "supervisors and managers"
STAFF_ROW = "supervisors and managers of the row's organisation"
STAFF_ROW_OF_ALL = "supervisors and managers: the row is of no organisation"
MANAGER = "managers"
LIFTS = "managers of the person's organisation; to others it is not there"
NOBODY = "nobody"

# Rows in the admin that belong to the whole installation.
_OF_ALL = "stream|quarantine|webhookevent|breaker|drift|heartbeat"

RULES: list[tuple[str, str]] = [
    (r"health/(live/|ready/)?", OPEN),
    (r"webhooks/alphacomm/", MACHINE),
    (r"accounts/login/", OPEN),
    (r"accounts/language/", OPEN),
    (r"accounts/inactive/", OPEN),
    (r"accounts/first-password/<uidb64>/<token>/", OPEN),  # the token is what lets in
    (r"accounts/2fa/authenticate/", LEADS),  # the second half of signing in
    (r"accounts/keys/", PERSON),
    (r"accounts/(logout|reauthenticate|password/change)/", PERSON),
    (r"accounts/2fa/(reauthenticate/|totp/(de)?activate/)?", PERSON),
    (r"accounts/2fa/recovery-codes/(generate/|download/)?", PERSON),
    (r"", PERSON),
    (r"pulse/", PERSON),
    (r"calls/(next/)?", PERSON),
    (r"(presence|pause(/end)?)/", PERSON),
    (r"calls/<uuid:\w+>/(cancellation|expiry|left-open|checks/trust|taking-away)/", LEADER),
    (r"calls/<uuid:\w+>/.*", DESK),
    (r"persons/<uuid:\w+>/(calls/|pledges/|proof\.csv)", LEADER),
    (r"persons/<uuid:\w+>/objections/<int:number>/lifting/", LIFTS),
    (r"objections/", STAFF),
    (r"floor/((pulse|health)/)?", STAFF),
    (r"floor/(decisions|callbacks|recruiters|messages)/", STAFF),
    (r"floor/messages/<int:pk>/withdrawal/", LEADER),
    (r"floor-messages/<int:pk>/receipt/", DESK),
    (r"floor/callbacks/<int:pk>/", LEADER),
    (r"floor/decisions/<uuid:\w+>/(pulse/)?", LEADER),
    (r"floor/recruiters/<uuid:\w+>/", LEADER),
    (r"insight/(\w+/)?(table\.(csv|xlsx))?", STAFF),
    (r"pledges/<uuid:\w+>/(changes|status|signature|undo)/", LEADER),
    (r"pledges/<uuid:\w+>/(pulse/)?", DESK),
    (r"persons/<uuid:\w+>/(pulse/|story/|undo/|objections/)?", DESK),
    (r"paylinks/<uuid:\w+>/", LEADER),
    (r"payment-rules/<int:pk>/amounts/", LEADER),
    (r"paylinks/", STAFF),
    (r"batches/results/<uuid:\w+>/", LEADER),  # the one who gave that file, and nobody else
    (r"batches/<uuid:\w+>/(pulse/|undo/)?", LEADER),
    (r"batches/(new/|results/)?", STAFF),
    (r"exports/(pulse/)?", STAFF),
    (r"exports/<uuid:\w+>/(file|removal)/", LEADER),  # the one who asked for it, and nobody else
    (r"corrections/((export|processed)/)?", STAFF),
    (r"webhooks/(<int:pk>/work/)?", STAFF),
    (r"breakers/<path:key>/trial/", STAFF),
    (r"admin/login/", LEADS),
    (r"admin/(logout|password_change|password_change/done)/", PERSON),  # lead elsewhere
    (r"admin/", STAFF),
    (r"admin/(autocomplete|jsi18n)/", STAFF),
    (r"admin/r/.*", STAFF),  # to those as well it is not there
    (r"admin/\^\(\?P<app_label>.*", STAFF),
    (r"admin/\(\?P<url>\.\*\)\$", STAFF),
    (r"admin/accounts/user/add/", MANAGER),
    (r"admin/accounts/user/<id>/password/", MANAGER),
    (r"admin/calls/(checkrules|daytarget)/add/", MANAGER),
    (r"admin/accounts/user/import/(sample/)?", MANAGER),
    (r"admin/calls/script/add/", STAFF),
    (r"admin/pledges/(messagescript|closedday|callingrules|paymentrules)/add/", MANAGER),
    (r"admin/pledges/(closedday|callingrules|paymentrules)/<path:object_id>/delete/", MANAGER),
    (r"admin/calls/(checkrules|daytarget)/<path:object_id>/delete/", MANAGER),
    (r"admin/\w+/\w+/add/", NOBODY),
    (r"admin/\w+/\w+/<path:object_id>/delete/", NOBODY),
    (rf"admin/\w+/({_OF_ALL})/<path:object_id>/((history|change)/)?", STAFF_ROW_OF_ALL),
    (r"admin/\w+/\w+/<path:object_id>/((history|change)/)?", STAFF_ROW),
    (r"admin/\w+/\w+/", STAFF),
]


def routes() -> list[str]:
    def walk(resolver: URLResolver, before: str) -> Iterator[str]:
        for pattern in resolver.url_patterns:
            route = before + str(pattern.pattern)
            if isinstance(pattern, URLPattern):
                yield route
            else:
                yield from walk(pattern, route)

    return list(dict.fromkeys(walk(get_resolver(), "")))


def rule_of(route: str) -> str | None:
    return next((rule for pattern, rule in RULES if re.fullmatch(pattern, route)), None)


ROUTES = routes()


ADMIN = (STAFF, STAFF_ROW, STAFF_ROW_OF_ALL, MANAGER, NOBODY)


def ruled(*rules: str) -> list[str]:
    return [route for route in ROUTES if rule_of(route) in rules]


@dataclass
class Floor:
    """A call centre with one call, and everybody who might look at it."""

    call: Call
    people: dict[str, User]
    rows: dict[type[Model], Model] = field(default_factory=dict)

    def client(self, name: str | None, **options: Any) -> Client:
        client = Client(**options)
        if name is not None:
            client.force_login(self.people[name])
        return client

    def address(self, route: str) -> str:
        """An address of this route, about the call and what belongs to it."""
        row = re.match(r"admin/(\w+)/(\w+)/<", route)
        if row is not None:
            wanted = self.row(apps.get_model(row[1], row[2]))
            route = re.sub(r"<(path:object_id|id)>", str(wanted.pk), route)
        route = re.sub(r"^persons/<uuid:\w+>", f"persons/{self.call.person_id}", route)
        route = re.sub(r"^pledges/<uuid:\w+>", f"pledges/{self.call.pledge_id}", route)
        route = re.sub(r"^paylinks/<uuid:\w+>", lambda _: f"paylinks/{self.row(PayLink).pk}", route)
        if route.startswith("floor/decisions/<"):
            made = self.row(Completion)
            route = re.sub(r"<uuid:\w+>", str(made.delivery_id), route)  # type: ignore[attr-defined]
        if route.startswith("floor/recruiters/<"):
            route = re.sub(r"<uuid:\w+>", str(self.row(RecruiterFlag).pk), route)
        if "<int:number>" in route:
            route = route.replace("<int:number>", str(self.row(Objection).pk))
        if route.startswith("exports/"):
            route = re.sub(r"<uuid:\w+>", lambda _: str(self.row(Export).pk), route)
        if route.startswith("batches/"):
            model = ResultFile if "results/" in route else Batch
            route = re.sub(r"<uuid:\w+>", lambda _: str(self.row(model).pk), route)
        for place, model in (
            ("payment-rules", PaymentRules),
            ("webhooks", WebhookEvent),
            ("floor/callbacks", Callback),
            ("floor/messages", FloorMessage),
            ("floor-messages", FloorMessage),
        ):
            if route.startswith(f"{place}/<int:pk>"):
                route = route.replace("<int:pk>", str(self.row(model).pk))
        route = re.sub(r"<uuid:\w+>", str(self.call.pk), route)
        route = re.sub("<path:content_type_id>/<path:object_id>|<path:path>", "1/1", route)
        route = re.sub(r"\^\(\?P<app_label>.*\)/\$", "calls/", route)
        route = route.replace("(?P<url>.*)$", "nowhere/")
        route = route.replace("<path:key>", "tapraise:default")
        route = route.replace("<uidb64>/<token>", "MQ/set-password")
        assert not re.search(r"[<>()^$]", route), route
        return f"/{route}"

    def row(self, model: type[Model]) -> Model:
        if model not in self.rows:
            self.rows[model] = a_row_of(model, self.call)
        return self.rows[model]


@pytest.fixture
def floor(
    settings: Any,
    tmp_path: Path,
    alice: User,
    carol: User,
    dirk: User,
    helder_water: Organization,
    belcentrum: Organization,
) -> Floor:
    cache.clear()
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    carol.is_staff = True
    carol.save()
    maud = UserFactory(
        username="maud",
        role=User.Role.MANAGER,
        is_staff=True,
        organizations=[belcentrum, helder_water],
    )
    door = UserFactory(
        username="door",
        role=User.Role.SUPERVISOR,
        is_staff=True,
        organizations=list(dirk.organizations.all()),
    )
    for user in (carol, maud, door):
        # Without one they see nothing: tests/accounts/test_second_factor.py.
        Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={"secret": ""})
    person = PersonFactory(owning_organization=helder_water)
    pledge = PledgeFactory(person=person)
    call = CallFactory(person=person, pledge=pledge, calling_organization=belcentrum)
    everybody = (alice, carol, maud, dirk, door)
    settings.EXPORTS_DIR = tmp_path
    export = ExportFactory(
        user=carol, state=Export.State.READY, ready_at=now(), expires_at=now() + KEPT, bytes=0
    )
    export.path.touch()
    return Floor(
        call=call,
        people={user.username: user for user in everybody},
        rows={
            User: alice,
            Organization: helder_water,
            Heartbeat: HeartbeatFactory(),
            ResultFile: ResultFileFactory(user=carol),
            Export: export,
        },
    )


def goes_to_sign_in(answer: Any) -> bool:
    return answer.status_code == 302 and answer["Location"].startswith((SIGN_IN, "/admin/login/"))


def statuses(
    floor: Floor, name: str | None, rules: tuple[str, ...], **options: Any
) -> dict[str, tuple[int, int]]:
    """What a person gets at every address under these rules: for a GET, and for an empty POST."""
    found = {}
    for route in ruled(*rules):
        # One session for each route: signing out is one of them.
        client, address = floor.client(name), floor.address(route)
        got = client.get(address, **options).status_code
        found[route] = (got, client.post(address, **options).status_code)
    return found


def test_every_address_has_a_rule() -> None:
    assert [route for route in ROUTES if rule_of(route) is None] == []


def test_a_stranger_comes_no_further_than_sign_in(floor: Floor) -> None:
    client = floor.client(None)
    for route in ROUTES:
        address = floor.address(route)
        for answer in (client.get(address), client.post(address)):
            if rule_of(route) == OPEN:
                assert answer.status_code in {200, 400, 405}, route
            elif rule_of(route) == MACHINE:
                assert answer.status_code in {401, 405}, route
            else:
                assert goes_to_sign_in(answer), route


@pytest.mark.parametrize("name", ["alice", "carol", "maud"])
def test_nobody_signs_in_to_what_is_for_a_system_outside(floor: Floor, name: str) -> None:
    for route, answers in statuses(floor, name, (MACHINE,)).items():
        assert answers == (405, 401), route


@pytest.mark.parametrize("name", ["alice", "carol", "maud", "dirk"])
def test_pages_for_everybody_who_is_signed_in(floor: Floor, name: str) -> None:
    for route, (got, sent) in statuses(floor, name, (PERSON,)).items():
        # There are no recovery codes, and agents have no second factor to take away.
        allowed = {404} if re.search("recovery-codes|deactivate", route) else set()
        assert got in {200, 302, 405} | allowed, route
        assert sent in {200, 204, 302, 405, 409, 422} | allowed, route


@pytest.mark.parametrize("name", ["dirk", "door"])
def test_a_call_of_others_is_not_there(floor: Floor, name: str) -> None:
    for route, answers in statuses(floor, name, (DESK, LEADER)).items():
        assert 404 in answers, route
        assert set(answers) <= {404, 405}, route


def test_a_call_of_ours_is(floor: Floor) -> None:
    for route, answers in statuses(floor, "alice", (DESK,)).items():
        assert set(answers) <= {200, 204, 286, 302, 405, 409, 422}, route


def test_what_only_a_supervisor_may_is_not_there_for_an_agent(floor: Floor) -> None:
    for route, answers in statuses(floor, "alice", (LEADER,)).items():
        assert answers == (404, 404), route
    for route, (got, sent) in statuses(floor, "carol", (LEADER,)).items():
        assert got in {200, 405}, route
        assert sent in {200, 302, 405, 409, 422}, route


def test_what_only_a_manager_may_is_not_there_for_anybody_else(floor: Floor) -> None:
    for name in ("alice", "carol", "dirk", "door"):
        for route, answers in statuses(floor, name, (LIFTS,)).items():
            assert answers == (404, 404), route
    for route, answers in statuses(floor, "maud", (LIFTS,)).items():
        assert answers == (200, 422), route


@pytest.mark.parametrize("name", ["alice", "dirk"])
def test_an_agent_finds_no_admin(floor: Floor, name: str) -> None:
    for route, answers in statuses(floor, name, ADMIN, follow=True).items():
        assert answers == (404, 404), route


def test_a_supervisor_of_others_finds_no_row_of_ours(floor: Floor) -> None:
    for route, (got, sent) in statuses(floor, "door", (STAFF_ROW,), follow=True).items():
        assert (got, sent in {403, 404}) == (404, True), route
    for route, (got, _) in statuses(floor, "carol", (STAFF_ROW,), follow=True).items():
        assert got == 200, route


@pytest.mark.parametrize("name", ["carol", "door", "maud"])
def test_every_supervisor_reads_rows_of_the_installation(floor: Floor, name: str) -> None:
    found = statuses(floor, name, (STAFF_ROW_OF_ALL,), follow=True)
    for route, (got, _) in found.items():
        assert got == 200, route


def test_managers_only(floor: Floor) -> None:
    for route, (got, _) in statuses(floor, "maud", (MANAGER,)).items():
        assert got == 200, route
    for route, answers in statuses(floor, "carol", (MANAGER,)).items():
        assert answers == (403, 403), route


@pytest.mark.parametrize("name", ["carol", "maud"])
def test_nobody(floor: Floor, name: str) -> None:
    for route, answers in statuses(floor, name, (NOBODY,)).items():
        assert answers == (403, 403), route


@pytest.mark.parametrize("name", [None, "alice", "maud"])
def test_nothing_is_sent_without_a_token_against_forgery(floor: Floor, name: str | None) -> None:
    client = floor.client(name, enforce_csrf_checks=True)
    for route in ROUTES:
        # A system outside has no page to take a token from.
        refused = 401 if rule_of(route) == MACHINE else 403
        assert client.post(floor.address(route)).status_code == refused, route


@pytest.mark.parametrize("name", [None, "alice", "maud"])
def test_every_answer_carries_the_headers(floor: Floor, name: str | None) -> None:
    client = floor.client(name)
    for address in [*map(floor.address, ROUTES), "/this/is/nowhere/"]:
        answer = client.get(address)
        policy = answer["Content-Security-Policy"].split("; ")
        assert {"default-src 'none'", "frame-ancestors 'none'"} <= set(policy), address
        assert {"script-src 'self'", "style-src 'self'"} <= set(policy), address
        assert "unsafe" not in str(policy), address
        assert answer["X-Content-Type-Options"] == "nosniff", address
        assert answer["Referrer-Policy"] == "same-origin", address
        assert answer["X-Frame-Options"] == "DENY", address
        assert "camera=()" in answer["Permissions-Policy"], address
        if name is not None:
            assert answer["Cache-Control"] == "no-store", address


def test_a_page_comes_compressed_and_its_length_tells_nothing(floor: Floor) -> None:
    client = floor.client("alice")
    answers = [client.get("/", headers={"Accept-Encoding": "gzip"}) for _ in range(8)]
    assert {answer["Content-Encoding"] for answer in answers} == {"gzip"}
    assert "Accept-Encoding" in answers[0]["Vary"]
    # The same page is not always as long, so that its length tells nothing of what is in it.
    assert len({len(answer.content) for answer in answers}) > 1
    assert "Content-Encoding" not in client.get("/")


def test_a_fragment_of_an_ended_session_sends_the_whole_page_to_sign_in(floor: Floor) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/calls/"}
    client = floor.client(None)
    for route in ruled(PERSON, DESK, LEADER):
        address = floor.address(route)
        for answer in (client.get(address, headers=headers), client.post(address, headers=headers)):
            assert answer.status_code == 204, route
            assert answer["HX-Redirect"] == f"{SIGN_IN}?next=%2Fcalls%2F", route


def test_a_get_changes_nothing(floor: Floor) -> None:
    clients = [floor.client(name) for name in ("alice", "carol", "maud")]
    # Some addresses need rows to stand for.
    addresses = [floor.address(route) for route in ROUTES]
    before = everything()
    # Sixty tables are read whole for each look at them, so a few addresses share one.
    for start in range(0, len(addresses), 20):
        some = addresses[start : start + 20]
        for address in some:
            for client in clients:
                client.get(address)
        assert everything() == before, some


def everything() -> dict[str, list[Any]]:
    """All rows but sessions and the log of reads."""
    return {
        model.__name__: list(model._default_manager.order_by("pk").values_list())
        for model in apps.get_models()
        if model is not AuditEntry and model.__name__ != "Session"
    }


PRODUCTION = {
    "DEBUG": "false",
    "SECRET_KEY": "a" * 25 + "0123456789" * 3 + "bcdefghijk",
    "FIELD_KEYS": "b" * 25 + "0123456789" * 3,
    "ALLOWED_HOSTS": "belbord.example.org",
    "DATABASE_URL": "postgres://nobody@127.0.0.1:9/nothing",
    "REDIS_URL": "redis://127.0.0.1:9/0",
    "TAPRAISE_URL": "https://taprise.example.org",
    "TAPRAISE_TOKEN": "a-token-of-production",
    "ALPHACOMM_URL": "https://alphacomm.example.org",
    "ALPHACOMM_TOKEN": "a-key-of-production",
    "ALPHACOMM_WEBHOOK_CREDENTIALS": "alphacomm:a-password-of-production",
}


def test_in_production_cookies_are_for_this_host_over_tls_only() -> None:
    names = ("SESSION_COOKIE", "CSRF_COOKIE")
    wanted = [f"{name}_{part}" for name in names for part in ("NAME", "SECURE", "HTTPONLY", "PATH")]
    script = (
        "from django.conf import settings\n"
        f"print([getattr(settings, name) for name in {wanted!r}])\n"
        "print(settings.SESSION_COOKIE_DOMAIN, settings.CSRF_COOKIE_DOMAIN)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, **PRODUCTION, "DJANGO_SETTINGS_MODULE": "config.settings"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout.splitlines() == [
        "['__Host-session', True, True, '/', '__Host-csrf', True, True, '/']",
        "None None",
    ]
