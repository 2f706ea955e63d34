"""What comes in: wire records to mirror columns, and what is brought at once to rows. Nobody else
writes those columns. `pledges` has what TapRaise tells, `payments` what Alphacomm does."""

from pledges.sync.payments import (
    agree_amounts_for,
    save_batch,
    save_imported,
    save_links,
    save_mandates,
    save_visit,
    save_voice_result,
)
from pledges.sync.pledges import (
    NOT_SMALL,
    Mentioned,
    Problem,
    is_small,
    organization_row,
    person_row,
    pledge_row,
    quality_row,
    rounded,
    save_pledges,
    seal_json,
    sift,
    transaction_row,
)

__all__ = [
    "NOT_SMALL",
    "Mentioned",
    "Problem",
    "agree_amounts_for",
    "is_small",
    "organization_row",
    "person_row",
    "pledge_row",
    "quality_row",
    "rounded",
    "save_batch",
    "save_imported",
    "save_links",
    "save_mandates",
    "save_pledges",
    "save_visit",
    "save_voice_result",
    "seal_json",
    "sift",
    "transaction_row",
]
