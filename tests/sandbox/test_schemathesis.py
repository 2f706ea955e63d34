"""Schemathesis over the sandbox: it answers as the document says, to whatever it is asked.

Its command line is used, over a real socket: its pytest plugin gives every operation the same name,
which pytest-xdist cannot spread. The seed is fixed, so a failure is the same each time, and every
request finds the world as it was born, so no answer depends on an earlier one.
"""

import copy
import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any, Final

from integrations.sandbox import contract, names
from integrations.sandbox.app import Request, SandboxApp
from integrations.sandbox.faults import TAPRAISE_OPERATIONS
from integrations.sandbox.paging import Record
from integrations.sandbox.replies import Reply
from integrations.sandbox.server import running
from integrations.sandbox.world import World

from .conftest import frozen_clock

SECONDS: Final = 240
PHASES: Final = "examples,coverage,fuzzing"
AT: Final = "2026-11-22T12:00:00+01:00"
METADATA: Final = {
    "applicationName": "basicall",
    "referenceId": "B-17",
    "agentReferenceId": "7",
    "statusCode": "done",
    "statusDescription": "Done",
    "additionalProperties": '{"line": 3}',
}
RESULT: Final = {
    "resultCode": "confirmed",
    "completedAt": AT,
    "notes": "",
    "donorRetentionRating": None,
}
SOFTWARE: Final = {"software": "Belbord", "version": "1"}
# Generated uuids are nobody's: most of the time one of the world's own takes their place.
OFTEN: Final = 0.8


class BornAnew(SandboxApp):
    """A sandbox that forgets what a request did before it answers the next."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.statuses: dict[str, set[int]] = defaultdict(set)

    def answer(self, request: Request) -> Reply:
        with self.world.lock:
            if self.world.journal.effects:
                self.world.reset()
            reply = super().answer(request)
            for entry in list(self.world.journal.requests)[-1:]:
                self.statuses[entry["operation"]].add(reply.status)
            return reply


def own_pledge(world: World) -> Record:
    """One that TapRaise manages itself."""
    return next(one for one in world.pledges.values() if one["externalSource"] is None)


def own_call(world: World) -> Record:
    return next(
        call
        for call in world.calls.values()
        if call["status"] == "requested"
        and call["externalMetadata"] is None
        and call["uuid"] not in world.externally_sourced
    )


def document(world: World) -> dict[str, Any]:
    """The document, with examples of what keeps to its prose as well: those have to be taken."""
    whole = copy.deepcopy(contract.DOCUMENT)
    pledge = own_pledge(world)
    call = {"requestedAt": AT, "personUuid": pledge["personUuid"], "notes": "Graag na zes uur."}
    promise = {
        "personUuid": pledge["personUuid"],
        "createdAt": AT,
        "startsAt": AT,
        "owningOrganizationUuid": pledge["owningOrganizationUuid"],
        "recruitingOrganizationUuid": pledge["recruitingOrganizationUuid"],
        "recruiterUserUuid": pledge["recruiterUserUuid"],
        "initialDonationAmount": 7.5,
        "initialDonationInterval": "monthly",
    }
    examples = {
        "/api/v1/calls": [
            {**call, "type": "verification", "relatedCaseUuid": pledge["uuid"]},
            {**call, "externalMetadata": METADATA, "status": "completed", "result": RESULT},
        ],
        "/api/v1/pledges": [
            {**promise, "preferredPaymentDay": 28, "creationMetadata": SOFTWARE},
            {
                **promise,
                "externalSource": {"name": "crm", "identifier": "17"},
                "status": "cancelled",
                "cancelledAt": AT,
                "cancellationReason": {"identifier": "other", "note": "Verhuisd"},
            },
        ],
    }
    for path, bodies in examples.items():
        content = whole["paths"][path]["post"]["requestBody"]["content"]["application/json"]
        content["examples"] = {str(number): {"value": body} for number, body in enumerate(bodies)}
    return whole


def config(world: World) -> str:
    """What the world knows, so that requests reach it; and what may be refused."""
    call, pledge = own_call(world), own_pledge(world)
    known = {
        "calls": [call["uuid"]],
        "pledges": [pledge["uuid"]],
        "persons": [pledge["personUuid"]],
        "organizations": [pledge["owningOrganizationUuid"]],
        "recruiters": [pledge["recruiterUserUuid"]],
        "actions": ["drop", "cancel"],
    }
    bound = {
        "^/api/v1/calls/": {"path.uuid": "calls"},
        "^/api/v1/pledges/": {
            "path.uuid": "pledges",
            "path.statusUpdateAction": "actions",
            "body.recruiterUserUuid": "recruiters",
        },
        "^/api/v1/(calls|pledges)$": {
            "body.personUuid": "persons",
            "body.relatedCaseUuid": "pledges",
            "body.owningOrganizationUuid": "organizations",
            "body.recruitingOrganizationUuid": "organizations",
            "body.recruiterUserUuid": "recruiters",
        },
    }
    lines = [
        f"[dictionaries.{name}]\nvalues = {json.dumps(uuids)}" for name, uuids in known.items()
    ]
    for path, parameters in bound.items():
        lines.append(f"[[operations]]\ninclude-path-regex = {json.dumps(path)}")
        lines.append("[operations.parameters]")
        lines += [
            f'"{name}" = {{ dictionary = "{values}", probability = {OFTEN} }}'
            for name, values in parameters.items()
        ]
    # The prose asks what no schema says: what goes together, what a call managed elsewhere may not
    # carry. So what fits the schemas may be refused all the same, with any of the document's codes.
    lines.append("[checks.positive_data_acceptance]")
    lines.append('expected-statuses = ["2xx", 400, 401, 403, 404, 409]')
    return "\n".join(lines)


def test_schemathesis_finds_nothing(tmp_path: Path) -> None:
    app = BornAnew(World(seed=7, calls=20, clock=frozen_clock()))
    (tmp_path / "document.json").write_text(json.dumps(document(app.world)))
    (tmp_path / "config.toml").write_text(config(app.world))
    with running(app) as base_url:
        command = [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", "config.toml"),
            *("run", "document.json", "--url", base_url, "--phases", PHASES),
            *("--header", f"Authorization: Bearer {names.TOKEN}", "--checks", "all"),
            *("--generation-deterministic", "--max-examples", "10", "--continue-on-failure"),
        ]
        done = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, timeout=SECONDS, check=False
        )
    print(done.stdout, done.stderr)
    assert done.returncode == 0
    # Requests that are only ever refused would show little.
    assert {name for name in TAPRAISE_OPERATIONS if not app.statuses[name] & {200, 201}} == set()
