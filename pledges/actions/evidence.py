"""Result files: kept while somebody looks at what they say, then written to the messages."""

import hashlib
import json
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from accounts import audit
from accounts.models import User
from pledges import results
from pledges.actions.checks import check_supervisor
from pledges.actions.refusals import NotOurs, ReadBefore
from pledges.models import ResultFile, TextMessage
from pledges.models.messaging import TextMessageQuerySet

# What nobody wrote in that time is forgotten.
KEPT_FOR: Final = timedelta(days=1)


def keep_result_file(
    *, user: User | None, name: str, found: results.Read, at: datetime
) -> ResultFile:
    """Keep what was read of a file until it is written. Nothing else changes yet.

    No user: the command read it in, on behalf of whoever runs this installation. Raises NotAllowed,
    or ReadBefore where this user gave the same file before and it tells nothing new since.
    """
    if user is not None:
        check_supervisor(user)
    forgotten = ResultFile.objects.filter(at__lt=at - KEPT_FOR, lines__isnull=False)
    forgotten.update(lines=None)
    lines = [line.as_json() for line in found.lines]
    digest = hashlib.sha256(json.dumps(lines).encode()).hexdigest()
    told = results.match(found.lines, messages_for(user))
    before = ResultFile.objects.filter(user=user, digest=digest).order_by("-at")
    waiting = before.filter(written_at=None, lines__isnull=False).first()
    written = None if told.news else before.filter(written_at__isnull=False).first()
    if user is not None and (known := waiting or written) is not None:
        raise ReadBefore(known, has_news=bool(told.news))
    return ResultFile.objects.create(
        name=name,
        user=user,
        at=at,
        lines=lines,  # type: ignore[misc]
        digest=digest,
        references=len(found.lines),
        unreadable=found.unreadable,
        matched=len(told.told),
        changed=len(told.news),
    )


def write_results(*, user: User | None, result_file: ResultFile, at: datetime) -> ResultFile:
    """Write what a file says to the messages that it is about, those that this user may see.

    Written twice it is written once, and a file that was written before changes nothing. Raises
    NotAllowed, NotOurs for a file that somebody else gave or that was forgotten.
    """
    if user is not None:
        check_supervisor(user)
    with transaction.atomic():
        kept = ResultFile.objects.select_for_update().filter(pk=result_file.pk, user=user).first()
        if kept is None:
            raise NotOurs
        if kept.written_at is not None:
            return kept
        if kept.lines is None:
            raise NotOurs
        found = results.match(map(results.Line.from_json, kept.lines), messages_for(user))
        results.write(found.news)
        kept.matched, kept.changed = len(found.told), len(found.news)
        kept.lines, kept.written_at = None, at
        kept.save(update_fields=["matched", "changed", "lines", "written_at"])
        audit.record(
            "results.written",
            user=user,
            at=at,
            subject=f"results:{kept.pk}",
            references=kept.references,
            matched=kept.matched,
            changed=kept.changed,
        )
        return kept


def messages_for(user: User | None) -> TextMessageQuerySet:
    """The messages that a file may speak of, for whoever gives it."""
    messages: TextMessageQuerySet = TextMessage.objects.all()
    return messages if user is None else messages.visible_to(user)
