"""The addresses that a donor opens: /p/<code> and /m/<code>, and the pages that they lead to."""

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import parse_qs

from integrations.sandbox.alphacomm import donor, donor_page
from integrations.sandbox.alphacomm.holdings import Kind
from integrations.sandbox.paging import Record
from integrations.sandbox.replies import ControlRefusal, Reply
from integrations.sandbox.world import World

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
PHONE: Final = "/__sandbox/phone"
# After a form the page is shown anew; that is no second visit.
_DONE: Final = "gedaan"
_AMOUNT: Final = re.compile(r"([0-9]{1,6})(?:[.,]([0-9]{2}))?", re.ASCII)
_SHORT: Final[dict[str, tuple[Kind, str]]] = {
    "p": ("links", "/__sandbox/pay/"),
    "m": ("mandates", "/__sandbox/sign/"),
}

# The buttons, and what comes of them.
_PAYMENTS: Final = {"start": "started", "pay": "paid", "cancel": "cancelled", "fail": "failed"}
_SIGNATURES: Final = {"sign": "success", "sign_first": "pending"}
_RINGS: Final = {"answer": "finished", "miss": "no answer"}

Form = dict[str, str]


class NotPossible(ControlRefusal):
    """A refusal in words for the donor."""


class DonorSite:
    def __init__(self, world: World) -> None:
        self.world = world

    def answer(self, method: str, path: str, query: str, body: bytes) -> Reply | None:
        """A page of the donor's; None when the address is none of theirs."""
        first, _, rest = path.lstrip("/").partition("/")
        if first in _SHORT and method == "GET":
            return self._short(*_SHORT[first], rest)
        if path == "/__sandbox/donor.css" and method == "GET":
            return Reply(200, donor_page.STYLE.encode(), "text/css; charset=utf-8")
        if first != "__sandbox" or method not in {"GET", "POST"}:
            return None
        kind, _, id_ = rest.partition("/")
        page = {"pay": self._pay, "sign": self._sign, "phone": self._phone}.get(kind)
        if page is None:
            return None
        form = _form(body) if method == "POST" else None
        return page(id_, form, query)

    def _short(self, kind: Kind, long: str, code: str) -> Reply:
        for record in self.world.alphacomm.records[kind].values():
            if record["code"] == code:
                return Reply(302, headers={"Location": f"{long}{record['id']}"})
        return _page(donor_page.nothing_page(), 404)

    def _pay(self, id_: str, form: Form | None, query: str) -> Reply:
        world = self.world
        link = world.alphacomm.records["links"].get(id_)
        if link is None:
            return _page(donor_page.nothing_page(), 404)
        if form is None:
            if query != _DONE:
                link = donor.visit(world, link, world.now())
            return _page(donor_page.pay_page(world, link))
        return self._done(
            f"/__sandbox/pay/{id_}",
            lambda: self._do_pay(link, form),
            lambda problem: donor_page.pay_page(world, link, problem),
        )

    def _do_pay(self, link: Record, form: Form) -> None:
        world, at, do = self.world, self.world.now(), form.get("do", "")
        if link["visibleUntil"] <= at:
            raise NotPossible("Deze betaallink is verlopen.")
        if do == "pay_part":
            amount = _cents(form.get("amount", ""))
            is_all = amount == link["invoiceAmount"] - link["amountPaid"]
            status = "paid" if is_all else "partially_paid"
            donor.move(world, link, at, status=status, amount=amount)
            return
        donor.move(world, link, at, status=_chosen(do, _PAYMENTS))

    def _sign(self, id_: str, form: Form | None, _: str) -> Reply:
        world = self.world
        mandate = world.alphacomm.records["mandates"].get(id_)
        if mandate is None:
            return _page(donor_page.nothing_page(), 404)
        if form is None:
            return _page(donor_page.sign_page(mandate))
        do = form.get("do", "")
        return self._done(
            f"/__sandbox/sign/{id_}",
            lambda: donor.sign(world, mandate, world.now(), status=_chosen(do, _SIGNATURES)),
            lambda problem: donor_page.sign_page(mandate, problem),
        )

    def _phone(self, _: str, form: Form | None, __: str) -> Reply:
        world = self.world
        if form is None:
            return _page(donor_page.phone_page(world))

        def ring() -> None:
            asked = {name: form.get(name, "") for name in ("reference", "script")}
            status = _chosen(form.get("do", ""), _RINGS)
            donor.be_called(world, {**asked, "status": status}, world.now())

        return self._done(PHONE, ring, lambda problem: donor_page.phone_page(world, problem))

    def _done(self, path: str, do: Callable[[], object], show: Callable[[str], str]) -> Reply:
        """Do what a form asks and lead back to its page, or show it with what is in the way."""
        try:
            do()
        except NotPossible as refusal:
            return _page(show(str(refusal)), 400)
        except ControlRefusal:
            return _page(show("Dat kan nu niet, of niet meer."), 400)
        return Reply(303, headers={"Location": f"{path}?{_DONE}"})


def _chosen(do: str, buttons: dict[str, str]) -> str:
    if do not in buttons:
        raise NotPossible("Kies een van de knoppen.")
    return buttons[do]


def _page(page: str, status: int = 200) -> Reply:
    return Reply(status, page.encode(), "text/html; charset=utf-8", dict(HEADERS))


def _form(body: bytes) -> Form:
    fields = parse_qs(body.decode("utf-8", "replace"))
    return {name: values[-1] for name, values in fields.items()}


def _cents(text: str) -> int:
    found = _AMOUNT.fullmatch(text.strip())
    if found is None:
        raise NotPossible("Een bedrag schrijft u als 12,50.")
    return int(found[1]) * 100 + int(found[2] or 0)
