"""A long list on its way to a file: asked for, written by a worker, fetched, gone after a day."""

import re
import stat
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from accounts.models import AuditEntry, User
from calls.exports import writing
from calls.models import Call, Export
from pledges.models import Organization
from tests.calls.two_steps import Inputs, signed_in
from tests.calls.written import (
    ADDRESS,
    ask,
    download,
    in_csv,
    in_xlsx,
    newest,
    wake_worker,
    written,
)
from tests.factories import ExportFactory, UserFactory, now

pytestmark = pytest.mark.django_db

NewCall = Callable[..., Call]


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Any) -> Any:
    settings.EXPORTS_DIR = tmp_path / "exports"
    return settings.EXPORTS_DIR


@pytest.fixture
def five_calls(new_call: NewCall, monkeypatch: pytest.MonkeyPatch) -> list[Call]:
    """And so few of them are read at a time that it takes three pieces."""
    monkeypatch.setattr(writing, "PIECE", 2)
    start = now() - timedelta(hours=9)
    return [new_call(requested_at=start + timedelta(minutes=n)) for n in range(5)]


def page(user: User) -> str:
    answer = signed_in(user).get(ADDRESS)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


class Dying:
    """A clock at whose nth look the worker is struck down, as by a power cut."""

    def __init__(self, after: int) -> None:
        self.left = after

    def __call__(self) -> datetime:
        self.left -= 1
        if self.left < 0:
            raise SystemExit
        return timezone.now()


# ── From asking to fetching ───────────────────────────────────────────────────────────────────────


def test_a_list_is_asked_for_written_and_fetched(
    carol: User, five_calls: list[Call], folder: Any
) -> None:
    answer = ask(carol)
    assert answer.status_code == 302
    said = page(carol)
    assert "Waiting" in said
    assert 'hx-trigger="every 2s"' in said

    assert wake_worker() == 1

    said = page(carol)
    assert "5 rows" in said
    assert 'hx-trigger="every 2s"' not in said
    export = newest(carol)
    assert (export.rows_done, export.rows_expected, export.is_cut) == (5, 5, False)
    fetched = download(carol)
    assert re.search(r'filename="calls-asked-[\d-]+\.csv"', fetched["Content-Disposition"])
    assert fetched["Cache-Control"] == "no-store"
    assert [row["Call's uuid"] for row in in_csv(fetched)] == [str(one.pk) for one in five_calls]
    # Nobody else on the machine reads it, and nothing else lies there.
    assert [one.name for one in folder.iterdir()] == [f"{export.pk}.csv"]
    assert stat.S_IMODE(export.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_as_a_sheet_too(carol: User, five_calls: list[Call], folder: Any) -> None:
    ask(carol, kind="xlsx")
    wake_worker()

    head, *rows = in_xlsx(download(carol))

    place = head.index("Call's uuid")
    assert [row[place] for row in rows] == [str(one.pk) for one in five_calls]
    assert [one.suffix for one in folder.iterdir()] == [".xlsx"]


def test_each_step_is_on_the_trail_with_its_filters_and_no_donor(
    carol: User, five_calls: list[Call], helder_water: Organization
) -> None:
    ask(carol, since="01-01-2026", organization=str(helder_water.pk))
    wake_worker()
    download(carol)
    export = newest(carol)
    signed_in(carol).post(f"{ADDRESS}{export.pk}/removal/")

    trail = AuditEntry.objects.filter(subject=f"export:{export.pk}").order_by("pk")
    assert [one.action for one in trail] == [
        "export.requested",
        "export.written",
        "export.fetched",
        "export.removed",
    ]
    assert {one.user for one in trail} == {carol}
    asked = {
        "what": "calls", "format": "csv", "organization": str(helder_water.pk),
        "since": "2026-01-01", "until": None,
    }  # fmt: skip
    assert [one.facts for one in trail] == [asked, {**asked, "rows": 5}, asked, asked]


def test_the_same_form_sent_twice_asks_once(carol: User, five_calls: list[Call]) -> None:
    client = signed_in(carol)
    token = Inputs(client.get(ADDRESS).content.decode()).hidden["token"]
    form = {"token": token, "what": "calls", "kind": "csv", "since": "", "until": ""}

    assert [client.post(ADDRESS, form).status_code for _ in range(2)] == [302, 302]
    assert client.post(ADDRESS, {**form, "what": "attempts"}).status_code == 409

    assert Export.objects.count() == 1


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"since": "02-07-2026", "until": "01-07-2026"}, "This day is before the first one."),
        ({"since": "gisteren"}, "Write the day as day-month-year"),
        ({"what": "donors"}, "Choose one from this list."),
        ({"kind": "pdf"}, "Choose one from this list."),
        ({"organization": "00000000-0000-0000-0000-000000000000"}, "Choose one from this list."),
    ],
)
def test_what_cannot_be_asked_is_refused_in_a_sentence(
    carol: User, wrong: dict[str, str], sentence: str
) -> None:
    answer = ask(carol, **wrong)

    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert not Export.objects.exists()


