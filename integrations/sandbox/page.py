"""The page under /__sandbox/ on which a person sees what the stand-in knows and did."""

from html import escape
from typing import Any, Final, NamedTuple

from integrations.sandbox import troubles
from integrations.sandbox.faults import Faults
from integrations.sandbox.world import World

STYLE: Final = """\
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
:root { background: Canvas; color: CanvasText; }
body { margin: 0 auto; max-width: 75rem; padding: 1rem; }
h1 { font-size: 1.5rem; }
h2 { font-size: 1.1rem; margin-block: 2rem 0.5rem; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid color-mix(in srgb, currentcolor 20%, transparent);
  padding: 0.25rem 0.75rem 0.25rem 0; text-align: start; vertical-align: top; }
.wide { overflow-x: auto; }
p { overflow-wrap: anywhere; }
.buttons { display: flex; flex-wrap: wrap; gap: 0.5rem; list-style: none; padding: 0; }
.own { display: flex; flex-wrap: wrap; gap: 0.5rem 1rem; align-items: end; }
.own label { display: grid; }
button, input, select { box-sizing: border-box; font: inherit; min-height: 2.25rem;
  padding: 0.25rem 0.75rem; border-radius: 0.4rem; max-width: 100%; text-align: start;
  border: 1px solid color-mix(in srgb, currentcolor 50%, transparent); }
td { font-variant-numeric: tabular-nums; }
"""
LATEST: Final = 50

Row = tuple[Any, ...]


class Link(NamedTuple):
    """A cell that leads somewhere."""

    path: str
    text: str


def render(world: World, faults: Faults) -> str:
    """Counts, the latest of the journal and the active faults, as one plain page."""
    statuses = ("requested", "completed", "cancelled", "expired")
    counted = [call["status"] for call in world.calls.values()]
    counts = [(status.capitalize(), counted.count(status)) for status in statuses]
    counts += [
        ("Persons", len(world.persons)),
        ("Pledges", len(world.pledges)),
        ("Transactions", len(world.transactions)),
    ]
    effects = [
        (one["number"], one["applied_at"], one["operation"], one["uuid"])
        for one in world.journal.effects[: -LATEST - 1 : -1]
    ]
    requests = [
        (
            one["number"],
            one["at"],
            f"{one['method']} {one['path']}",
            "no answer" if one["status"] is None else one["status"],
            one["fault"] or "",
        )
        for one in list(world.journal.requests)[: -LATEST - 1 : -1]
    ]
    rules = [
        (rule.id, rule.kind, rule.operation, rule.uuid or "every", rule.struck, rule.until or "")
        for rule in faults.rules
    ]
    links, mandates, events = _donor_rows(world)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sandbox</title>
<link rel="stylesheet" href="/__sandbox/style.css">
</head>
<body>
<main>
<h1>The sandbox: stand-ins for TapRaise and Alphacomm</h1>
<p>Its clock says {escape(world.now())}. Everybody in it is invented (seed {world.seed}).</p>
<h2>What it holds</h2>
{_table(("Kind", "Number"), counts)}
<h2>What the donor can do</h2>
<p><a href="/__sandbox/phone" hreflang="nl">The donor's phone</a> shows every message and link that
went out: open one there to look, pay, sign or let it fail.</p>
{_table(("PayLink", "Made at", "Reference", "Cents", "Status", "Looked at"), links)}
{_table(("Mandate", "Made at", "Reference", "Status"), mandates)}
{troubles.render(world, faults)}
{_table(("Id", "Kind", "Operation", "Record", "Struck", "Until"), rules)}
<h2>Webhooks, newest first</h2>
<p>Sent to {escape(world.alphacomm.webhooks.url or "nobody")}.</p>
{_table(("Number", "At", "Event", "Service", "Answers"), events)}
<h2>Effects, newest first</h2>
{_table(("Number", "Applied at", "Operation", "Record"), effects)}
<h2>Requests, newest first</h2>
{_table(("Number", "At", "Request", "Status", "Fault"), requests)}
</main>
</body>
</html>
"""


def _donor_rows(world: World) -> tuple[list[Row], list[Row], list[Row]]:
    """The latest links, mandates and webhooks."""
    records = world.alphacomm.records
    links: list[Row] = [
        (
            Link(f"/__sandbox/pay/{one['id']}", one["id"]),
            one["createdOn"],
            one["reference"] or one["invoiceReference"],
            one["invoiceAmount"],
            one["status"],
            one["visitedOn"] or "",
        )
        for one in list(records["links"].values())[: -LATEST - 1 : -1]
    ]
    mandates: list[Row] = [
        (
            Link(f"/__sandbox/sign/{one['id']}", one["id"]),
            one["createdOn"],
            one["reference"],
            one["status"],
        )
        for one in list(records["mandates"].values())[: -LATEST - 1 : -1]
    ]
    events: list[Row] = [
        (
            one["number"],
            one["at"],
            one["body"].get("event", "VoiceCallCompleted (legacy)"),
            one["body"].get("serviceId", one["body"]["id"]),
            ", ".join(str(sending["status"] or "no answer") for sending in one["sendings"]),
        )
        for one in list(world.alphacomm.events)[: -LATEST - 1 : -1]
    ]
    return links, mandates, events


def _cell(value: Any) -> str:
    if isinstance(value, Link):
        return f'<a href="{escape(value.path)}">{escape(value.text)}</a>'
    return escape(str(value))


def _table(heads: tuple[str, ...], rows: list[Row]) -> str:
    if not rows:
        return "<p>None.</p>"
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in heads)
    body = "\n".join(
        "<tr>" + "".join(f"<td>{_cell(value)}</td>" for value in row) + "</tr>" for row in rows
    )
    table = f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"
    # On a phone it is moved sideways, by keys too.
    name = escape(", ".join(heads))
    return f'<div class="wide" tabindex="0" role="group" aria-label="{name}">{table}</div>'
