"""The routes under /__sandbox/ that are Alphacomm's: tests and the demo play the donor with them.

| route | does |
| --- | --- |
| GET /paylinks, /paylinks/{id} | links with everything that is kept of them |
| POST /paylinks/{id} | `{"visited": true}`, or `{"status": "paid", "amount": 1000}`: cents |
| GET /mandates, /mandates/{id} | likewise |
| POST /mandates/{id} | `{"status": "pending"}` or success |
| GET /batches | with the record of each row |
| POST /batches | an empty batch from elsewhere: `name`, `action`, `status` |
| POST /batches/{name} | its `status` from now on |
| GET /scripts | what can be sent, with what each script needs |
| POST /scripts | sets one up: `id`, `name`, `medium`, `carries`, `required` |
| GET /jobs | what was imported, with when it leaves |
| GET /messages | what is on donors' phones, with the address of the link in it |
| POST /messages/{id} | `{"status": "undelivered"}` or delivered |
| GET /voice | what is scheduled and what was rung |
| POST /voice | a call happened: `reference`, `status`, `success`, `script`, `form`, `id` |
| GET /result-file | results of a day as CSV (see results.py): `date`, today by default |
| GET /webhooks | `{"orders", "events"}`: the latest, each with the answers of the product |
| POST /webhooks | where they go, and how badly (see webhook_orders.py) |
| POST /webhooks/{number} | that event once more |
| DELETE /webhooks | forgets the events, and sends no more |

What a donor does is told by webhooks, and is no effect in the journal.
"""

from collections.abc import Callable
from typing import Any, Final

from integrations.sandbox.alphacomm import donor, imports, results
from integrations.sandbox.alphacomm.holdings import Kind
from integrations.sandbox.alphacomm.rows import FIELDS
from integrations.sandbox.alphacomm.showing import show_link, show_mandate
from integrations.sandbox.alphacomm.webhook_orders import WebhookOrders
from integrations.sandbox.paging import Record
from integrations.sandbox.replies import ControlRefusal, Reply, json_reply
from integrations.sandbox.world import World

Orders = dict[str, Any]
Asked = dict[str, str]

_KINDS: Final[dict[str, Kind]] = {
    "paylinks": "links",
    "mandates": "mandates",
    "batches": "batches",
    "scripts": "scripts",
    "jobs": "jobs",
    "messages": "messages",
    "voice": "voice_calls",
}
_BATCH_STATUSES: Final = ("empty", "queued", "running", "done", "error")
_MEDIA: Final = ("sms", "email", "voice")
_CARRIED: Final = ("nothing", "paylink", "mandate")


