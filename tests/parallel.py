"""How tests are spread over processes: what starts the whole product first, and on one of them.

pytest-xdist has groups for this, but its 3.8 does not apply them under pytest 9.2.
"""

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

# Each stays together, on one worker and in one stretch; what takes longest comes first.
STRETCHES = ("tests/browser/", "tests/test_commands.py")


def _stretch(nodeid: str) -> int:
    return next((n for n, start in enumerate(STRETCHES) if nodeid.startswith(start)), 99)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # After the shuffle, which stays as it is among the rest.
    items.sort(key=lambda item: _stretch(item.nodeid))


class InStretches(LoadScopeScheduling):  # type: ignore[misc]
    """Tests one by one to whichever worker is free, but for the stretches."""

    def _split_scope(self, nodeid: str) -> str:
        stretch = _stretch(nodeid)
        return STRETCHES[stretch] if stretch < len(STRETCHES) else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> InStretches:
    config.option.loadscopereorder = False
    return InStretches(config, log)
