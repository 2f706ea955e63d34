"""What each message of this room means: how it is sent, and what proves that it happened. Found by
name in settings.OPERATIONS. `pledges` has what TapRaise is told, `payments` what Alphacomm is asked
for; what it makes of `AddRows` and `AddFile` knows who is with an agent: see calls/operations.py.
"""

from pledges.operations.payments import (
    AddFile,
    AddRows,
    create_mandate,
    create_pay_link,
    stop_calling,
)
from pledges.operations.pledges import create_pledge, update_pledge, update_pledge_status

__all__ = [
    "AddFile",
    "AddRows",
    "create_mandate",
    "create_pay_link",
    "create_pledge",
    "stop_calling",
    "update_pledge",
    "update_pledge_status",
]
