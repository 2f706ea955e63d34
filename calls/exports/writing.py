"""What a worker does about exports: writes what was asked for, and removes what is over.

The row is the queue. Whoever writes an export holds its lease and shows it with every piece; a
worker that went away leaves a lease that lapses, and the next one begins anew. A file stands at its
own name only once it is whole, so that it is there once or not at all.
"""

import os
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import IO, Any, Final

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import translation
from django.utils.text import capfirst

from accounts import audit, sheets
from accounts.keyset import pieces_of
from accounts.models import User
from accounts.sheets import Format
from calls.exports.lists import LISTS, rows_for
from calls.models import Export

Clock = Callable[[], datetime]
State = Export.State

# So many rows are read at once, and the row says how far it is after each.
PIECE: Final = 1_000
# A piece is written well within this time, and so is the end of a sheet of a million rows.
LEASE: Final = timedelta(minutes=5)
# A file that failed so often will fail again; in between it waits.
MOST_TRIES: Final = 3
PAUSE: Final = timedelta(seconds=30)
# So long a file is there to be fetched, and so long its line is.
KEPT: Final = timedelta(hours=24)
REMEMBERED: Final = timedelta(days=30)

# How files here are named, whole or not.
_UUID: Final = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_NAME: Final = re.compile(rf"{_UUID}\.(?:{'|'.join(Format.values)}|{_UUID}\.(?:part|draft))")

_log = structlog.get_logger(__name__)


class LeaseLost(Exception):
    """Somebody else writes this export by now, or nobody wants it any more."""


class NoRight(Exception):
    """Who asked for it may not have it any more."""


def work(*, clock: Clock) -> int:
    """Remove what is over, and write what was asked for, the oldest first; how many are ready."""
    remove_what_is_over(at=clock())
    ready = 0
    while export := claim(at=clock()):
        ready += write(export, clock=clock)
        remove_what_is_over(at=clock())
    return ready


def claim(*, at: datetime) -> Export | None:
    """Take the next export in hand; None where there is nothing to write."""
    for pk, tries in Export.objects.to_do(at=at).order_by("made_at").values_list("pk", "tries"):
        mine = Export.objects.to_do(at=at).filter(pk=pk, tries=tries)
        if tries >= MOST_TRIES:
            mine.update(state=State.FAILED, lease=None, lease_until=None)
        elif mine.update(
            state=State.RUNNING,
            lease=uuid.uuid4(),
            lease_until=at + LEASE,
            tries=tries + 1,
            rows_done=0,
            rows_expected=None,
            is_cut=False,
        ):
            return Export.objects.select_related("user", "organization").get(pk=pk)
    return None


def write(export: Export, *, clock: Clock) -> bool:
    """Write this export, which is in hand; whether it is ready now."""
    try:
        _opened(export.draft).close()
        with translation.override(export.user.language), _opened(export.part) as out:
            _fill(export, out, clock=clock)
        _hand_over(export, at=clock())
    except LeaseLost:
        return False
    except NoRight:
        _own(export).update(state=State.EXPIRED, lease=None, lease_until=None)
        return False
    except Exception as error:  # noqa: BLE001  (a mistake of ours; other exports go on)
        # Its kind alone: its words may tell of a donor.
        _log.error("export failed", export=str(export.pk), error=type(error).__name__)
        _own(export).update(lease_until=clock() + PAUSE)
        return False
    finally:
        # Where the folder itself is what is wrong there is nothing to remove.
        with suppress(OSError):
            export.part.unlink(missing_ok=True)
            export.draft.unlink(missing_ok=True)
    return True


def may_have(export: Export, user: User) -> bool:
    """Whether this file is still for this person: it tells of nobody they may know nothing of."""
    if not (user.is_active and user.is_supervisor):
        return False
    theirs = {str(pk) for pk in user.organizations.values_list("pk", flat=True)}
    return theirs.issuperset(export.organizations)


