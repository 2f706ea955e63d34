"""When a token runs out, as far as it says so itself."""

import base64
import json
import math
from datetime import UTC, datetime
from typing import Any, Final

# The end of the calendar, in seconds since 1970.
_LAST: Final = datetime.max.replace(tzinfo=UTC).timestamp()


def expires_at(token: str) -> datetime | None:
    """The moment named by `exp` of a JWT (RFC 7519); None for a token of any other kind.

    Nothing is verified: TapRaise alone knows whether the token is good.
    """
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims: Any = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return None
    seconds = claims.get("exp") if isinstance(claims, dict) else None
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    if not (math.isfinite(seconds) and 0 < seconds < _LAST):
        return None
    return datetime.fromtimestamp(seconds, UTC)
