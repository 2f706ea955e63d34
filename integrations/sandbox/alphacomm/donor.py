"""What a donor does with what came: looks, pays, signs, picks up the phone.

Nothing of it is an effect of ours, so nothing of it stands in the journal. ControlRefusal says what
cannot be.
"""

from typing import Any, Final

from integrations.sandbox.alphacomm import webhooks
from integrations.sandbox.paging import Record
from integrations.sandbox.replies import ControlRefusal
from integrations.sandbox.world import World

CALL_STATUSES: Final = (
    "ringing",
    "active",
    "finished",
    "no answer",
    "busy",
    "rejected",
    "invalid number",
    "failed",
)


def visit(world: World, link: Record, at: str, *, is_early: bool = False) -> Record:
    """The page of a link is looked at. Only a webhook tells of it."""
    holdings = world.alphacomm
    if link["visitedOn"] is not None and holdings.switches.visits_told == "first":
        return link
    link = holdings.put("links", {**link, "visitedOn": link["visitedOn"] or at}, at)
    webhooks.pay_link_visited(world, link, at, is_early=is_early)
    return link


def move(world: World, link: Record, at: str, *, status: str, amount: int | None = None) -> Record:
    """A transaction of the link gets somewhere; `amount` in cents is what it brings."""
    if link["status"] == "paid":
        raise ControlRefusal("It is paid, and that is final.")
    if status in {"paid", "partially_paid"}:
        return _pay(world, link, at, status, amount)
    if status not in {"started", "cancelled", "failed"}:
        raise ControlRefusal(f"No donor makes a link {status}.")
    if amount is not None:
        raise ControlRefusal("amount goes with paid and partially_paid.")
    return world.alphacomm.change("links", link, at, status=status)


def _pay(world: World, link: Record, at: str, status: str, amount: int | None) -> Record:
    open_amount = link["invoiceAmount"] - link["amountPaid"]
    if amount is None and status == "paid":
        amount = open_amount
    if not isinstance(amount, int) or isinstance(amount, bool) or amount <= 0:
        raise ControlRefusal("amount is a whole number of cents above zero.")
    if status == "partially_paid" and amount >= open_amount:
        raise ControlRefusal("A part is less than all that is open.")
    total = link["amountPaid"] + amount
    link = world.alphacomm.change("links", link, at, status=status, amountPaid=total)
    if status == "paid" or world.alphacomm.switches.partial_payment_told:
        webhooks.pay_link_paid(world, link, at, amount=amount)
    return link


def sign(world: World, mandate: Record, at: str, *, status: str) -> Record:
    """A mandate is signed, or signed once of twice. No webhook tells of it."""
    order = ("new", "pending", "success")
    if status not in order or order.index(status) <= order.index(mandate["status"]):
        raise ControlRefusal(f"A mandate that is {mandate['status']} does not become {status}.")
    return world.alphacomm.change("mandates", mandate, at, status=status)


def be_called(world: World, orders: dict[str, Any], at: str) -> Record:
    """A voice call happened. Returns it, with what is still scheduled after it."""
    holdings, status = world.alphacomm, orders.get("status", "finished")
    if status not in CALL_STATUSES:
        raise ControlRefusal(f"status is one of: {', '.join(CALL_STATUSES)}.")
    success = bool(orders.get("success", status == "finished"))
    if success and status not in {"active", "finished"}:
        raise ControlRefusal("Only a call that was answered can be a success.")
    reference, script = orders.get("reference", ""), str(orders.get("script", ""))
    request = next(
        (
            one
            for one in reversed(holdings.records["voice_calls"].values())
            if one["reference"] == reference and script in {"", one["script"]}
        ),
        None,
    )
    if reference and request is None:
        raise ControlRefusal(f"No voice call is known under {reference}.")
    call = {
        "id": orders.get("id") or holdings.fresh_id(),
        "request": request["id"] if request else holdings.fresh_id(),
        "script": request["script"] if request else script or "18301",
        "reference": reference,
        "direction": orders.get("direction", "outbound" if reference else "inbound"),
        "status": status,
        "remote": request["to"].lstrip("+") if request else "anonymous",
        "success": success,
        "at": at,
    }
    scheduled: list[str] = request["scheduled"] if request else []
    is_over = status not in {"ringing", "active"}
    if request is not None and is_over:
        scheduled = [] if success else scheduled[1:]
        calls = [*request["calls"], call]
        holdings.change("voice_calls", request, at, scheduled=scheduled, calls=calls)
    webhooks.call_completed(world, call, at, orders.get("form") or holdings.switches.voice_form)
    return {**call, "scheduled": scheduled}