def test_a_fourth_is_refused_while_three_wait(carol: User) -> None:
    answers = [ask(carol, what="attempts") for _ in range(4)]

    assert [one.status_code for one in answers] == [302, 302, 302, 409]
    assert "Three of your exports are still to be written." in answers[-1].content.decode()


def test_where_there_is_nothing_the_page_says_what_to_do(carol: User) -> None:
    assert "You have no files. Choose a list and days below" in page(carol)


def test_the_kind_of_file_that_was_asked_for_last_is_offered_first(carol: User) -> None:
    assert re.search(r'value="xlsx"[^>]* checked', page(carol))

    ask(carol, kind="csv")

    assert re.search(r'value="csv"[^>]* checked', page(carol))


def test_a_file_is_named_after_its_days(carol: User, five_calls: list[Call]) -> None:
    """Two of the same list, asked for at once: what is in which?"""
    ask(carol, since="2026-11-01", until="2026-11-09")
    assert " from 01-11-2026 up to and including 09-11-2026" in page(carol)

    assert newest(carol).name.startswith("calls-from-2026-11-01-to-2026-11-09-asked-")


# ── Who may ──────────────────────────────────────────────────────────────────────────────────────


def test_to_an_agent_there_are_no_exports(alice: User, carol: User) -> None:
    export = ExportFactory(user=alice)
    client = signed_in(alice)
    for place in ("", "pulse/", f"{export.pk}/file/"):
        assert client.get(f"{ADDRESS}{place}").status_code == 404
    for place in ("", f"{export.pk}/removal/"):
        assert client.post(f"{ADDRESS}{place}").status_code == 404


def test_a_file_is_for_who_asked_for_it_and_nobody_else(
    carol: User, five_calls: list[Call], helder_water: Organization
) -> None:
    ask(carol)
    wake_worker()
    mo = UserFactory(role=User.Role.MANAGER, organizations=[helder_water])

    assert download(mo, newest(carol)).status_code == 404
    assert str(newest(carol).pk) not in page(mo)
    assert signed_in(mo).post(f"{ADDRESS}{newest(carol).pk}/removal/").status_code == 404
    assert newest(carol).path.exists()


def disabled(user: User) -> None:
    user.is_active = False
    user.save()


def an_agent_now(user: User) -> None:
    user.role = User.Role.AGENT
    user.save()


def elsewhere_now(user: User) -> None:
    user.organizations.clear()


@pytest.mark.parametrize("becomes", [disabled, an_agent_now, elsewhere_now])
def test_who_may_not_know_of_these_donors_any_more_loses_the_file(
    carol: User, five_calls: list[Call], folder: Any, becomes: Callable[[User], None]
) -> None:
    ask(carol)
    wake_worker()
    ask(carol, what="attempts")
    becomes(carol)

    # Not to be fetched, from that moment on and before any worker came by.
    assert download(carol, Export.objects.get(what="calls")).status_code in (302, 404)
    wake_worker()

    assert not Export.objects.get(what="calls").path.exists()
    assert Export.objects.get(what="calls").state == Export.State.EXPIRED
    # What was still to be written is not, or tells of nobody.
    attempts = Export.objects.get(what="attempts")
    assert attempts.state == Export.State.EXPIRED or attempts.rows_done == 0


# ── Gone after a day ──────────────────────────────────────────────────────────────────────────────


def test_after_a_day_the_file_is_gone(carol: User, five_calls: list[Call], folder: Any) -> None:
    ask(carol)
    wake_worker()
    Export.objects.update(expires_at=now())

    assert download(carol).status_code == 404
    wake_worker()

    assert list(folder.iterdir()) == []
    assert newest(carol).state == Export.State.EXPIRED
    assert "Removed" in page(carol)
    # Its line goes a month later.
    Export.objects.update(made_at=now() - timedelta(days=31))
    wake_worker()
    assert not Export.objects.exists()


def test_what_is_removed_before_its_time_is_gone_at_once_and_twice_is_harmless(
    carol: User, five_calls: list[Call], folder: Any
) -> None:
    ask(carol)
    wake_worker()
    address = f"{ADDRESS}{newest(carol).pk}/removal/"

    assert [signed_in(carol).post(address).status_code for _ in range(2)] == [302, 302]

    assert list(folder.iterdir()) == []
    assert AuditEntry.objects.filter(action="export.removed").count() == 1


def test_what_is_not_ours_in_the_folder_is_left_alone(carol: User, folder: Any) -> None:
    folder.mkdir()
    (folder / "belangrijk.csv").touch()
    lost = folder / f"{ExportFactory(user=carol, state=Export.State.EXPIRED).pk}.csv"
    lost.touch()

    wake_worker()

    assert [one.name for one in folder.iterdir()] == ["belangrijk.csv"]


def test_a_file_that_lies_on_another_machine_is_said_to(
    carol: User, five_calls: list[Call], folder: Any
) -> None:
    ask(carol)
    wake_worker()
    newest(carol).path.unlink()

    answer = signed_in(carol).get(f"{ADDRESS}{newest(carol).pk}/file/", follow=True)

    assert "The file is not on this machine." in answer.content.decode()


