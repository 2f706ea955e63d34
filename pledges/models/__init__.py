"""What donors promised, as TapRaise tells it, and the organisations' own settings.

Mirror columns are TapRaise's: `sync.py` writes them and nobody else. They may be null wherever the
documents allow it, texts too: null is what was sent, and an empty text is another answer. A row
whose `fetched_at` is null is only known by its uuid: something else spoke of it. What Alphacomm
tells is mirrored likewise, in AlphacommLink and in the columns of other rows that say so.
"""

from pledges.models.corrections import Correction
from pledges.models.evidence import ResultFile
from pledges.models.flags import RecruiterFlag
from pledges.models.mandates import Mandate
from pledges.models.messaging import (
    Batch,
    LeftOut,
    Medium,
    MessageScript,
    RowField,
    TextMessage,
    VoiceResult,
)
from pledges.models.objections import (
    BARS_CALLS,
    ObjectedPerson,
    Objection,
    ObjectionKey,
)
from pledges.models.organizations import (
    CallingRules,
    ClosedDay,
    Mirror,
    Organization,
    in_euros,
    in_words,
)
from pledges.models.ours import NewPledge, PledgeChange, SignatureRequest
from pledges.models.payments import AlphacommLink, PayLink, PaymentRules
from pledges.models.persons import Person, QualityResult
from pledges.models.pledges import Pledge, Transaction

__all__ = [
    "BARS_CALLS",
    "AlphacommLink",
    "Batch",
    "CallingRules",
    "ClosedDay",
    "Correction",
    "LeftOut",
    "Mandate",
    "Medium",
    "MessageScript",
    "Mirror",
    "NewPledge",
    "ObjectedPerson",
    "Objection",
    "ObjectionKey",
    "Organization",
    "PayLink",
    "PaymentRules",
    "Person",
    "Pledge",
    "PledgeChange",
    "QualityResult",
    "RecruiterFlag",
    "ResultFile",
    "RowField",
    "SignatureRequest",
    "TextMessage",
    "Transaction",
    "VoiceResult",
    "in_euros",
    "in_words",
]
