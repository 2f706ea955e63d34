"""What a donor sees, in Dutch: their phone, a link to pay by, a mandate to sign.

Plain forms and no scripts: whoever shows the demo plays the donor here.
"""

from datetime import datetime
from html import escape
from typing import Any, Final
from zoneinfo import ZoneInfo

from integrations.sandbox.alphacomm.control import url_in
from integrations.sandbox.clock import parse
from integrations.sandbox.paging import Record
from integrations.sandbox.world import World

STYLE: Final = """\
:root { color-scheme: light dark; font: 17px/1.5 system-ui, sans-serif; }
:root { background: Canvas; color: CanvasText; }
body { margin: 0 auto; max-width: 34rem; padding: 1rem; }
h1 { font-size: 1.5rem; }
h2 { font-size: 1.1rem; margin-block: 2rem 0.5rem; }
dl { display: grid; gap: 0.25rem 1rem; grid-template-columns: max-content 1fr; }
dt { opacity: 0.75; }
dd { margin: 0; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
form { display: flex; flex-wrap: wrap; gap: 0.5rem; margin-block: 0.5rem; align-items: end; }
button, input { box-sizing: border-box; font: inherit; min-height: 2.75rem;
  padding: 0.25rem 1rem; border-radius: 0.4rem;
  border: 1px solid color-mix(in srgb, currentcolor 50%, transparent); }
label { display: grid; }
ul { list-style: none; padding: 0; }
li { border: 1px solid color-mix(in srgb, currentcolor 20%, transparent); border-radius: 0.6rem;
  margin-block: 0.5rem; padding: 0.5rem 1rem; overflow-wrap: anywhere; }
.status { border-inline-start: 0.3rem solid currentcolor; padding-inline-start: 0.75rem; }
"""
_ZONE: Final = ZoneInfo("Europe/Amsterdam")
_LINK_STATUSES: Final[dict[str, str]] = {
    "ready": "Nog niet betaald.",
    "started": "De betaling is begonnen bij uw bank.",
    "partially_paid": "Een deel is betaald.",
    "paid": "Betaald. Dank u wel!",
    "cancelled": "De laatste betaling is geannuleerd.",
    "failed": "De laatste betaling is mislukt.",
}
_MANDATE_STATUSES: Final[dict[str, str]] = {
    "new": "Nog niet ondertekend.",
    "pending": "Eenmaal ondertekend; een tweede handtekening is nodig.",
    "success": "Ondertekend. Dank u wel!",
}
_MANDATE_SHORT: Final[dict[str, str]] = {
    "new": "nog te tekenen",
    "pending": "wacht op de tweede handtekening",
    "success": "getekend",
}
_MEDIA: Final = {"sms": "Sms", "email": "E-mail", "voice": "Gesproken bericht"}


def pay_page(world: World, link: Record, problem: str = "") -> str:
    """The page behind a PayLink."""
    open_amount = link["invoiceAmount"] - link["amountPaid"]
    facts = [
        ("Voor", link["personName"]),
        ("Omschrijving", link["invoiceDescription"]),
        ("Kenmerk", link["invoiceReference"]),
        ("Bedrag", euros(link["invoiceAmount"])),
        ("Al betaald", euros(link["amountPaid"])),
        ("Te betalen tot", moment(link["visibleUntil"])),
    ]
    if link["status"] == "paid":
        forms = ""
    elif link["visibleUntil"] <= world.now():
        forms = "<p>Deze betaallink is verlopen: betalen kan niet meer.</p>"
    else:
        forms = _pay_forms(open_amount)
    status = _LINK_STATUSES[link["status"]]
    return _page("Betalen", f"{_told(problem)}{_status(status)}{_facts(facts)}{forms}")


def _pay_forms(open_amount: int) -> str:
    part = f"{open_amount // 200},{open_amount // 2 % 100:02d}"
    return f"""
<form method="post">
{_button("start", "Begin met iDEAL")}
{_button("pay", f"Betaal {euros(open_amount)}")}
</form>
<form method="post">
<label>Een deel, in euro's
<input name="amount" inputmode="decimal" autocomplete="off" value="{part}"></label>
{_button("pay_part", "Betaal dit deel")}
</form>
<form method="post">
{_button("cancel", "Annuleer")}
{_button("fail", "Laat de betaling mislukken")}
</form>"""


def sign_page(mandate: Record, problem: str = "") -> str:
    """The page behind a mandate."""
    facts = [
        ("Voor", mandate["personName"]),
        ("Machtiging", mandate["reference"]),
        ("Reden", mandate["reason"]),
        ("Soort", mandate["type"]),
        ("Kenmerk", mandate["debtorReference"]),
    ]
    forms = ""
    if mandate["status"] == "new":
        second = _button("sign_first", "Teken, en wacht op de tweede handtekening")
        forms = f'<form method="post">{_button("sign", "Teken")}{second}</form>'
    elif mandate["status"] == "pending":
        forms = f'<form method="post">{_button("sign", "Teken als tweede")}</form>'
    status = _MANDATE_STATUSES[mandate["status"]]
    return _page("Machtigen", f"{_told(problem)}{_status(status)}{_facts(facts)}{forms}")