# ── The worker ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", Export.Format.values)
# Between claiming and counting, after the first piece, after the last, before handing over.
@pytest.mark.parametrize("looks", [2, 3, 4, 5, 6, 7])
def test_a_worker_struck_down_leaves_an_export_that_is_whole_once_the_next_one_comes(
    carol: User, five_calls: list[Call], folder: Any, kind: str, looks: int
) -> None:
    ask(carol, kind=kind)
    with pytest.raises(SystemExit):
        writing.work(clock=Dying(after=looks))
    # A power cut leaves what was half written.
    stopped = newest(carol)
    assert stopped.state == Export.State.RUNNING
    stopped.part.write_bytes(b"half")

    # While the lease lasts nobody else begins.
    assert wake_worker() == 0
    Export.objects.update(lease_until=now())
    assert wake_worker() == 1

    read = in_csv if kind == "csv" else in_xlsx
    rows = read(download(carol))
    assert len(rows) == 5 + (kind == "xlsx")
    assert [one.name for one in folder.iterdir()] == [f"{stopped.pk}.{kind}"]
    assert AuditEntry.objects.filter(action="export.written").count() == 1
    assert newest(carol).rows_done == 5


def test_who_lost_the_lease_leaves_the_file_to_who_has_it(
    carol: User, five_calls: list[Call], folder: Any
) -> None:
    ask(carol)
    slow = writing.claim(at=now())
    assert slow is not None
    Export.objects.update(lease_until=now())
    assert wake_worker() == 1

    assert writing.write(slow, clock=timezone.now) is False

    assert len(in_csv(download(carol))) == 5
    assert len(list(folder.iterdir())) == 1
    assert AuditEntry.objects.filter(action="export.written").count() == 1


def test_what_is_removed_while_it_is_written_stops(
    carol: User, five_calls: list[Call], folder: Any
) -> None:
    ask(carol)
    in_hand = writing.claim(at=now())
    assert in_hand is not None
    signed_in(carol).post(f"{ADDRESS}{in_hand.pk}/removal/")

    assert writing.write(in_hand, clock=timezone.now) is False

    assert list(folder.iterdir()) == []
    assert newest(carol).state == Export.State.EXPIRED


def test_what_fails_is_tried_three_times_and_then_says_so(
    carol: User, five_calls: list[Call], folder: Any
) -> None:
    ask(carol)
    # A folder that is none.
    folder.write_text("")
    for _ in range(3):
        assert wake_worker() == 0
        Export.objects.update(lease_until=now())
    assert wake_worker() == 0

    assert newest(carol).state == Export.State.FAILED
    assert "was tried three times" in page(carol)


def test_progress_is_told_after_each_piece(carol: User, five_calls: list[Call]) -> None:
    told = []

    def looking() -> datetime:
        told.append(Export.objects.values_list("rows_done", "rows_expected").get())
        return timezone.now()

    ask(carol)
    writing.work(clock=looking)

    assert [one for one in dict.fromkeys(told) if one[1]] == [(0, 5), (2, 5), (4, 5), (5, 5)]


@pytest.mark.parametrize(("most", "rows", "is_cut"), [(4, 4, True), (3, 3, True), (5, 5, False)])
def test_no_file_has_more_rows_than_the_setting_says(
    carol: User, five_calls: list[Call], settings: Settings, most: int, rows: int, is_cut: bool
) -> None:
    settings.EXPORT_MOST_ROWS = most

    assert len(written(carol)) == rows

    assert newest(carol).is_cut is is_cut
    assert (f"only the first {rows} rows" in page(carol)) is is_cut


# ── What a page costs ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("place", "most"), [("", 12), ("pulse/", 5)])
def test_a_page_costs_no_more_with_more_exports(
    carol: User, helder_water: Organization, place: str, most: int
) -> None:
    client = signed_in(carol)
    client.get(ADDRESS)
    ExportFactory(user=carol, organization=helder_water)
    with CaptureQueriesContext(connection) as few:
        client.get(f"{ADDRESS}{place}")
    ExportFactory.create_batch(20, user=carol, organization=helder_water)
    with CaptureQueriesContext(connection) as many:
        client.get(f"{ADDRESS}{place}")

    assert len(many) == len(few) <= most


def test_what_no_worker_takes_up_is_said(carol: User) -> None:
    ExportFactory(user=carol, made_at=now() - timedelta(minutes=3))

    assert "No worker has taken this up yet." in page(carol)


def test_a_long_list_of_exports_goes_on_from_page_to_page(carol: User) -> None:
    for n in range(51):
        ExportFactory(user=carol, state=Export.State.EXPIRED, made_at=now() - timedelta(minutes=n))

    first = page(carol)
    after = first.partition("after=")[2].partition('"')[0].partition("&")[0]
    second = signed_in(carol).get(f"{ADDRESS}?after={after}").content.decode()

    assert [len(re.findall(r"asked for \d", said)) for said in (first, second)] == [50, 1]
