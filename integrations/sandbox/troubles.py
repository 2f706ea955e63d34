"""What a person can make go wrong from the page under /__sandbox/: plain forms, no scripts.

Each is a rule of faults.py or an order of alphacomm/webhook_orders.py, which JSON can give too.
The sandbox listens on 127.0.0.1 alone.
"""

from collections.abc import Callable, Mapping
from html import escape
from typing import Any, Final
from urllib.parse import parse_qs

from integrations.sandbox.faults import KINDS, OPERATIONS, Faults
from integrations.sandbox.replies import ControlRefusal, Reply
from integrations.sandbox.world import World

PAGE: Final = "/__sandbox/"
# A minute of it is enough to be seen, and over before anybody forgets it.
A_WHILE: Final = 60

Rule = Mapping[str, Any]

# By the name of the button: what it says, and the rule that it makes.
FAULTS: Final[Mapping[str, tuple[str, Rule]]] = {
    "down": (
        "Both: everything is answered 503, for a minute",
        {"kind": "status", "status": 503, "for_seconds": A_WHILE},
    ),
    "token": (
        "Both: our tokens are refused (401), for a minute",
        {"kind": "status", "status": 401, "for_seconds": A_WHILE},
    ),
    "slow": (
        "Both: every answer comes 5 seconds late, for a minute",
        {"kind": "slow", "seconds": 5, "for_seconds": A_WHILE},
    ),
    "attempt-lost": (
        "TapRaise: the next attempt is kept, and its answer lost",
        {"kind": "reset_after", "operation": "add-attempt", "times": 1},
    ),
    "result-lost": (
        "TapRaise: the next result is kept, and its answer lost",
        {"kind": "reset_after", "operation": "complete", "times": 1},
    ),
    "result-late": (
        "TapRaise: the next result is answered 504, and kept 40 seconds later",
        {"kind": "late_effect", "operation": "complete", "seconds": 40, "times": 1},
    ),
    "result-refused": (
        "TapRaise: the next result is refused (403)",
        {"kind": "status", "status": 403, "operation": "complete", "times": 1},
    ),
    "link-lost": (
        "Alphacomm: the next PayLink is made, and its answer lost",
        {"kind": "reset_after", "operation": "create-pay-link", "times": 1},
    ),
    "link-late": (
        "Alphacomm: the next PayLink is answered 504, and made 40 seconds later",
        {"kind": "late_effect", "operation": "create-pay-link", "seconds": 40, "times": 1},
    ),
    "link-refused": (
        "Alphacomm: the next PayLink is refused",
        {"kind": "graphql_errors", "operation": "create-pay-link", "data": "absent", "times": 1},
    ),
    "mandate-lost": (
        "Alphacomm: the next e-Mandate is made, and its answer lost",
        {"kind": "reset_after", "operation": "create-mandate", "times": 1},
    ),
    "message-lost": (
        "Alphacomm: the next message is taken, and its answer lost",
        {"kind": "reset_after", "operation": "add-rows", "times": 1},
    ),
}
# By the name of the button: what it says, and the orders that it gives. All begin from the first.
AS_IT_SHOULD: Final[Rule] = {
    "times": 1,
    "shuffle": False,
    "delay_seconds": 0,
    "malformed": 0,
    "early": False,
}
WEBHOOKS: Final[Mapping[str, tuple[str, Rule]]] = {
    "well": ("as they should be", {}),
    "doubled": ("three times each", {"times": 3}),
    "shuffled": ("three times each, in any order", {"times": 3, "shuffle": True}),
    "late": ("20 seconds late", {"delay_seconds": 20}),
    "malformed": ("half of them malformed", {"malformed": 0.5, "times": 2}),
    "early": ("before the answer to our own request", {"early": True}),
}

Form = Mapping[str, str]


