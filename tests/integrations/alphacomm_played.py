"""Alphacomm as its schema has it: what graphql-core refuses is refused, the rest is a few lists."""

import datetime as dt
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from graphql import GraphQLScalarType, build_schema, graphql_sync

import integrations.sandbox

SCHEMA = build_schema(
    (Path(integrations.sandbox.__file__).parent / "alphacomm.graphql").read_text("utf-8")
)
TOKEN = "a-key-of-the-portal"

Json = dict[str, Any]


def _date_time(text: Any) -> str:
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)", str(text)):
        raise ValueError("DateTime is RFC 3339")
    dt.datetime.fromisoformat(text)
    return str(text)


def _date(text: Any) -> str:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", str(text)):
        raise ValueError("Date is a date")
    return str(text)


for name, parse in (("DateTime", _date_time), ("Date", _date)):
    scalar = SCHEMA.type_map[name]
    assert isinstance(scalar, GraphQLScalarType)
    scalar.parse_value = parse  # type: ignore[assignment]


class Played:
    """What it holds, what it was asked, and how it answers."""

    def __init__(self) -> None:
        self.pay_links: list[Json] = []
        self.mandates: list[Json] = []
        self.batches: list[Json] = []
        self.requests: list[Json] = []
        self.headers: list[dict[str, str]] = []
        self.largest_page = 100
        self.url = ""

    def answer(self, body: Json) -> Json:
        self.requests.append(body)
        result = graphql_sync(
            SCHEMA, body["query"], root_value=self._root(), variable_values=body.get("variables")
        )
        said = dict(result.formatted)
        if said["data"] is None:
            # What is found wrong before anything is begun goes without data.
            del said["data"]
        return said

    def _root(self) -> Json:
        def create_pay_link(_: Any, payLink: Json) -> Json:  # noqa: N803  (its name there)
            assert re.fullmatch(r"[0-9]+", payLink["invoiceAmount"])
            attributes = [
                {"id": f"customer_{one['id']}", "value": one["value"]}
                for one in payLink["attributes"]
            ]
            made = link(len(self.pay_links), attributes=attributes)
            self.pay_links.append({**made, "personName": payLink["personName"]})
            return self.pay_links[-1]

        def create_mandate(_: Any, mandate: Json) -> Json:
            named = {key: mandate[key] for key in ("personName", "reference", "type")}
            self.mandates.append({"id": f"mandate-{len(self.mandates)}", "status": "new", **named})
            return self.mandates[-1]

        def add_records(_: Any, file: Json | None = None, rows: list[Json] | None = None) -> Json:
            name = f"20261102-{len(self.batches)}"
            status = "queued" if file else "done"
            self.batches.append({"name": name, "action": "IMPORT", "status": status})
            accepted = [
                {
                    "reference": row["reference"],
                    "scriptId": row["script"],
                    "status": "accepted",
                    "messages": [],
                }
                for row in rows or ()
            ]
            return {**self.batches[-1], "records": accepted}

        return {
            "payLink": {"payLinks": self._list("pay_links"), "create": create_pay_link},
            "mandate": {"mandates": self._list("mandates"), "create": create_mandate},
            "import": {"batches": self._list("batches"), "addRecords": add_records},
            "voice": {"stopCalling": lambda *_, **__: "done"},
        }

    def _list(self, name: str) -> Any:
        def resolve(
            _: Any,
            filters: Json | None = None,
            order: Json | None = None,
            offset: int = 0,
            limit: int = 20,
        ) -> Json:
            found = [one for one in getattr(self, name) if _fits(one, filters or {})]
            if order:
                is_down = order["createdOn"] == "DESCENDING"
                found.sort(key=lambda one: str(one.get("createdOn")), reverse=is_down)
            size = min(limit, self.largest_page)
            # As in an example of the document, the limit comes back as nought.
            pagination = {"offset": offset, "limit": 0, "total": len(found)}
            return {"items": found[offset : offset + size], "pagination": pagination}

        return resolve


def link(number: int, **changes: Any) -> Json:
    """A payment link that is one second younger than the one before."""
    at = dt.datetime(2026, 11, 2, 9, 0, tzinfo=dt.UTC) + dt.timedelta(seconds=number)
    return {
        "id": f"link-{number}",
        "status": "ready",
        "shortUrl": f"https://ibanaccept.test/{number}",
        "longUrl": f"https://alphacomm.test/pay/link-{number}",
        "attributes": [],
        "amountPaid": 0,
        "createdOn": at.isoformat(),
        "updatedOn": at.isoformat(),
        **changes,
    }


def _fits(one: Json, filters: Json) -> bool:
    pairs = {(each["id"], each["value"]) for each in one.get("attributes", ())}
    if any((each["id"], each["equalTo"]) not in pairs for each in filters.get("attributes", ())):
        return False
    window = filters.get("createdOn", {})
    at = str(one.get("createdOn"))
    if not window.get("greaterThan", "") < at < window.get("lesserThan", "~"):
        return False
    equal = {name: filters[name]["equalTo"] for name in ("id", "name", "status") if name in filters}
    return all(one.get(name) == wanted for name, wanted in equal.items())


@contextmanager
def played() -> Iterator[Played]:
    """Alphacomm at an address of this machine."""
    it = Played()

    class Answering(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            it.headers.append(dict(self.headers))
            content = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers["X-AUTH-TOKEN"] != TOKEN or self.path != "/v1":
                self._say(401, {"errors": [{"message": "Unauthorized"}]})
            else:
                self._say(200, it.answer(json.loads(content)))

        def _say(self, status: int, said: Json) -> None:
            body = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    it.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield it
    finally:
        server.shutdown()
        server.server_close()
