"""Where webhooks go, and how badly they are delivered."""

from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Self
from urllib.parse import urlsplit


@dataclass(frozen=True, kw_only=True)
class WebhookOrders:
    # An address on this machine; empty: events fire, and nobody is told.
    url: str = ""
    user: str = ""
    password: str = ""
    # Every event goes out so many times, with one id.
    times: int = 1
    # Events of the same half second leave in any order.
    shuffle: bool = False
    delay_seconds: float = 0
    # How likely a copy is to be nonsense.
    malformed: float = 0
    # A link is looked at before the answer to its own creation is out.
    early: bool = False
    # After an answer that is no 2xx, or none: how long until the next try. Then it is given up.
    retry_seconds: tuple[float, ...] = (1, 5, 25)

    def changed(self, orders: dict[str, Any]) -> Self:
        """A copy with some orders set anew. ValueError says in one sentence what is wrong."""
        unknown = orders.keys() - {field.name for field in fields(self)}
        if unknown:
            raise ValueError(f"Webhooks have no {', '.join(sorted(unknown))}.")
        given = dict(orders)
        if "retry_seconds" in given:
            given["retry_seconds"] = tuple(float(one) for one in given["retry_seconds"])
        for name in {"delay_seconds", "malformed"} & given.keys():
            given[name] = float(given[name])
        changed = replace(self, **given)
        texts = (changed.url, changed.user, changed.password)
        if not all(isinstance(one, str) for one in texts):
            raise ValueError("url, user and password are texts.")
        if changed.url and not _is_on_this_machine(changed.url):
            raise ValueError("Webhooks go to http://127.0.0.1 alone.")
        if not 1 <= changed.times <= 100:
            raise ValueError("times is a number from 1 to 100.")
        return changed

    def as_dict(self) -> dict[str, Any]:
        """Everything but the password."""
        return {name: value for name, value in asdict(self).items() if name != "password"}


def _is_on_this_machine(url: str) -> bool:
    address = urlsplit(url)
    is_here = address.scheme == "http" and address.hostname == "127.0.0.1"
    # Reading a port that is none raises ValueError.
    return is_here and not address.username and (address.port or 80) > 0