class Troubles:
    def __init__(self, world: World, faults: Faults) -> None:
        self._world = world
        self._faults = faults
        self._deeds: dict[str, Callable[[Form], object]] = {
            "fault": lambda form: faults.add(_known(FAULTS, form)),
            "own": lambda form: faults.add(_own(form)),
            "clear": lambda _: faults.remove(),
            "webhooks": self._set_webhooks,
            "again": lambda _: self._fire_again(),
        }

    def answer(self, method: str, path: str, body: bytes) -> Reply | None:
        """Do what a form of the page asks, and lead back to it; None where it is none of them.

        ControlRefusal or ValueError when it makes no sense.
        """
        if method != "POST" or path != PAGE:
            return None
        fields = parse_qs(body.decode("utf-8", "replace"))
        form = {name: values[-1] for name, values in fields.items()}
        deed = self._deeds.get(form.get("do", ""))
        if deed is None:
            raise ControlRefusal("Press one of the buttons of the page.")
        deed(form)
        self._world.version += 1
        return Reply(303, headers={"Location": f"{PAGE}#troubles"})

    def _set_webhooks(self, form: Form) -> None:
        holdings = self._world.alphacomm
        holdings.webhooks = holdings.webhooks.changed({**AS_IT_SHOULD, **_known(WEBHOOKS, form)})

    def _fire_again(self) -> None:
        holdings = self._world.alphacomm
        if not holdings.events:
            raise ControlRefusal("No webhook was sent yet.")
        if holdings.listener is not None:
            holdings.listener(holdings.events[-1])


def _known(troubles: Mapping[str, tuple[str, Rule]], form: Form) -> dict[str, Any]:
    _words, rule = troubles.get(form.get("which", ""), ("", None))
    if rule is None:
        raise ControlRefusal("Press one of the buttons of the page.")
    return dict(rule)


def _own(form: Form) -> dict[str, Any]:
    """A rule as somebody filled it in; what was left empty is not in it."""
    rule: dict[str, Any] = {name: form[name] for name in ("kind", "operation") if form.get(name)}
    numbers = {name: form[name] for name in ("status", "seconds", "times") if form.get(name)}
    return rule | {name: int(text) for name, text in numbers.items()}


# ── What it looks like ────────────────────────────────────────────────────────────────────────────


def render(world: World, faults: Faults) -> str:
    """The part of the page: buttons, a form for any other rule, and what is in force."""
    buttons = "".join(f"<li>{_button('fault', key, FAULTS[key][0])}</li>" for key in FAULTS)
    tellings = "".join(f"<li>{_button('webhooks', key, WEBHOOKS[key][0])}</li>" for key in WEBHOOKS)
    orders = {**AS_IT_SHOULD}
    orders |= {name: getattr(world.alphacomm.webhooks, name) for name in AS_IT_SHOULD}
    odd = [f"{name} {value:g}" for name, value in orders.items() if value != AS_IT_SHOULD[name]]
    verb = "fault is" if len(faults.rules) == 1 else "faults are"
    return f"""<h2 id="troubles">What is to go wrong</h2>
<p>{len(faults.rules) or "No"} {verb} in force.</p>
<ul class="buttons">{buttons}<li>{_button("clear", "", "Take all faults away")}</li></ul>
<form method="post" class="own"><input type="hidden" name="do" value="own">
<label>Any other: kind {_select("kind", KINDS)}</label>
<label>operation {_select("operation", ("*", *OPERATIONS))}</label>
<label>times <input name="times" inputmode="numeric" size="4" value="1"></label>
<label>seconds <input name="seconds" inputmode="numeric" size="4"></label>
<label>status <input name="status" inputmode="numeric" size="4"></label>
<button>Make it so</button></form>
<p>Webhooks from now on are sent ({escape(", ".join(odd) or "as they should be")}):</p>
<ul class="buttons">{tellings}<li>{_button("again", "", "Send the latest one again")}</li></ul>"""


def _button(do: str, which: str, words: str) -> str:
    return (
        f'<form method="post"><input type="hidden" name="do" value="{do}">'
        f'<button name="which" value="{escape(which)}">{escape(words)}</button></form>'
    )


def _select(name: str, choices: tuple[str, ...]) -> str:
    options = "".join(f"<option>{escape(one)}</option>" for one in choices)
    return f'<select name="{name}">{options}</select>'
