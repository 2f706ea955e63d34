"""What is made once: for each thing that it is made of, and for a while."""

import itertools
import time

from accounts.kept import Kept


def test_each_is_made_once() -> None:
    kept, number = Kept[int](most=10, seconds=60), itertools.count()

    first, other = (kept.get(key, lambda: next(number)) for key in ("alice", "bob"))

    assert first != other
    assert kept.get("alice", lambda: next(number)) == first
    assert kept.get("bob", lambda: next(number)) == other


def test_nothing_is_remembered_for_longer_than_was_said() -> None:
    kept = Kept[str](most=10, seconds=1)
    kept.get("donor", lambda: "Fenna")
    time.sleep(1.1)
    assert kept.get("donor", lambda: "made anew") == "made anew"


def test_the_oldest_make_room() -> None:
    kept = Kept[int](most=2, seconds=60)
    for key in range(5):
        kept.get(key, lambda: 0)
    assert kept.get(0, lambda: 1) == 1
