"""Quality results: what TapRaise's gates would say of an invented donor."""

from random import Random
from typing import Any, Final

Record = dict[str, Any]

# Each gate: its category, its highest score, and the explanations of a failure.
GATES: Final[dict[str, tuple[str, int, tuple[str, ...]]]] = {
    "addressIsAvailable": ("addressQuality", 1, ("addressIsMissing",)),
    "addressIsComplete": ("addressQuality", 1, ("addressIsIncomplete", "addressIsMissing")),
    "addressIsValid": ("addressQuality", 2, ("addressIsInvalid", "addressIsNotValidated")),
    "addressDoesNotMatchRecruiterUsersAddress": (
        "recruiterFraud", 3, ("addressMatchesRecruiterAddress",),
    ),
    "ibanDoesNotMatchAnotherPersonsIban": ("uniqueness", 3, ("ibanMatchesPersonIban",)),
    "ibanDoesNotMatchRecruiterUsersIban": ("recruiterFraud", 3, ("ibanMatchesRecruiterIban",)),
    "ibanIsAvailable": ("ibanQuality", 2, ("ibanIsMissing",)),
    "ibanIsValid": ("ibanQuality", 2, ("ibanIsInvalid", "ibanMayBeInvalid")),
    "phoneNumberDoesNotMatchRecruiterUsersPhoneNumber": (
        "recruiterFraud",
        3,
        ("phoneNumberMatchesRecruiterPhoneNumber", "mobilePhoneNumberMatchesRecruiterPhoneNumber"),
    ),
    "phoneNumberIsNotASequence": (
        "phoneNumberQuality", 1, ("phoneNumberIsASequence", "mobilePhoneNumberIsASequence"),
    ),
    "phoneNumberIsAvailable": ("phoneNumberQuality", 2, ("phoneNumberIsMissing",)),
    "phoneNumberMatchesPattern": (
        "phoneNumberQuality",
        1,
        ("phoneNumberDoesNotMatchPattern", "mobilePhoneNumberDoesNotMatchPattern"),
    ),
    "phoneNumberDoesNotMatchAnotherPersonsPhoneNumber": (
        "uniqueness", 3, ("phoneNumberMatchesAnotherPersonsPhoneNumber",),
    ),
    "emailIsAvailable": ("emailQuality", 1, ("emailIsMissing",)),
    "emailMatchesEmailPattern": ("emailQuality", 1, ("emailDoesNotMatchEmailPattern",)),
    "emailIsDeliverable": ("emailQuality", 1, ("emailNotDeliverable", "emailValidationUnknown")),
}  # fmt: skip
MAX_SCORE: Final = sum(gate[1] for gate in GATES.values())
# How often a gate fails without a cause that we can see in the record.
HIDDEN_FAILURES: Final = 0.015


def _gate_result(identifier: str, explanation: str, metadata: Record | None = None) -> Record:
    category, max_score, _ = GATES[identifier]
    is_ok = explanation == "ok"
    return {
        "identifier": identifier,
        "category": category,
        "score": max_score if is_ok else 0,
        "maxScore": max_score,
        "percentage": 100 if is_ok else 0,
        "explanation": explanation,
        "metadata": metadata,
    }


# One object for all donors that pass a gate: with 100,000 of them that is a gigabyte less.
_PASSED: Final = {identifier: _gate_result(identifier, "ok") for identifier in GATES}


def quality_result(random: Random, person: Record, created_at: str) -> Record:
    """The gates' verdict on a donor."""
    failed = _visible_failures(person)
    for identifier, (_, _, explanations) in GATES.items():
        if random.random() < HIDDEN_FAILURES:
            failed.setdefault(identifier, random.choice(explanations))
    results = []
    for identifier in GATES:
        explanation = failed.get(identifier)
        if explanation is None:
            results.append(_PASSED[identifier])
        else:
            is_about_others = GATES[identifier][0] == "uniqueness"
            metadata = {"matches": random.randrange(1, 4)} if is_about_others else None
            results.append(_gate_result(identifier, explanation, metadata))
    score = sum(result["score"] for result in results)
    return {
        "score": score,
        "maxScore": MAX_SCORE,
        "percentage": round(100 * score / MAX_SCORE),
        "createdAt": created_at,
        "gateResults": results,
    }


def _visible_failures(person: Record) -> dict[str, str]:
    failed: dict[str, str] = {}
    address, account, email = person["address"], person["iban"], person["email"]
    if address is None:
        failed["addressIsAvailable"] = "addressIsMissing"
        failed["addressIsComplete"] = "addressIsMissing"
    elif not (address["street"] and address["houseNumber"] and address["zipCode"]):
        failed["addressIsComplete"] = "addressIsIncomplete"
        failed["addressIsValid"] = "addressIsNotValidated"
    if account is None:
        failed["ibanIsAvailable"] = "ibanIsMissing"
    elif account.startswith("BE"):
        failed["ibanIsValid"] = "ibanMayBeInvalid"
    if person["phoneNumber"] is None and person["mobilePhoneNumber"] is None:
        failed["phoneNumberIsAvailable"] = "phoneNumberIsMissing"
    elif person["mobilePhoneNumber"] == "0612345678":
        failed["phoneNumberIsNotASequence"] = "mobilePhoneNumberIsASequence"
    elif person["mobilePhoneNumber"] == "06 - weet niet":
        failed["phoneNumberMatchesPattern"] = "mobilePhoneNumberDoesNotMatchPattern"
    if email is None:
        failed["emailIsAvailable"] = "emailIsMissing"
    elif "@@" in email:
        failed["emailMatchesEmailPattern"] = "emailDoesNotMatchEmailPattern"
        failed["emailIsDeliverable"] = "emailNotDeliverable"
    return failed
