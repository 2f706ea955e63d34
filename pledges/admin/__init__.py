"""The admin of organisations, their rules, and what TapRaise and Alphacomm tell of donors.

Here it is known whose a row is: people and the trail are narrowed to organisations too.
"""

from pledges.admin import mirrored, organizations, payment_rules, payments, people
from pledges.admin.donors import DonorAdmin, PersonOrganizationFilter

__all__ = [
    "DonorAdmin",
    "PersonOrganizationFilter",
    "mirrored",
    "organizations",
    "payment_rules",
    "payments",
    "people",
]
