"""The people, the organisations and the other side that every story shares.

Alice and Bob are agents of one organisation, Carol supervises them, Dirk is an agent of another.
Their TapRaise uuids and organisations are the sandbox's own, so what they send is known there.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from django.db import connections
from django.utils import translation
from pytest_django import Settings

from accounts.models import User
from calls.management.commands.demo import SCRIPTS
from calls.models import Call
from calls.views import insight
from integrations.sandbox import names
from integrations.sandbox.app import SandboxApp
from integrations.sandbox.server import running
from integrations.sandbox.world import World
from pledges.models import MessageScript, Organization
from tests.factories import MessageScriptFactory, OrganizationFactory, UserFactory
from tests.mirror import mirrored
from tests.stage import Stage


@pytest.fixture(scope="session")
def django_db_modify_db_settings(tmp_path_factory: pytest.TempPathFactory) -> None:
    """On SQLite the tests use a file, as the product does: threads cannot share one in memory."""
    database = connections["default"]
    if database.vendor == "sqlite":
        file = tmp_path_factory.mktemp("database") / "tests.sqlite3"
        database.settings_dict["TEST"]["NAME"] = str(file)
    elif worker := os.environ.get("PYTEST_XDIST_WORKER"):
        name = f"test_{database.settings_dict['NAME']}_{worker}"
        database.settings_dict["TEST"]["NAME"] = name


@dataclass(frozen=True)
class Sandbox:
    """The other side, over real HTTP: its world, and the address at which it answers."""

    world: World
    app: SandboxApp
    base_url: str

    def effects(self, operation: str | None = None) -> list[dict[str, Any]]:
        """What the sandbox did on request, oldest first: the judge of every story."""
        with self.world.lock:
            self.world.settle()
            found = list(self.world.journal.effects)
        return [one for one in found if operation in (None, one["operation"])]

    def requests(self, method: str | None = None) -> list[dict[str, Any]]:
        """What the sandbox was asked, oldest first."""
        with self.world.lock:
            found = list(self.world.journal.requests)
        return [one for one in found if method in (None, one["method"])]

    def open_call(self) -> Call:
        """A call that waits to be made there, with the rows that a walk would have saved here."""
        return mirrored(self.world)


@pytest.fixture
def stage(settings: Settings, db: None) -> Iterator[Stage]:
    """TapRaise played in this process, by the same clock as our own side: time passes at will."""
    settings.TAPRAISE_URL = "http://sandbox"
    settings.TAPRAISE_TOKEN = names.TOKEN
    settings.TAPRAISE_ACCOUNTS = {}
    with Stage.set_up() as made:
        yield made


@pytest.fixture
def sandbox(settings: Settings) -> Iterator[Sandbox]:
    """TapRaise, played on this machine; settings point at it for the length of the story."""
    world = World(seed=7, calls=60)
    app = SandboxApp(world)
    with running(app) as base_url:
        settings.TAPRAISE_URL = base_url
        settings.TAPRAISE_TOKEN = names.TOKEN
        settings.TAPRAISE_ACCOUNTS = {}
        yield Sandbox(world, app, base_url)


def _organization(known: names.Organization, **columns: Any) -> Organization:
    made: Organization = OrganizationFactory(uuid=UUID(known.uuid), name=known.name, **columns)
    return made


@pytest.fixture
def belcentrum(db: None) -> Organization:
    """The call centre: the calls that name it are ours to make."""
    return _organization(names.CALLING_ORGANIZATION, is_ours=True)


@pytest.fixture
def helder_water(db: None) -> Organization:
    """The charity whose donors Alice, Bob and Carol speak with."""
    return _organization(names.HELDER_WATER)


@pytest.fixture
def scripts(helder_water: Organization) -> dict[str, MessageScript]:
    """The messages that the sandbox knows, by their number."""
    return {
        script.script_id: MessageScriptFactory(
            organization=helder_water,
            script_id=script.script_id,
            name=script.name,
            medium=script.medium,
            carries=script.carries,
            required_fields=list(script.required_fields),
        )
        for script in SCRIPTS
    }


@pytest.fixture
def dierenhulp(db: None) -> Organization:
    """Another charity, Dirk's."""
    return _organization(names.DIERENHULP)


@pytest.fixture
def overkant(db: None) -> Organization:
    """Another call centre, Dirk's."""
    return _organization(names.OTHER_CALLING_ORGANIZATION)


def _person_of_ours(name: str, tapraise_uuid: str, *organizations: Organization, role: str) -> User:
    user: User = UserFactory(
        username=name,
        first_name=name.capitalize(),
        role=role,
        tapraise_user_uuid=UUID(tapraise_uuid),
        organizations=list(organizations),
    )
    return user


@pytest.fixture
def alice(belcentrum: Organization, helder_water: Organization) -> User:
    """An agent."""
    return _person_of_ours("alice", names.ALICE, belcentrum, helder_water, role=User.Role.AGENT)


@pytest.fixture
def bob(belcentrum: Organization, helder_water: Organization) -> User:
    """An agent of the same organisation as Alice."""
    return _person_of_ours("bob", names.BOB, belcentrum, helder_water, role=User.Role.AGENT)


@pytest.fixture
def carol(belcentrum: Organization, helder_water: Organization) -> User:
    """The supervisor of Alice and Bob."""
    return _person_of_ours(
        "carol", names.CAROL, belcentrum, helder_water, role=User.Role.SUPERVISOR
    )


@pytest.fixture
def dirk(overkant: Organization, dierenhulp: Organization) -> User:
    """An agent of another organisation, who may see nothing of theirs."""
    return _person_of_ours("dirk", names.DIRK, overkant, dierenhulp, role=User.Role.AGENT)


@pytest.fixture(autouse=True)
def _nothing_is_kept() -> None:
    """A page of insight stands for a minute; every story has the same organisations."""
    insight.WRITTEN.clear()


@pytest.fixture(autouse=True)
def _in_english() -> Iterator[None]:
    """A request leaves its language with the thread: no story hears the one before it.

    Who asks over HTTP has a language of their own; this is for what a story calls directly.
    """
    with translation.override("en"):
        yield


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Settings) -> None:
    """Argon2 is slow on purpose; no story here is about guessing passwords."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