def remove_what_is_over(*, at: datetime) -> int:
    """Remove files whose day is over or whose owner may not have them any more, what a worker that
    went away left behind, and lines that nobody needs; how many files are removed."""
    # What lies there is looked at first: whatever is begun after this look is not in it.
    found = _files()
    ready = Export.objects.filter(state=State.READY).select_related("user")
    over = [one for one in ready if _is_over(one, at=at)]
    for export in over:
        remove(export)
    wanted = set()
    for export in Export.objects.filter(state__in=[State.RUNNING, State.READY]):
        wanted |= {export.path, export.part, export.draft}
    lost = [path for path in found if path not in wanted]
    for path in lost:
        path.unlink(missing_ok=True)
    Export.objects.exclude(state__in=[State.WAITING, State.RUNNING]).filter(
        made_at__lt=at - REMEMBERED
    ).delete()
    return len(lost)


def remove(export: Export) -> None:
    """Remove its file, or stop its being written; its line stays and says so. Twice is harmless."""
    Export.objects.filter(pk=export.pk).exclude(state=State.FAILED).update(
        state=State.EXPIRED, lease=None, lease_until=None
    )
    export.path.unlink(missing_ok=True)


def _is_over(export: Export, *, at: datetime) -> bool:
    return export.expires_at is None or export.expires_at <= at or not may_have(export, export.user)


# ── One file ──────────────────────────────────────────────────────────────────────────────────────


def _opened(path: Path) -> IO[bytes]:
    """A new file that nobody else on this machine can read."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb")


def _fill(export: Export, out: IO[bytes], *, clock: Clock) -> None:
    user, kind = export.user, Format(export.format)
    if not (user.is_active and user.is_supervisor):
        raise NoRight
    listed = LISTS[export.what]
    most = settings.EXPORT_MOST_ROWS
    most = min(most, kind.most_rows or most)
    rows = rows_for(export)
    theirs = {str(pk) for pk in user.organizations.values_list("pk", flat=True)}
    if export.organization_id is not None:
        theirs &= {str(export.organization_id)}
    _note(
        export,
        at=clock(),
        rows_expected=min(rows.order_by()[: most + 1].count(), most),
        organizations=sorted(theirs),
    )
    columns = listed.columns(user, clock())
    told = _noting(export, rows, order=listed.order, most=most, clock=clock)
    sheets.write(
        out,
        kind,
        sheets.names_of(columns),
        sheets.rows_of(columns, told),
        title=capfirst(export.get_what_display()),
        draft=export.draft,
    )


def _noting(
    export: Export, rows: Any, *, order: tuple[str, ...], most: int, clock: Clock
) -> Iterator[Any]:
    """The rows, as many as one file may have; after each piece the line says how far it is."""
    done = 0
    for piece in pieces_of(rows, order=order, size=PIECE):
        yield from islice(piece, most - done)
        is_cut = done + len(piece) > most
        done = min(done + len(piece), most)
        _note(export, at=clock(), rows_done=done, is_cut=is_cut)
        if is_cut:
            return


def _note(export: Export, *, at: datetime, **columns: Any) -> None:
    """Say how far it is, and keep the lease. Raises LeaseLost."""
    for name, value in columns.items():
        setattr(export, name, value)
    if not _own(export).update(lease_until=at + LEASE, **columns):
        raise LeaseLost


def _hand_over(export: Export, *, at: datetime) -> None:
    """It is whole: give it its name, and say so."""
    with transaction.atomic():
        is_own = _own(export).update(
            state=State.READY,
            lease=None,
            lease_until=None,
            ready_at=at,
            expires_at=at + KEPT,
            rows_expected=export.rows_done,
            bytes=export.part.stat().st_size,
        )
        if not is_own:
            raise LeaseLost
        audit.record(
            "export.written",
            user=export.user,
            at=at,
            subject=f"export:{export.pk}",
            **facts_of(export),
            rows=export.rows_done,
        )
        export.part.replace(export.path)


def facts_of(export: Export) -> dict[str, Any]:
    """What was asked for, as the trail keeps it."""
    return {
        "what": export.what,
        "format": export.format,
        "organization": str(export.organization_id) if export.organization_id else None,
        "since": export.since.isoformat() if export.since else None,
        "until": export.until.isoformat() if export.until else None,
    }


def _own(export: Export) -> Any:
    return Export.objects.filter(pk=export.pk, state=State.RUNNING, lease=export.lease)


def _files() -> list[Path]:
    """What lies in the folder and is named as exports are; whatever else does is not ours."""
    folder = Path(settings.EXPORTS_DIR)
    there = folder.iterdir() if folder.is_dir() else ()
    return [path for path in there if _NAME.fullmatch(path.name)]
