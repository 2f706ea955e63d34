"""Histories in bad weather, a hundred and twenty of them; SIMULATION_HISTORIES asks for more.

Each is named by its seed: SIMULATION_SEED=<seed> SIMULATION_HISTORIES=1 plays that one again.
"""

import os
from collections import Counter

import pytest
from django.db import transaction

from accounts.models import User
from tests.simulation.history import History, Weather
from tests.simulation.judge import Judgement

HISTORIES = int(os.environ.get("SIMULATION_HISTORIES", "120"))
SEED = int(os.environ.get("SIMULATION_SEED", "1"))


def play(weather: Weather, user: User, *, histories: int, seed: int = SEED) -> list[Judgement]:
    """Play them one after another, each on a table as empty as the first one's."""
    judgements = []
    for number in range(seed, seed + histories):
        before = transaction.savepoint()
        judgement = History(number, weather, user).play()
        transaction.savepoint_rollback(before)
        assert not judgement.violations, f"seed {number}: {judgement.violations}"
        judgements.append(judgement)
    totals = Counter[str]()
    for judgement in judgements:
        totals.update({k: v for k, v in vars(judgement).items() if isinstance(v, int)})
    print(f"{weather}: {histories} histories from seed {seed}: {dict(totals)}")
    return judgements


@pytest.mark.django_db
def test_nothing_is_lost_doubled_out_of_order_or_wrongly_green(alice: User) -> None:
    for weather in (Weather(), Weather(faults=0.7, crashes=0.4)):
        judgements = play(weather, alice, histories=HISTORIES * 2 // 5)
        assert sum(judgement.doubled for judgement in judgements) == 0


@pytest.mark.django_db
def test_in_ordinary_weather_hardly_anybody_has_to_decide(alice: User) -> None:
    judgements = play(Weather(faults=0.05, crashes=0.02), alice, histories=HISTORIES // 5)
    messages = sum(judgement.messages for judgement in judgements)
    # Half a percent, and one more for the luck of a small number.
    assert sum(judgement.undecided for judgement in judgements) <= messages * 0.005 + 1


@pytest.mark.django_db
def test_effects_later_than_we_count_with_are_seen_when_they_double(alice: User) -> None:
    play(Weather(latest=600), alice, histories=HISTORIES // 5, seed=SEED + 100_000)
