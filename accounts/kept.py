"""What says the same until what it is made of changes: made once, and kept by the process for a
while.

What is kept may name donors: nothing stays longer than `seconds`, and nothing is written down.
"""

from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

from cachetools import TTLCache

Made = TypeVar("Made")


class Kept(Generic[Made]):
    """So many of a kind, each for so many seconds after it was made, by what each is made of.

    The key names all of that: two with one key are the same thing. Who may see it belongs to the
    key where not everybody may.
    """

    def __init__(self, *, most: int, seconds: int) -> None:
        self._made: TTLCache[Hashable, Made] = TTLCache(maxsize=most, ttl=seconds)
        self._lock = Lock()

    def get(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """What was made of this; made now where there is none. Two threads may both make it."""
        with self._lock:
            known = self._made.get(key)
        if known is None:
            known = make()
            with self._lock:
                self._made[key] = known
        return known

    def clear(self) -> None:
        """All of it is made anew."""
        with self._lock:
            self._made.clear()
