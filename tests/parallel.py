"""How tests are spread over processes: what starts the whole product first, and on one of them.

pytest-xdist has groups for this, but its 3.8 does not apply them under pytest 9.2.
"""

import gc
import re
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

# Each stays together, on one worker and in one stretch: those in a browser share a product. What
# takes longest comes first.
STRETCHES = (
    re.compile(r"tests/browser/test_(?!.*looks\.py)"),
    re.compile(r"tests/browser/"),
    re.compile(r"tests/test_commands\.py"),
)


def _stretch(nodeid: str) -> int:
    return next((n for n, named in enumerate(STRETCHES) if named.match(nodeid)), len(STRETCHES))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # After the shuffle, which stays as it is among the rest.
    items.sort(key=lambda item: _stretch(item.nodeid))


def pytest_collection_finish() -> None:
    """Leave what is loaded by now out of every later round of the garbage collector, a tenth of
    the time of a test, and have fewer of those."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


class InStretches(LoadScopeScheduling):  # type: ignore[misc]
    """Tests one by one to whichever worker is free, but for the stretches."""

    def _split_scope(self, nodeid: str) -> str:
        stretch = _stretch(nodeid)
        return STRETCHES[stretch].pattern if stretch < len(STRETCHES) else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> InStretches:
    config.option.loadscopereorder = False
    return InStretches(config, log)
