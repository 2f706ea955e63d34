"""The values of TapRaise's enumerations that its documents name.

A record may bring others: they are kept as they are, and counted (``drift.py``).
"""

CALL_STATUSES = frozenset({"completed", "requested", "cancelled", "expired"})
CALL_TYPES = frozenset({"verification", "happy_call", "winback"})
RESULT_CODES = frozenset({"confirmed", "downgraded", "converted", "dropped", "other"})
# The schema begins at 0, the prose at 1: both may come in.
RETENTION_RATINGS = frozenset(range(11))
PLEDGE_STATUSES = frozenset({"lead", "active", "dropped", "cancelled", "fulfilled"})
INTERVALS = frozenset({"once", "monthly", "halfYearly", "quarterly", "yearly"})
RECRUITMENT_TYPES = frozenset({"d2d", "street"})
GENDERS = frozenset({"male", "female", "other"})
TRANSACTION_STATUSES = frozenset({"open", "paid", "failed", "cancelled", "reversed"})
TRANSACTION_PROVIDERS = frozenset({"cm", "mollie"})
TRANSACTION_METHODS = frozenset({"idealqr", "direct_debit"})
TRANSACTION_ORIGINS = frozenset({"pledgeCase"})
GATE_IDENTIFIERS = frozenset(
    {
        "addressIsAvailable",
        "addressIsComplete",
        "addressIsValid",
        "addressDoesNotMatchRecruiterUsersAddress",
        "ibanDoesNotMatchAnotherPersonsIban",
        "ibanDoesNotMatchRecruiterUsersIban",
        "ibanIsAvailable",
        "ibanIsValid",
        "phoneNumberDoesNotMatchRecruiterUsersPhoneNumber",
        "phoneNumberIsNotASequence",
        "phoneNumberIsAvailable",
        "phoneNumberMatchesPattern",
        "phoneNumberDoesNotMatchAnotherPersonsPhoneNumber",
        "emailIsAvailable",
        "emailMatchesEmailPattern",
        "emailIsDeliverable",
    }
)
GATE_CATEGORIES = frozenset(
    {
        "addressQuality",
        "recruiterFraud",
        "uniqueness",
        "ibanQuality",
        "emailQuality",
        "phoneNumberQuality",
    }
)
GATE_EXPLANATIONS = frozenset(
    {
        "ok",
        "ibanMatchesPersonIban",
        "ibanMatchesRecruiterIban",
        "ibanIsMissing",
        "ibanIsInvalid",
        "ibanMayBeInvalid",
        "addressIsMissing",
        "addressIsIncomplete",
        "addressIsInvalid",
        "addressIsNotValidated",
        "addressMatchesRecruiterAddress",
        "phoneNumberIsASequence",
        "mobilePhoneNumberIsASequence",
        "phoneNumberMatchesRecruiterPhoneNumber",
        "phoneNumberMatchesAnotherPersonsPhoneNumber",
        "mobilePhoneNumberMatchesRecruiterPhoneNumber",
        "phoneNumberIsMissing",
        "phoneNumberDoesNotMatchPattern",
        "mobilePhoneNumberDoesNotMatchPattern",
        "emailIsMissing",
        "emailDoesNotMatchEmailPattern",
        "emailNotDeliverable",
        "emailValidationUnknown",
    }
)
SIGNATURE_TYPES = frozenset({"audio", "canvas", "sms"})
CANCELLATION_REASONS = frozenset(
    {
        "external_factor",
        "external_blacklist",
        "external_quality_check",
        "invalid_agreement",
        "invalid_recording",
        "cancelled_by_email_or_phone",
        "too_old_or_too_young",
        "incorrect_email_or_phone_number",
        "incorrect_bank_account_number",
        "chargeback",
        "one_time_only",
        "no_long_term_support",
        "unknown",
        "other",
    }
)
