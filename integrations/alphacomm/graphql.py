"""GraphQL over one address: the documents, and what an answer to one of them means.

Whether something happened is told by three things: is there an ``errors`` list, is there ``data``,
and was an error met while a field was worked out (then it has a ``path``).

* Errors, no data, and none of them met on the way: nothing was begun. ``NotExecuted``.
* Data that shows what a mutation made: it happened, whatever errors stand beside it.
* All else of a mutation: ``Unclear``. Some servers leave data out where it came to nothing, so an
  error with a path counts as begun even then.
* A question that is answered with errors has no answer, or it could look like an empty list.
"""

from collections.abc import Callable
from importlib.resources import files
from typing import Any, Final

from integrations.alphacomm.codec import parse, write
from integrations.http import Answer, NotExecuted, Refused, Remote, RemoteError, Unclear
from integrations.records import Unreadable

PATH: Final = "/v1"

# By the name of the file, which is the name of the client's method.
DOCUMENTS: Final = {
    file.name.removesuffix(".graphql"): file.read_text(encoding="utf-8")
    for file in (files("integrations.alphacomm") / "documents").iterdir()
    if file.name.endswith(".graphql")
}

# Where in the data what was asked for lies.
PLACES: Final = {
    "create_pay_link": ("payLink", "create"),
    "pay_links": ("payLink", "payLinks"),
    "create_mandate": ("mandate", "create"),
    "mandates": ("mandate", "mandates"),
    "add_rows": ("import", "addRecords"),
    "add_file": ("import", "addRecords"),
    "batches": ("import", "batches"),
    "stop_calling": ("voice", "stopCalling"),
}

# A server may answer a request that it finds fault with by one of these.
_FAULTS: Final = frozenset({400, 422})


class Endpoint:
    """The one address of an account, to which everything is sent."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    def __repr__(self) -> str:
        return f"<Endpoint of {self._remote!r}>"

    def ask(self, name: str, variables: dict[str, Any]) -> tuple[Any, Answer]:
        """Send a query and return what lies at its place. Raises ``RemoteError``."""
        body = write(DOCUMENTS[name], variables)
        said, answer = self._exchange(lambda: self._remote.read(PATH, body=body))
        if said.get("errors"):
            raise Unclear("The answer comes with errors", answer.status)
        return _at(said, name, answer), answer

    def tell(self, name: str, variables: dict[str, Any]) -> tuple[Any, Answer]:
        """Send a mutation once and return what lies at its place. Raises ``RemoteError``."""
        body = write(DOCUMENTS[name], variables)
        said, answer = self._exchange(lambda: self._remote.write("POST", PATH, body))
        return _at(said, name, answer), answer

    def _exchange(self, send: Callable[[], Answer]) -> tuple[dict[str, Any], Answer]:
        try:
            answer = send()
        except Refused as refusal:
            raise _sorted(refusal) from None
        said = _said(answer)
        if _began_nothing(said):
            raise NotExecuted(answer.status, self._remote.words(said))
        return said, answer


def _said(answer: Answer) -> dict[str, Any]:
    try:
        said = parse(answer.body)
    except Unreadable as error:
        raise Unclear(f"The answer is not what it should be: {error}", answer.status) from None
    if isinstance(said, dict) and ("data" in said or "errors" in said):
        return said
    raise Unclear("The answer is not one of GraphQL", answer.status)


def _at(said: dict[str, Any], name: str, answer: Answer) -> Any:
    value = said.get("data")
    for step in PLACES[name]:
        value = value.get(step) if isinstance(value, dict) else None
    if value is None:
        raise Unclear("The answer does not show what was asked for", answer.status)
    return value


def _sorted(refusal: Refused) -> RemoteError:
    """A refusal by its status, or what it says in terms of GraphQL where that is more."""
    said = refusal.said
    if refusal.status not in _FAULTS or not isinstance(said, dict):
        return refusal
    if _began_nothing(said):
        return NotExecuted(refusal.status, refusal.words)
    if said.get("data") is not None or _has_begun(said.get("errors")):
        return Unclear("A refusal that has begun", refusal.status)
    return refusal


def _began_nothing(said: dict[str, Any]) -> bool:
    errors = said.get("errors")
    return (
        "data" not in said
        and isinstance(errors, list)
        and len(errors) > 0
        and all(isinstance(e, dict) and isinstance(e.get("message"), str) for e in errors)
        and not _has_begun(errors)
    )


def _has_begun(errors: Any) -> bool:
    found = errors if isinstance(errors, list) else []
    return any(isinstance(error, dict) and error.get("path") is not None for error in found)