class AlphacommControl:
    def __init__(self, world: World) -> None:
        self.world = world
        self._orders: dict[tuple[str, str], Callable[[Orders], Any]] = {
            ("POST", "batches"): self._batch,
            ("POST", "scripts"): self._script,
            ("POST", "voice"): self._voice,
            ("POST", "webhooks"): self._set_webhooks,
            ("GET", "webhooks"): lambda _: self._webhooks(),
            ("DELETE", "webhooks"): lambda _: self._forget_webhooks(),
        }
        self._changes: dict[str, Callable[[str, Orders], Any]] = {
            "paylinks": self._change_link,
            "mandates": self._change_mandate,
            "batches": self._change_batch,
            "messages": self._change_message,
            "webhooks": self._fire_again,
        }

    def answer(self, method: str, rest: str, asked: Asked, orders: Orders) -> Reply | None:
        """Carry out one order; None when it is none of Alphacomm's."""
        if (method, rest) == ("GET", "result-file"):
            day = asked.get("date") or self.world.now()[:10]
            file = results.result_file(self.world, day)
            return Reply(200, file.encode(), "text/csv; charset=utf-8")
        order = self._orders.get((method, rest))
        if order is not None:
            return json_reply(200, order(orders))
        kind, _, id_ = rest.partition("/")
        if method == "GET" and kind in _KINDS:
            return json_reply(200, self._one(kind, id_) if id_ else self._all(kind))
        if method == "POST" and id_ and kind in self._changes:
            return json_reply(200, self._changes[kind](id_, orders))
        return None

    # --- looking ---

    def _find(self, kind: str, id_: str) -> Record:
        record = self.world.alphacomm.records[_KINDS[kind]].get(id_)
        if record is None:
            raise ControlRefusal(f"There is no {id_} among the {kind}.")
        return record

    def _one(self, kind: str, id_: str) -> Record:
        return self._shown(kind, self._find(kind, id_))

    def _all(self, kind: str) -> dict[str, list[Record]]:
        records = self.world.alphacomm.records[_KINDS[kind]].values()
        return {kind: [self._shown(kind, one) for one in records]}

    def _shown(self, kind: str, record: Record) -> Record:
        holdings = self.world.alphacomm
        if kind == "paylinks":
            return show_link(holdings, record)
        if kind == "mandates":
            return show_mandate(holdings, record)
        if kind == "messages":
            return {**record, "url": url_in(self.world, record)}
        return record

    # --- the donor ---

    def _change_link(self, id_: str, orders: Orders) -> Record:
        link, at = self._find("paylinks", id_), self.world.now()
        _only(orders, "visited", "status", "amount")
        if orders.get("visited"):
            link = donor.visit(self.world, link, at)
        if "status" in orders:
            amount = orders.get("amount")
            link = donor.move(self.world, link, at, status=orders["status"], amount=amount)
        return self._shown("paylinks", link)

    def _change_mandate(self, id_: str, orders: Orders) -> Record:
        _only(orders, "status")
        mandate = self._find("mandates", id_)
        signed = donor.sign(self.world, mandate, self.world.now(), status=orders.get("status", ""))
        return self._shown("mandates", signed)

    def _voice(self, orders: Orders) -> Record:
        _only(orders, "reference", "script", "status", "success", "form", "id", "direction")
        return donor.be_called(self.world, orders, self.world.now())

    # --- what goes on at Alphacomm without us ---

    def _batch(self, orders: Orders) -> Record:
        _only(orders, "name", "action", "status")
        status = _one_of("status", orders.get("status", "empty"), _BATCH_STATUSES)
        action = _one_of("action", orders.get("action", "IMPORT"), ("IMPORT", "VALIDATE"))
        name = orders.get("name", "")
        return imports.new_batch(
            self.world, self.world.now(), status=status, action=action, name=name
        )

    def _change_batch(self, name: str, orders: Orders) -> Record:
        _only(orders, "status")
        status = _one_of("status", orders.get("status"), _BATCH_STATUSES)
        batch = self._find("batches", name)
        return self.world.alphacomm.change("batches", batch, self.world.now(), status=status)

    def _script(self, orders: Orders) -> Record:
        _only(orders, "id", "name", "medium", "carries", "required")
        required = orders.get("required", [])
        unknown = set(required) - set(FIELDS)
        if unknown:
            raise ControlRefusal(f"A record has no {', '.join(sorted(unknown))}.")
        script = {
            "id": str(orders.get("id", "")),
            "name": orders.get("name", ""),
            "medium": _one_of("medium", orders.get("medium", "sms"), _MEDIA),
            "carries": _one_of("carries", orders.get("carries", "nothing"), _CARRIED),
            "required": required,
        }
        if not script["id"].isdigit():
            raise ControlRefusal("id is a number.")
        return self.world.alphacomm.put("scripts", script, self.world.now())

    def _change_message(self, id_: str, orders: Orders) -> Record:
        _only(orders, "status")
        status = _one_of("status", orders.get("status"), ("delivered", "undelivered"))
        message, at = self._find("messages", id_), self.world.now()
        return self.world.alphacomm.change("messages", message, at, status=status)

    # --- webhooks ---

    def _webhooks(self) -> dict[str, Any]:
        holdings = self.world.alphacomm
        return {"orders": holdings.webhooks.as_dict(), "events": list(holdings.events)}

    def _set_webhooks(self, orders: Orders) -> dict[str, Any]:
        holdings = self.world.alphacomm
        holdings.webhooks = holdings.webhooks.changed(orders)
        return self._webhooks()

    def _forget_webhooks(self) -> dict[str, Any]:
        self.world.alphacomm.webhooks = WebhookOrders()
        self.world.alphacomm.events.clear()
        return self._webhooks()

    def _fire_again(self, number: str, _: Orders) -> Record:
        holdings = self.world.alphacomm
        for event in holdings.events:
            if str(event["number"]) == number:
                if holdings.listener is not None:
                    holdings.listener(event)
                return event
        raise ControlRefusal(f"There is no {number} among the events.")


def url_in(world: World, message: Record) -> str | None:
    """The short address that stands in a message, if it carries one."""
    holdings = world.alphacomm
    if message["link"]:
        return str(show_link(holdings, holdings.records["links"][message["link"]])["shortUrl"])
    if message["mandate"]:
        mandate = holdings.records["mandates"][message["mandate"]]
        return str(show_mandate(holdings, mandate)["shortUrl"])
    return None


def _only(orders: Orders, *known: str) -> None:
    unknown = orders.keys() - set(known)
    if unknown:
        raise ControlRefusal(f"There is no field {', '.join(sorted(unknown))}.")


def _one_of(name: str, value: Any, known: tuple[str, ...]) -> str:
    if value not in known:
        raise ControlRefusal(f"{name} is one of: {', '.join(known)}.")
    return str(value)