def phone_page(world: World, problem: str = "") -> str:
    """All that came to donors' phones and mailboxes, newest first, and what is still to come."""
    holdings = world.alphacomm
    messages = [_message(world, one) for one in holdings.records["messages"].values()][::-1]
    waiting = [
        f"<li>{_MEDIA[holdings.records['scripts'][one['script']]['medium']]} · "
        f"{escape(one['reference'])}<br>vertrekt om {moment(one['leavesAt'])}</li>"
        for one in holdings.records["jobs"].values()
        if one["status"] == "accepted"
    ]
    calls = [_call(one) for one in holdings.records["voice_calls"].values() if one["scheduled"]]
    made = [
        f"<li>{escape(one['personName'])} · {euros(one['invoiceAmount'])}<br>{_anchor(url)}</li>"
        for one in holdings.records["links"].values()
        if not one["reference"]
        for url in [f"{holdings.base_url}/p/{one['code']}"]
    ][::-1]
    # One that an agent reads out or shows is in no message, and waits to be signed all the same.
    sent = {one["mandate"] for one in holdings.records["messages"].values()}
    told = [
        f"<li>{escape(one['personName'])} · {moment(one['createdOn'])} · "
        f"{_MANDATE_SHORT[one['status']]}<br>{_anchor(url)}</li>"
        for one in holdings.records["mandates"].values()
        if one["id"] not in sent
        for url in [f"{holdings.base_url}/m/{one['code']}"]
    ][::-1]
    return _page(
        "De telefoon van de donateur",
        f"{_told(problem)}<p>De klok staat op {moment(world.now())}.</p>"
        f"<h2>Berichten</h2>{_list(messages)}"
        f"<h2>Nog te versturen</h2>{_list(waiting)}"
        f"<h2>Gesproken berichten die nog komen</h2>{_list(calls)}"
        f"<h2>Betaallinks, voorgelezen of getoond</h2>{_list(made)}"
        f"<h2>Machtigingen, voorgelezen of getoond</h2>{_list(told)}",
    )


def _message(world: World, message: Record) -> str:
    script = world.alphacomm.records["scripts"][message["script"]]
    url = url_in(world, message)
    text = f"<br>{_anchor(url)}" if url else ""
    late = "" if message["status"] == "delivered" else " · niet aangekomen"
    return (
        f"<li>{_MEDIA[message['medium']]} aan {escape(message['to'])} · "
        f"{moment(message['createdOn'])}{late}<br>{escape(script['name'])}, "
        f"kenmerk {escape(message['reference'])}{text}</li>"
    )


def _call(call: Record) -> str:
    hidden = "".join(
        f'<input type="hidden" name="{name}" value="{escape(call[name])}">'
        for name in ("reference", "script")
    )
    return (
        f"<li>{escape(call['to'])} · {escape(call['reference'])} · "
        f"nog {len(call['scheduled'])} keer, eerst om {moment(call['scheduled'][0])}"
        f'<form method="post">{hidden}{_button("answer", "Neem op en luister")}'
        f"{_button('miss', 'Neem niet op')}</form></li>"
    )


def nothing_page() -> str:
    return _page("Niet gevonden", "<p>Dit adres bestaat niet, of niet meer.</p>")


def euros(cents: int) -> str:
    return f"€ {cents // 100},{cents % 100:02d}"


def moment(at: str) -> str:
    local: datetime = parse(at).astimezone(_ZONE)
    return local.strftime("%d-%m-%Y %H:%M:%S")


def _page(title: str, body: str) -> str:
    return f"""<!doctype html>
<html lang="nl">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="/__sandbox/donor.css">
</head>
<body>
<main>
<h1>{title}</h1>
{body}
<p><a href="/__sandbox/phone">De telefoon van de donateur</a> ·
<a href="/__sandbox/" lang="en">The sandbox</a></p>
</main>
</body>
</html>
"""


def _button(do: str, text: str) -> str:
    return f'<button name="do" value="{do}">{text}</button>'


def _anchor(url: str) -> str:
    return f'<a href="{escape(url)}">{escape(url)}</a>'


def _status(text: str) -> str:
    return f'<p class="status" role="status">{escape(text)}</p>'


def _told(problem: str) -> str:
    return f'<p class="status" role="alert">{escape(problem)}</p>' if problem else ""


def _facts(facts: list[tuple[str, Any]]) -> str:
    rows = "".join(f"<dt>{name}</dt><dd>{escape(str(value))}</dd>" for name, value in facts)
    return f"<dl>{rows}</dl>"


def _list(items: list[str]) -> str:
    return f"<ul>{''.join(items)}</ul>" if items else "<p>Niets.</p>"
