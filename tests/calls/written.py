"""What a worker wrote, and what stands in it."""

import csv
import io
from collections.abc import Sequence
from typing import Any

from django.utils import timezone
from openpyxl import load_workbook

from accounts.models import User
from calls.exports import writing
from calls.models import Export
from tests.calls.two_steps import Inputs, signed_in

ADDRESS = "/exports/"


def ask(user: User, **fields: Any) -> Any:
    """Open the page and have a list written."""
    client = signed_in(user)
    token = Inputs(client.get(ADDRESS).content.decode()).hidden["token"]
    asked = {"what": "calls", "kind": "csv", "since": "", "until": "", **fields}
    return client.post(ADDRESS, {"token": token, **asked})


def wake_worker() -> int:
    return writing.work(clock=timezone.now)


def newest(user: User) -> Export:
    return Export.objects.filter(user=user).latest("made_at")


def download(user: User, export: Export | None = None) -> Any:
    export = export or newest(user)
    return signed_in(user).get(f"{ADDRESS}{export.pk}/file/")


def in_csv(answer: Any) -> list[dict[str, str]]:
    contents = b"".join(answer.streaming_content) if answer.streaming else answer.content
    text = io.StringIO(contents.decode("utf-8-sig"), newline="")
    return list(csv.DictReader(text, delimiter=";"))


def in_xlsx(answer: Any) -> list[Sequence[Any]]:
    contents = b"".join(answer.streaming_content) if answer.streaming else answer.content
    sheet = load_workbook(io.BytesIO(contents)).active
    assert sheet is not None
    return [tuple(row) for row in sheet.iter_rows(values_only=True)]


def written(user: User, **fields: Any) -> list[dict[str, str]]:
    """Ask for a list, let the worker write it, and read it."""
    assert ask(user, **fields).status_code == 302
    assert wake_worker() == 1
    return in_csv(download(user))
