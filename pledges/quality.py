"""What TapRaise's quality gates found, in words for the agent who speaks with the donor.

Gates about the recruiter or about other people are not among them: neither is read out to a donor.
What a gate about the recruiter doubts is asked for like anything else, without a word of why; the
finding itself is for supervisors.
"""

from collections.abc import Iterable
from typing import Any, Final

from django.core.exceptions import ObjectDoesNotExist
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from pledges.models import Person

RECRUITER: Final = "recruiterFraud"
NOT_FOR_THE_DESK = frozenset({RECRUITER, "uniqueness"})
FINE = "ok"
# Which detail of the donor a finding is about, by how TapRaise's names begin.
DETAILS: Final = (
    ("iban", "account"),
    ("address", "address"),
    ("mobilePhoneNumber", "phone"),
    ("phoneNumber", "phone"),
    ("email", "email"),
)
# Each gate by what it means to fail it.
GATES: Final = {
    "addressIsAvailable": gettext_lazy("address missing"),
    "addressIsComplete": gettext_lazy("address not complete"),
    "addressIsValid": gettext_lazy("address wrong"),
    "addressDoesNotMatchRecruiterUsersAddress": gettext_lazy("the recruiter's address"),
    "ibanIsAvailable": gettext_lazy("account number missing"),
    "ibanIsValid": gettext_lazy("account number wrong"),
    "ibanDoesNotMatchRecruiterUsersIban": gettext_lazy("the recruiter's account number"),
    "ibanDoesNotMatchAnotherPersonsIban": gettext_lazy("another person's account number"),
    "phoneNumberIsAvailable": gettext_lazy("phone number missing"),
    "phoneNumberMatchesPattern": gettext_lazy("phone number wrong"),
    "phoneNumberIsNotASequence": gettext_lazy("phone number made up"),
    "phoneNumberDoesNotMatchRecruiterUsersPhoneNumber": gettext_lazy(
        "the recruiter's phone number"
    ),
    "phoneNumberDoesNotMatchAnotherPersonsPhoneNumber": gettext_lazy(
        "another person's phone number"
    ),
    "emailIsAvailable": gettext_lazy("e-mail address missing"),
    "emailMatchesEmailPattern": gettext_lazy("e-mail address wrong"),
    "emailIsDeliverable": gettext_lazy("mail does not arrive"),
}


def gate_in_words(identifier: str) -> str:
    """What it means to fail this gate; one that no document lists as TapRaise names it."""
    return str(GATES.get(identifier, identifier))


def verdicts(gates: Iterable[dict[str, Any]]) -> dict[str, bool]:
    """Of each gate that was asked, by its name, whether it failed."""
    return {
        str(gate["identifier"]): gate.get("explanation") not in (FINE, None)
        for gate in gates
        if gate.get("identifier")
    }


def failed_gates(person: Person) -> list[str]:
    """The findings that the donor can help with, in words, each once; an unknown one as TapRaise
    names it."""
    return _in_words(gate for gate in _failed(person) if gate["category"] not in NOT_FOR_THE_DESK)


def flags(person: Person) -> list[str]:
    """What only supervisors are told: findings about the recruiter and about other people."""
    return _in_words(gate for gate in _failed(person) if gate["category"] in NOT_FOR_THE_DESK)


def questions(person: Person) -> dict[str, str]:
    """What to ask the donor first: by the detail that is in doubt, the findings in words.

    Of a finding about the recruiter nothing is told: the donor is asked to say the detail.
    """
    found: dict[str, list[str]] = {}
    for gate in _failed(person):
        detail = _detail(gate["explanation"])
        if detail is None or gate["category"] in NOT_FOR_THE_DESK - {RECRUITER}:
            continue
        words = [] if gate["category"] == RECRUITER else _in_words([gate])
        found.setdefault(detail, []).extend(words)
    return {
        detail: _as_one(dict.fromkeys(words)) or _("Let the donor say this")
        for detail, words in found.items()
    }


def _as_one(sentences: Iterable[str]) -> str:
    """Several findings as one sentence: only the first begins with a capital."""
    first, *others = [*sentences] or [""]
    # An abbreviation stays one.
    low = (one if one[:2].isupper() else one[:1].lower() + one[1:] for one in others)
    return ", ".join([first, *low])


def recruiter_findings(gates: Iterable[tuple[str | None, str | None]]) -> list[str]:
    """What gates found about the recruiter, of pairs of category and explanation: each once, in
    alphabetical order."""
    return sorted(
        {
            explanation
            for category, explanation in gates
            if category == RECRUITER and explanation not in (FINE, None)
        }
    )


def findings_in_words(findings: Iterable[str]) -> list[str]:
    return _in_words({"explanation": one} for one in findings)


def details_of(findings: Iterable[str]) -> list[str]:
    """Which details of the donor these are about."""
    return list(dict.fromkeys(filter(None, map(_detail, findings))))


def _failed(person: Person) -> list[dict[str, Any]]:
    try:
        gates = person.quality.gates
    except ObjectDoesNotExist:
        return []
    return [
        {"category": gate.get("category"), "explanation": gate["explanation"]}
        for gate in gates
        if gate.get("explanation") not in (FINE, None)
    ]


def _detail(explanation: str) -> str | None:
    return next((detail for start, detail in DETAILS if explanation.startswith(start)), None)


def _in_words(gates: Iterable[dict[str, Any]]) -> list[str]:
    # Two gates can find the same: an address that is missing is not complete either.
    found = dict.fromkeys(gate["explanation"] for gate in gates)
    return [_words().get(one, one) for one in found]


def _words() -> dict[str, str]:
    return {
        "ibanIsMissing": _("The account number is missing"),
        "ibanIsInvalid": _("The account number is wrong"),
        "ibanMayBeInvalid": _("The account number may be wrong"),
        "addressIsMissing": _("The address is missing"),
        "addressIsIncomplete": _("The address is not complete"),
        "addressIsInvalid": _("The address is wrong"),
        "addressIsNotValidated": _("The address was not checked"),
        "phoneNumberIsASequence": _("The phone number looks made up"),
        "mobilePhoneNumberIsASequence": _("The mobile number looks made up"),
        "phoneNumberIsMissing": _("The phone number is missing"),
        "phoneNumberDoesNotMatchPattern": _("The phone number is no phone number"),
        "mobilePhoneNumberDoesNotMatchPattern": _("The mobile number is no phone number"),
        "emailIsMissing": _("The e-mail address is missing"),
        "emailDoesNotMatchEmailPattern": _("The e-mail address is no e-mail address"),
        "emailNotDeliverable": _("Mail to the e-mail address does not arrive"),
        "emailValidationUnknown": _("The e-mail address could not be checked"),
        "ibanMatchesRecruiterIban": _("The account number is the recruiter's"),
        "addressMatchesRecruiterAddress": _("The address is the recruiter's"),
        "phoneNumberMatchesRecruiterPhoneNumber": _("The phone number is the recruiter's"),
        "mobilePhoneNumberMatchesRecruiterPhoneNumber": _("The mobile number is the recruiter's"),
        "ibanMatchesPersonIban": _("Another person has the same account number"),
        "phoneNumberMatchesAnotherPersonsPhoneNumber": _(
            "Another person has the same phone number"
        ),
    }
