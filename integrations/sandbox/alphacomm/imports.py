"""The import of records: batches, the jobs they become, and the windows in which jobs start.

A record that is accepted waits for the next window of the import schedule; then its script sends
the message, makes the link or mandate that it carries, or schedules the voice call. What waits is
in the records, so that it is planned anew after a restart (`resume`).
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from graphql import GraphQLError

from integrations.sandbox.alphacomm import rows
from integrations.sandbox.alphacomm.links import new_link
from integrations.sandbox.alphacomm.mandates import new_mandate
from integrations.sandbox.alphacomm.rows import Row
from integrations.sandbox.alphacomm.scripts import Script
from integrations.sandbox.clock import as_text, parse, to_the_second
from integrations.sandbox.paging import Record
from integrations.sandbox.world import World


def add_records(world: World, given: dict[str, Any], at: str) -> Record:
    """import.addRecords: rows are judged at once, a file waits."""
    file, given_rows = given.get("file"), given.get("rows")
    if (file is None) == (given_rows is None):
        raise GraphQLError("Give either rows or a file.")
    if file is not None:
        return _add_file(world, file, at)
    batch = new_batch(world, at, status="done" if given_rows else "empty")
    records = [_import_row(world, row, batch["id"], at) for row in given_rows or []]
    return world.alphacomm.change("batches", batch, at, records=records)


def new_batch(
    world: World, at: str, *, status: str, name: str = "", action: str = "IMPORT", **more: Any
) -> Record:
    holdings = world.alphacomm
    holdings.made += 1
    batch = {
        "id": name or f"{at[:10].replace('-', '')}-{100 + holdings.made}",
        "action": action,
        "status": status,
        "records": [],
        "createdOn": to_the_second(at),
        "updatedOn": to_the_second(at),
        **more,
    }
    return holdings.put("batches", batch, at)


# --- rows ---


def _import_row(world: World, row: Row, batch: str, at: str) -> Record:
    """What became of one record, as its answer shows it."""
    holdings = world.alphacomm
    script = holdings.records["scripts"].get(row.get("script", ""))
    messages = rows.complaints(row, script)
    record = {
        "scriptId": row.get("script"),
        "status": "rejected",
        "reference": row.get("reference"),
        "messages": messages,
    }
    if not row.get("reference"):
        return {**record, "status": "notLoaded"}
    if script is None or rows.is_rejected(messages):
        return record
    job = holdings.job_of(row["script"], row["reference"])
    if job is not None:
        holdings.change("jobs", job, at, row={**job["row"], **row})
        return {**record, "status": "updated"}
    _new_job(world, row, batch, at)
    return {**record, "status": "accepted"}


def _new_job(world: World, row: Row, batch: str, at: str) -> None:
    holdings = world.alphacomm
    job = {
        "id": f"{row['script']}/{row['reference']}",
        # The 'call request' that voice events speak of.
        "requestId": holdings.fresh_id(),
        "script": row["script"],
        "reference": row["reference"],
        "batch": batch,
        "row": row,
        "status": "accepted",
        "leavesAt": next_window(world, at),
        "stoppedOn": None,
        "createdOn": to_the_second(at),
        "updatedOn": to_the_second(at),
    }
    holdings.put("jobs", job, at)
    _plan_job(world, job)


def next_window(world: World, at: str) -> str:
    """The first window after that moment."""
    every = max(world.alphacomm.switches.import_every_seconds, 1)
    seconds = int(parse(at).timestamp())
    return as_text(datetime.fromtimestamp((seconds // every + 1) * every, UTC))


def resume(world: World) -> None:
    """Plan what was waiting when the world was saved."""
    for job in world.alphacomm.records["jobs"].values():
        if job["status"] == "accepted":
            _plan_job(world, job)
    for batch in world.alphacomm.records["batches"].values():
        if "file" in batch:
            _plan_file(world, batch)


def _plan_job(world: World, job: Record) -> None:
    world.plan_at(job["leavesAt"], lambda at: _start_job(world, job["id"], at))


def _start_job(world: World, id_: str, at: str) -> None:
    holdings = world.alphacomm
    job = holdings.records["jobs"][id_]
    if job["status"] != "accepted":
        return
    holdings.change("jobs", job, at, status="created")
    script = holdings.records["scripts"][job["script"]]
    if script["medium"] == "voice":
        _schedule_calls(world, job, at)
    else:
        _send_message(world, job, script, at)


def _schedule_calls(world: World, job: Record, at: str) -> None:
    switches = world.alphacomm.switches
    first, apart = parse(at), timedelta(seconds=switches.voice_calls_apart_seconds)
    times = [as_text(first + apart * number) for number in range(switches.voice_calls_scheduled)]
    call = {
        "id": job["requestId"],
        "script": job["script"],
        "reference": job["reference"],
        "to": job["row"]["toPhoneNumbers"][0],
        "scheduled": [] if job["stoppedOn"] else times,
        # What was rung, newest last: its id, status and time, and whether it got to the end.
        "calls": [],
        "createdOn": to_the_second(at),
        "updatedOn": to_the_second(at),
    }
    world.alphacomm.put("voice_calls", call, at)


def _send_message(world: World, job: Record, script: Script, at: str) -> None:
    holdings, row = world.alphacomm, job["row"]
    link = mandate = None
    if script["carries"] == "paylink":
        link = new_link(
            world,
            at,
            attributes=[
                {"id": "origin", "value": script["medium"]},
                {"id": "script", "value": script["id"]},
                {"id": "reference", "value": job["reference"]},
            ],
            person_name=row.get("personFamilyName") or "",
            invoice=row,
            reference=job["reference"],
        )
    elif script["carries"] == "mandate":
        mandate = new_mandate(
            world,
            at,
            person_name=row.get("personFamilyName") or "",
            reference=job["reference"],
            type="RCUR",
            reason=row.get("invoiceDescription") or "",
            debtor_reference=row.get("invoiceReference") or "",
        )
    is_sms = script["medium"] == "sms"
    message = {
        "id": holdings.fresh_id(),
        "script": script["id"],
        "reference": job["reference"],
        "medium": script["medium"],
        "to": row["toPhoneNumbers"][0] if is_sms else row["toMailAddress"],
        "status": "delivered",
        "link": link and link["id"],
        "mandate": mandate and mandate["id"],
        "createdOn": to_the_second(at),
        "updatedOn": to_the_second(at),
    }
    holdings.put("messages", message, at)


# --- files ---


def _add_file(world: World, file: dict[str, Any], at: str) -> Record:
    extension = file["extension"].lower().lstrip(".")
    if extension not in rows.EXTENSIONS:
        raise GraphQLError(f"extension is one of: {', '.join(rows.EXTENSIONS)}.")
    try:
        rows.decoded(file["contents"])
    except ValueError:
        raise GraphQLError("contents is not base64.") from None
    kept = {"extension": extension, "contents": file["contents"], "at": at}
    batch = new_batch(world, at, status="queued", file=kept)
    _plan_file(world, batch)
    return batch


def _plan_file(world: World, batch: Record) -> None:
    switches, came_at = world.alphacomm.switches, parse(batch["file"]["at"])
    runs_at = came_at + timedelta(seconds=switches.file_queued_seconds)
    ends_at = runs_at + timedelta(seconds=switches.file_running_seconds)
    world.plan_at(as_text(runs_at), lambda at: _run_file(world, batch["id"], at))
    world.plan_at(as_text(ends_at), lambda at: _end_file(world, batch["id"], at))


def _run_file(world: World, name: str, at: str) -> None:
    batch = world.alphacomm.records["batches"][name]
    if batch["status"] == "queued":
        world.alphacomm.change("batches", batch, at, status="running")


def _end_file(world: World, name: str, at: str) -> None:
    holdings = world.alphacomm
    batch = holdings.records["batches"][name]
    if "file" not in batch:
        return
    file = batch["file"]
    rest = {key: value for key, value in batch.items() if key != "file"}
    if batch["status"] not in {"queued", "running"}:
        # Somebody has decided otherwise in the meantime.
        holdings.put("batches", rest, at)
        return
    try:
        found = rows.rows_of(file["extension"], rows.decoded(file["contents"]))
    except rows.UnreadableFile:
        holdings.change("batches", rest, at, status="error")
        return
    records = [_import_row(world, row, name, at) for row in found]
    holdings.change("batches", rest, at, status="done", records=records)


# --- stopping ---


def stop_calling(world: World, given: dict[str, Any], at: str) -> Record:
    """voice.stopCalling: what is still scheduled is taken away; done, too, when there was none."""
    holdings = world.alphacomm
    reference, script = given["reference"], str(given["scriptId"])
    job = holdings.job_of(script, reference)
    if job is not None:
        holdings.change("jobs", job, at, stoppedOn=at)
        call = holdings.records["voice_calls"].get(job["requestId"])
        if call is not None:
            holdings.change("voice_calls", call, at, scheduled=[])
    return {"id": reference}
