"""Pages that are fetched ahead: one, in order, and nothing left behind."""

import threading
import time
from collections.abc import Generator

import pytest

from integrations.http import Unclear, ahead


class TestAhead:
    def test_one_page_is_fetched_while_another_is_worked_on(self) -> None:
        fetched: list[int] = []
        second = threading.Event()

        def pages() -> Generator[int, None, None]:
            for number in range(5):
                fetched.append(number)
                if number == 1:
                    second.set()
                yield number

        seen = []
        for page in ahead(pages()):
            assert second.wait(5)
            time.sleep(0.01)
            assert len(fetched) <= page + 2
            seen.append(page)
        assert seen == [0, 1, 2, 3, 4]

    def test_what_goes_wrong_is_raised_in_its_place(self) -> None:
        def pages() -> Generator[int, None, None]:
            yield 1
            yield 2
            raise Unclear("No answer")

        walk = ahead(pages())
        assert [next(walk), next(walk)] == [1, 2]
        with pytest.raises(Unclear):
            next(walk)

    def test_who_stops_early_leaves_nothing_running(self) -> None:
        closed = []

        def pages() -> Generator[int, None, None]:
            try:
                while True:
                    yield 1
            finally:
                closed.append(True)

        fetching = pages()
        walk = ahead(fetching)
        assert next(walk) == 1
        walk.close()  # type: ignore[attr-defined]
        assert closed == [True]
        assert not [one for one in threading.enumerate() if one.name.startswith("ahead")]
