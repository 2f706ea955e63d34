"""The result file that the account gets at the end of a day.

The document names it without its columns; these are the sandbox's own. A semicolon stands between
them, times are RFC 3339, and no line says who the donor is.

| column | holds |
| --- | --- |
| script | the script's id |
| reference | of the record |
| medium | sms, email or voice |
| result | delivered or undelivered; of a voice call success, no success or its status |
| time | when it was sent or rung |
| paylink | the id of the link that the script made, if any |
| paylink_status | how that link stands |
| amount_paid | on that link, in cents |
"""

import csv
import io
from collections.abc import Iterator
from typing import Final

from integrations.sandbox.alphacomm.showing import show_link, time_text
from integrations.sandbox.paging import Record
from integrations.sandbox.world import World

COLUMNS: Final = (
    "script",
    "reference",
    "medium",
    "result",
    "time",
    "paylink",
    "paylink_status",
    "amount_paid",
)


def result_file(world: World, day: str) -> str:
    """What went out on that day (such as 2026-11-26, by UTC), grouped by script."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, restval="", delimiter=";", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(sorted(_lines(world, day), key=lambda line: (line["script"], line["time"])))
    return out.getvalue()


def _lines(world: World, day: str) -> Iterator[Record]:
    holdings = world.alphacomm
    for message in holdings.records["messages"].values():
        if message["createdOn"].startswith(day):
            line = {
                "script": message["script"],
                "reference": message["reference"],
                "medium": message["medium"],
                "result": message["status"],
                "time": time_text(message["createdOn"]),
            }
            if message["link"]:
                link = show_link(holdings, holdings.records["links"][message["link"]])
                line |= {
                    "paylink": link["id"],
                    "paylink_status": link["status"],
                    "amount_paid": link["amountPaid"],
                }
            yield line
    for request in holdings.records["voice_calls"].values():
        for call in request["calls"]:
            if call["at"].startswith(day):
                result = "success" if call["success"] else "no success"
                yield {
                    "script": request["script"],
                    "reference": request["reference"],
                    "medium": "voice",
                    "result": result if call["status"] == "finished" else call["status"],
                    "time": time_text(call["at"]),
                }
