"""Pledges to tell stories about: those of Helder Water at the sandbox, mirrored here."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from pytest_django import Settings

from accounts.models import User
from integrations import clients
from integrations.sandbox import names
from integrations.sandbox.clock import as_text
from pledges.models import Organization, Person, Pledge
from pledges.sync import save_pledges
from tests.factories import (
    CallingRulesFactory,
    PaymentRulesFactory,
    PersonFactory,
)
from tests.pledges.paying import Till
from tests.stage import Stage

# Gives one more lead of the sandbox as a walk would have saved it; keywords, in the words of the
# API, say what it is like there.
Mirror = Callable[..., Pledge]


@pytest.fixture
def mirror(stage: Stage) -> Mirror:
    def mirror(*, owner: str = names.HELDER_WATER.uuid, **fields: Any) -> Pledge:
        known = {str(uuid) for uuid in Pledge.objects.values_list("pk", flat=True)}
        pledge = next(
            pledge
            for uuid, pledge in stage.world.pledges.items()
            if uuid not in known
            and pledge["owningOrganizationUuid"] == owner
            and pledge["status"] == "lead"
            and pledge["externalSource"] is None
        )
        change_there(stage, UUID(pledge["uuid"]), **fields)
        return bring(stage, UUID(pledge["uuid"]))

    return mirror


def bring(stage: Stage, uuid: UUID) -> Pledge:
    """What a walk that comes by now would make of this pledge."""
    record = clients.tapraise().pledge(uuid=uuid)
    save_pledges([record], account="default", include=("transactions",), fetched_at=stage.now)
    return Pledge.objects.get(pk=uuid)


def change_there(stage: Stage, uuid: UUID, **fields: Any) -> None:
    """Somebody at TapRaise changes the pledge, a second later."""
    stage.pass_time(1)
    with stage.world.lock:
        stage.world.change_pledge(stage.world.pledges[str(uuid)], as_text(stage.now), **fields)


@pytest.fixture
def payer(helder_water: Organization) -> Person:
    """A donor of Helder Water, who may be called and written to at any hour."""
    CallingRulesFactory(organization=helder_water)
    PaymentRulesFactory(organization=helder_water)
    made: Person = PersonFactory(owning_organization=helder_water)
    return made


@pytest.fixture
def till(stage: Stage, settings: Settings, payer: Person, alice: User) -> Iterator[Till]:
    """Alice and that donor, with Alphacomm played by the stage."""
    with Till.opened(stage, settings, payer, alice) as made:
        yield made
