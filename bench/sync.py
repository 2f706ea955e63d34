"""How fast calls come in, against a yardstick in the same run.

The sandbox runs as a process of its own. The yardstick, called floor, is one thread that fetches
the same pages with requests, decodes them without types, flattens them, normalises phone numbers,
encrypts account numbers, and COPYs the rows into the same tables with the same keys and indexes,
all in one transaction. It checks nothing, compares nothing and cannot be run twice.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import requests

from bench import bed
from bench.bed import Figure

INCLUDE = "person,personQualityResult,pledge,transactions"
PAGE = 100
# What each has to be. The peak is that of SQLite, where the yardstick takes no part in it.
MOST = {
    "postgresql_full_over_floor": 1.0,
    "postgresql_unchanged_over_full": 0.6,
    "postgresql_again_requests": 1,
    "sqlite_peak_mib": 150,
}


def figures(calls: int) -> list[Figure]:
    database = bed.address("sync")
    with tempfile.TemporaryDirectory() as folder, bed.empty_database(database):
        told = {
            "postgresql": _measured(calls, database),
            "sqlite": _measured(calls, f"sqlite:///{folder}/bench.sqlite3"),
        }
    found = [
        Figure(f"{name}_{figure}", value, most=MOST.get(f"{name}_{figure}"))
        for name, values in told.items()
        for figure, value in values.items()
    ]
    own, embedded = told["postgresql"]["full_s"], told["sqlite"]["full_s"]
    return [*found, Figure("sqlite_over_postgresql", round(embedded / own, 2), most=1.0)]


def _measured(calls: int, database: str) -> dict[str, float]:
    """A sandbox and a process that syncs from it, both new."""
    variables = {
        **os.environ,
        "ENV_FILE": os.devnull,
        "DEBUG": "true",
        "SECRET_KEY": "bench",
        "FIELD_KEYS": "bench",
        "TAPRAISE_TOKEN": "sandbox",
        "TAPRAISE_URL": "http://127.0.0.1:9",
        "TAPRAISE_PAGE_SIZE": str(PAGE),
        "DATABASE_URL": database,
        "REDIS_URL": "redis://127.0.0.1:9/0",
    }
    manage = [sys.executable, str(bed.ROOT / "manage.py")]
    subprocess.run([*manage, "migrate", "--verbosity=0"], env=variables, check=True)
    sandbox = subprocess.Popen(
        [*manage, "sandbox", "--port=0", f"--calls={calls}"],
        env=variables, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert sandbox.stdout is not None
        said = sandbox.stdout.readline()
        address = said.split()[-1].removesuffix("/__sandbox/")
        done = subprocess.run(
            [sys.executable, "-m", "bench.sync", "--measure", address],
            cwd=bed.ROOT, env={**variables, "TAPRAISE_URL": address},
            stdout=subprocess.PIPE, text=True, check=True,
        )  # fmt: skip
    finally:
        sandbox.terminate()
        sandbox.wait()
    told: dict[str, float] = json.loads(done.stdout)
    return told


# ── In the process that syncs ─────────────────────────────────────────────────────────────────────


def measure(address: str) -> dict[str, Any]:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from django.db import connection

    is_postgresql = connection.vendor == "postgresql"
    figures: dict[str, Any] = {}
    floor = 0.0
    # Both sides are warm when they are measured: connections, code, caches of the sandbox.
    calls_of_all_pages = sum(len(page["edges"]) for page in pages(address))
    if is_postgresql:
        floor, _ = timed(lambda: copy_all(address))
        truncate()
        cpu = time.process_time()
        again, _ = timed(lambda: copy_all(address))
        figures["floor_own_cpu_s"] = round(time.process_time() - cpu, 2)
        truncate()
        floor = min(floor, again)
        figures["floor_s"] = round(floor, 2)
    cpu = time.process_time()
    full, done = timed(lambda: pull(is_full=False))
    figures["full_own_cpu_s"] = round(time.process_time() - cpu, 2)
    assert done.records == calls_of_all_pages, done
    figures["full_s"] = round(full, 2)
    figures["calls_a_second"] = round(done.records / full)
    if is_postgresql:
        figures["full_over_floor"] = round(full / floor, 2)
    second, done = timed(lambda: pull(is_full=True))
    assert done.written == 0, done
    figures["unchanged_s"] = round(second, 2)
    figures["unchanged_over_full"] = round(second / full, 2)
    requests.delete(f"{address}/__sandbox/journal", timeout=60)
    nothing, _ = timed(lambda: pull(is_full=False))
    asked = requests.get(f"{address}/__sandbox/journal?kind=requests", timeout=60).json()
    figures["again_s"] = round(nothing, 3)
    figures["again_requests"] = len(asked["requests"])
    changed = max(done.records // 100, 1)
    requests.post(f"{address}/__sandbox/touch", json={"count": changed}, timeout=60)
    requests.delete(f"{address}/__sandbox/journal", timeout=60)
    one_percent, done = timed(lambda: pull(is_full=False))
    asked = requests.get(f"{address}/__sandbox/journal?kind=requests", timeout=60).json()
    assert done.written >= changed, done
    figures["one_percent_s"] = round(one_percent, 3)
    figures["one_percent_rows"] = done.written
    figures["one_percent_requests"] = len(asked["requests"])
    figures["one_percent_ms_a_call"] = round(one_percent / changed * 1000, 2)
    figures["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return figures


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, result


def pull(*, is_full: bool) -> Any:
    from calls.freshness import CALLS
    from integrations import streams

    (done,) = streams.pull(CALLS, is_full=is_full, should_stop=streams.never)
    assert done.outcome is streams.Outcome.FINISHED, done
    return done


def pages(address: str) -> Iterator[dict[str, Any]]:
    session = requests.Session()
    session.headers["Authorization"] = "Bearer sandbox"
    query: dict[str, str] = {"first": str(PAGE), "include": INCLUDE}
    while True:
        answer = session.get(f"{address}/api/v1/calls", params=query, timeout=60)
        page = msgspec.json.decode(answer.content)
        yield page
        if not page["pageInfo"]["hasNextPage"]:
            return
        query["after"] = page["pageInfo"]["endCursor"]


def truncate() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE pledges_organization CASCADE")


def copy_all(address: str) -> None:
    """The floor."""
    from django.db import connection, transaction

    seen: set[str] = set()
    with transaction.atomic(), connection.cursor() as cursor:
        for page in pages(address):
            rows: dict[str, list[dict[str, Any]]] = {}
            for edge in page["edges"]:
                for table, row in flat(edge["node"]):
                    key = table + str(next(iter(row.values())))
                    if key not in seen:
                        seen.add(key)
                        rows.setdefault(table, []).append(row)
            for table in TABLES:
                if table in rows:
                    columns = ", ".join(rows[table][0])
                    with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                        for row in rows[table]:
                            copy.write_row(tuple(row.values()))


TABLES = (
    "pledges_organization",
    "pledges_person",
    "pledges_qualityresult",
    "pledges_pledge",
    "pledges_transaction",
    "calls_call",
)


def flat(call: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The rows of one call as the API sends it."""
    from integrations.encryption import encrypt, lookup_hash
    from pledges.names import first_key, name_key, postcode_key
    from pledges.phone import e164

    def sealed(iban: str | None) -> dict[str, Any]:
        plain = iban and iban.replace(" ", "").upper()
        return {"iban": plain and encrypt(plain), "iban_hash": plain and lookup_hash(plain)}

    fetched = {"digest": 1, "fetched_at": "2026-01-01T00:00:00Z"}
    person, pledge = call["person"], call["pledgeCase"]
    address = person["address"] or {}
    owner = person["owningOrganization"]
    yield "pledges_organization", {"uuid": owner["uuid"], "name": owner["name"], **fetched}
    if call["callingOrganizationUuid"]:
        caller = call["callingOrganizationUuid"]
        yield "pledges_organization", {"uuid": caller, "name": "", **fetched}
    phone, mobile = person["phoneNumber"], person["mobilePhoneNumber"]
    country = address.get("country")
    yield (
        "pledges_person",
        {
            "uuid": person["uuid"],
            "academic_title": person["academicTitle"],
            "initials": person["initials"],
            "first_name": person["firstName"],
            "last_name_prefix": person["lastNamePrefix"],
            "last_name": person["lastName"],
            "date_of_birth": person["dateOfBirth"],
            **sealed(person["iban"]),
            "street": address.get("street"),
            "house_number": address.get("houseNumber"),
            "house_number_extension": address.get("houseNumberExtension"),
            "zip_code": address.get("zipCode"),
            "city": address.get("city"),
            "country": country,
            "phone_number": phone,
            "mobile_phone_number": mobile,
            "phone_e164": phone and e164(phone, country),
            "mobile_e164": mobile and e164(mobile, country),
            "name_key": name_key(person["lastName"], person["lastNamePrefix"]),
            "first_key": first_key(person["firstName"], person["initials"]),
            "postcode_key": postcode_key(address.get("zipCode")),
            "email": person["email"],
            "gender": person["gender"],
            "opt_in_email": person["optInEmail"],
            "opt_in_phone": person["optInPhone"],
            "opt_in_mail": person["optInMail"],
            "opt_in_sms": person["optInSms"],
            "language": person["language"],
            "mandate_created_at": person["mandate"] and person["mandate"]["createdAt"],
            "created_at": person["createdAt"],
            "owning_organization_id": owner["uuid"],
            **fetched,
        },
    )
    quality = person["qualityResult"]
    if quality:
        yield (
            "pledges_qualityresult",
            {
                "person_id": person["uuid"],
                "score": quality["score"],
                "max_score": quality["maxScore"],
                "percentage": quality["percentage"],
                "created_at": quality["createdAt"],
                "gates": msgspec.json.encode(quality["gateResults"]).decode(),
                **fetched,
            },
        )
    if pledge:
        recruiting, source = pledge["recruitingOrganization"], pledge["externalSource"] or {}
        recruiter = pledge["recruiterUser"] or {}
        for each in (pledge["owningOrganization"], recruiting):
            yield "pledges_organization", {"uuid": each["uuid"], "name": each["name"], **fetched}
        yield (
            "pledges_pledge",
            {
                "uuid": pledge["uuid"],
                "account": "default",
                "status": pledge["status"],
                "starts_at": pledge["startsAt"],
                "ends_at": pledge["endsAt"],
                "created_at": pledge["createdAt"],
                "updated_at": pledge["updatedAt"],
                "released_at": pledge["releasedAt"],
                "owning_organization_id": pledge["owningOrganization"]["uuid"],
                "recruiting_organization_id": recruiting["uuid"],
                "recruiting_location_label": pledge["recruitingLocationLabel"],
                "initial_donation_amount": pledge["initialDonationAmount"],
                "donation_amount": pledge["donationAmount"],
                "initial_donation_interval": pledge["initialDonationInterval"],
                "donation_interval": pledge["donationInterval"],
                "preferred_payment_day": pledge["preferredPaymentDay"],
                "recruitment_type": pledge["recruitmentType"],
                "recruiter_uuid": pledge["recruiterUserUuid"],
                "recruiter_identifier": recruiter.get("identifier"),
                "recruiter_name": recruiter.get("name"),
                "focus_areas": msgspec.json.encode(pledge["focusAreas"] or []).decode(),
                "external_source_name": source.get("name"),
                "external_source_identifier": source.get("identifier"),
                "external_metadata": None,
                "campaign_code": pledge["campaignCode"],
                "collection_date": pledge["collectionDate"],
                **fetched,
            },
        )
    for paid in call["transactions"] or ():
        yield (
            "pledges_transaction",
            {
                "uuid": paid["uuid"],
                "person_id": paid["personUuid"],
                "pledge_id": paid["origin"]["identifier"],
                "origin_name": paid["origin"]["name"],
                "amount": paid["amount"],
                "name": paid["name"],
                **sealed(paid["iban"]),
                "description": paid["description"],
                "provider": paid["provider"],
                "method": paid["method"],
                "reference_id": paid["referenceId"],
                "transaction_id": paid["transactionId"],
                "created_at": paid["createdAt"],
                "updated_at": paid["updatedAt"],
                "status": paid["status"],
                **fetched,
            },
        )
    result, elsewhere = call["result"] or {}, call["externalMetadata"] or {}
    yield (
        "calls_call",
        {
            "uuid": call["uuid"],
            "account": "default",
            "status": call["status"],
            "type": call["type"],
            "requested_at": call["requestedAt"],
            "last_updated_at": call["lastUpdatedAt"],
            "cancelled_at": call["cancelledAt"],
            "completed_at": call["completedAt"],
            "expired_at": call["expiredAt"],
            "notes": call["notes"],
            "person_id": call["personUuid"],
            "pledge_id": call["relatedCaseUuid"],
            "calling_organization_id": call["callingOrganizationUuid"],
            "attempts": msgspec.json.encode(call["attempts"]).decode(),
            "attempts_count": call["attemptsCount"],
            "result_code": result.get("resultCode"),
            "result_completed_at": result.get("completedAt"),
            "result_notes": result.get("notes"),
            "result_rating": result.get("donorRetentionRating"),
            "recording_seconds": call["recordingDuration"],
            "external_application": elsewhere.get("applicationName"),
            "external_reference": elsewhere.get("referenceId"),
            "external_agent_reference": elsewhere.get("agentReferenceId"),
            "external_status_code": elsewhere.get("statusCode"),
            "external_status_description": elsewhere.get("statusDescription"),
            **fetched,
        },
    )


if __name__ == "__main__":
    if sys.argv[1] == "--measure":
        print(json.dumps(measure(sys.argv[2])))
    else:
        bed.say("sync", figures(int(sys.argv[1])))
