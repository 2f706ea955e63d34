"""What the sandbox was asked and what it did: the judge of every story about lost or doubled work.

An effect is a change that a request of the API brought about; changes made through the control
routes are not effects of ours and are not journalled here. Numbers rise over both lists.
"""

from collections import deque
from typing import Any

Entry = dict[str, Any]


class Journal:
    """Effects are kept until cleared; of the requests only the latest."""

    REQUESTS_KEPT = 50_000

    def __init__(self, effects: list[Entry] | None = None, last_number: int = 0) -> None:
        self.effects: list[Entry] = effects or []
        self.requests: deque[Entry] = deque(maxlen=self.REQUESTS_KEPT)
        self.last_number = last_number

    def note_request(self, method: str, path: str, query: str, at: str) -> Entry:
        """Begin a request's entry; its status, operation and fault follow once they are known."""
        entry = {
            "number": self._next_number(),
            "at": at,
            "method": method,
            "path": path,
            "query": query,
            "operation": None,
            "uuid": None,
            "status": None,
            "fault": None,
        }
        self.requests.append(entry)
        return entry

    def note_effect(
        self, operation: str, uuid: str, body: dict[str, Any], at: str, request: int
    ) -> None:
        self.effects.append(
            {
                "number": self._next_number(),
                "request": request,
                "operation": operation,
                "uuid": uuid,
                "body": body,
                "applied_at": at,
            }
        )

    def clear(self) -> None:
        self.effects.clear()
        self.requests.clear()

    def _next_number(self) -> int:
        self.last_number += 1
        return self.last_number
