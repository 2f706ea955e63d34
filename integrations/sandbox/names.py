"""Fixed names of the sandbox: who exists in every world, whatever its seed.

The demo command and the tests use these, so that its people and organisations match what the
sandbox serves.
"""

from typing import Final, NamedTuple

TOKEN: Final = "sandbox"  # noqa: S105  (the stand-in's token is no secret)


class Organization(NamedTuple):
    uuid: str
    name: str


# The call centre itself: the callingOrganizationUuid of the calls that are ours to make.
CALLING_ORGANIZATION: Final = Organization(
    "b0000000-0000-4000-8000-000000000001", "Belbord Belcentrum"
)
OTHER_CALLING_ORGANIZATION: Final = Organization(
    "b0000000-0000-4000-8000-000000000002", "Overkant Telefonie"
)
RECRUITING_ORGANIZATION: Final = Organization(
    "b0000000-0000-4000-8000-000000000003", "Straatwerk Werving"
)
HELDER_WATER: Final = Organization("c0000000-0000-4000-8000-000000000001", "Stichting Helder Water")
DIERENHULP: Final = Organization("c0000000-0000-4000-8000-000000000002", "Dierenhulp Noord")
LEESBUS: Final = Organization("c0000000-0000-4000-8000-000000000003", "De Leesbus")
ZORGHUIS: Final = Organization("c0000000-0000-4000-8000-000000000004", "Zorghuis Één Dak")
CHARITIES: Final = (HELDER_WATER, DIERENHULP, LEESBUS, ZORGHUIS)

# TapRaise users of the demo's people.
ALICE: Final = "a0000000-0000-4000-8000-00000000000a"
BOB: Final = "a0000000-0000-4000-8000-00000000000b"
CAROL: Final = "a0000000-0000-4000-8000-00000000000c"
DIRK: Final = "a0000000-0000-4000-8000-00000000000d"
# Each with a number, as recruiters have: whoever calls may be the one who brings a pledge.
PEOPLE: Final = {ALICE: "BB-001", BOB: "BB-002", CAROL: "BB-003", DIRK: "BB-004"}

ORGANIZATIONS: Final = {
    organization.uuid: organization.name
    for organization in (
        CALLING_ORGANIZATION,
        OTHER_CALLING_ORGANIZATION,
        RECRUITING_ORGANIZATION,
        *CHARITIES,
    )
}
