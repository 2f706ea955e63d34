"""Result files are read in: first what they would do, then evidence on messages, once.

Only then a screen may say what became of a message.
"""

import io
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import translation
from django.utils.formats import date_format
from django.utils.timezone import localtime

from accounts.models import AuditEntry, User
from pledges import results
from pledges.models import Organization, ResultFile, TextMessage
from tests.calls.two_steps import signed_in
from tests.factories import PersonFactory, TextMessageFactory

COLUMNS = results.Columns()
HEAD = "script;reference;medium;result;time;paylink\r\n"


@pytest.fixture
def messages(helder_water: Organization) -> list[TextMessage]:
    return [
        TextMessageFactory(
            reference=f"20261103-{number}", person=PersonFactory(owning_organization=helder_water)
        )
        for number in range(3)
    ]


def file_of(*lines: str, head: str = HEAD) -> bytes:
    return (head + "".join(f"{line}\r\n" for line in lines)).encode()


class Desk:
    """A supervisor at the page of result files."""

    def __init__(self, user: User) -> None:
        self.client: Client = signed_in(user)

    def give(self, contents: bytes, name: str = "results.csv", **names: str) -> Any:
        file = SimpleUploadedFile(name, contents, content_type="text/csv")
        columns = {"reference": "reference", "status": "result, status", "time": "time", **names}
        return self.client.post(reverse("import_results"), {"file": file, **columns})

    def look(self, answer: Any) -> str:
        assert answer.status_code == 302, answer.content.decode()
        shown = self.client.get(answer["Location"])
        assert shown.status_code == 200
        return words(shown)

    def write(self, answer: Any) -> Any:
        return self.client.post(answer["Location"])


def words(answer: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


@pytest.fixture
def desk(carol: User) -> Desk:
    User.objects.filter(pk=carol.pk).update(language="en")
    carol.language = "en"
    return Desk(carol)


def test_a_file_is_looked_at_first_and_changes_nothing(
    desk: Desk, messages: list[TextMessage]
) -> None:
    answer = desk.give(
        file_of(
            f"1001;{messages[0].reference};sms;delivered;2026-11-03T14:03:00+01:00;",
            "1001;of-somebody-else;sms;delivered;2026-11-03T14:03:00+01:00;",
        )
    )
    shown = desk.look(answer)
    assert "1 of 2" in shown
    assert "of-somebody-else" in shown
    assert messages[0].reference in shown
    assert not TextMessage.objects.filter(evidence__isnull=False).exists()


def test_evidence_is_the_files_own_word_and_its_time(
    desk: Desk, messages: list[TextMessage]
) -> None:
    answer = desk.give(
        file_of(
            f"1001;{messages[0].reference};sms;delivered;2026-11-03T14:03:00+01:00;",
            f"1001;{messages[1].reference};sms;undelivered;;",
        )
    )
    assert desk.write(answer).status_code == 302
    first, second, third = TextMessage.objects.order_by("reference")
    assert first.evidence == {"status": "delivered"}
    assert first.evidence_at == datetime(2026, 11, 3, 13, 3, tzinfo=UTC)
    assert (second.evidence, second.evidence_at) == ({"status": "undelivered"}, None)
    assert third.evidence is None
    entry = AuditEntry.objects.get(action="results.written")
    assert (entry.facts["matched"], entry.facts["changed"]) == (2, 2)


def test_the_same_file_again_leads_to_the_first_and_says_when_that_was(
    desk: Desk, messages: list[TextMessage]
) -> None:
    contents = file_of(f"1;{messages[0].reference};sms;delivered;2026-11-03 14:03;")
    first = desk.give(contents)
    # Not written yet: it waits where it was.
    again = desk.give(contents, name="another-name.csv")
    assert again["Location"] == first["Location"]
    assert "You gave this file before" in desk.look(again)
    desk.write(first)
    written = ResultFile.objects.get()
    again = desk.give(contents)
    assert again["Location"] == first["Location"]
    shown = desk.look(again)
    moment = date_format(localtime(written.written_at), "DATETIME_FORMAT")
    assert f"This file was read in before, at {moment}: it tells nothing new since." in shown
    assert "1 message has something new" in shown
    desk.write(again)
    assert AuditEntry.objects.filter(action="results.written").count() == 1
    assert "not written yet" not in words(desk.client.get(reverse("import_results")))


def test_the_same_file_again_is_news_once_more_of_its_messages_are_seen(
    desk: Desk, carol: User, messages: list[TextMessage], dierenhulp: Organization
) -> None:
    theirs = TextMessageFactory(person=PersonFactory(owning_organization=dierenhulp))
    contents = file_of(
        f"1;{messages[0].reference};sms;delivered;;", f"1;{theirs.reference};sms;delivered;;"
    )
    desk.write(desk.give(contents))
    carol.organizations.add(dierenhulp)
    assert "1 message gets what the file says" in desk.look(desk.give(contents))


def test_a_file_that_tells_nothing_new_does_not_wait_to_be_written(
    desk: Desk, messages: list[TextMessage]
) -> None:
    line = f"1;{messages[0].reference};sms;delivered;;"
    desk.write(desk.give(file_of(line)))
    assert "tells nothing new" in desk.look(desk.give(file_of(line, "1;x;sms;delivered;;")))
    assert "it tells nothing new since" in desk.look(
        desk.give(file_of(line, "1;x;sms;delivered;;"))
    )
    latest = words(desk.client.get(reverse("import_results")))
    assert "nothing new" in latest
    assert "not written yet" not in latest


def test_anothers_file_is_nobodys_business(
    desk: Desk, alice: User, messages: list[TextMessage]
) -> None:
    contents = file_of(f"1;{messages[0].reference};sms;delivered;;")
    desk.write(desk.give(contents))
    User.objects.filter(pk=alice.pk).update(role=User.Role.SUPERVISOR, language="en")
    alice.refresh_from_db()
    other = Desk(alice)
    shown = other.look(other.give(contents))
    assert "read in before" not in shown
    assert "tells nothing new" in shown


def test_an_older_line_takes_nothing_back(desk: Desk, messages: list[TextMessage]) -> None:
    reference = messages[0].reference
    desk.write(desk.give(file_of(f"1;{reference};sms;delivered;2026-11-03T14:03:00Z;")))
    desk.write(desk.give(file_of(f"1;{reference};sms;undelivered;2026-11-03T13:00:00Z;")))
    messages[0].refresh_from_db()
    assert messages[0].evidence == {"status": "delivered"}
    desk.write(desk.give(file_of(f"1;{reference};sms;read;2026-11-03T15:00:00Z;")))
    messages[0].refresh_from_db()
    assert messages[0].evidence == {"status": "read"}


def test_of_several_lines_about_one_message_the_latest_counts(
    desk: Desk, messages: list[TextMessage]
) -> None:
    reference = messages[0].reference
    answer = desk.give(
        file_of(
            f"1;{reference};voice;busy;2026-11-03T14:00:00Z;",
            f"1;{reference};voice;success;2026-11-03T16:00:00Z;",
            f"1;{reference};voice;no answer;2026-11-03T15:00:00Z;",
        )
    )
    desk.write(answer)
    messages[0].refresh_from_db()
    assert messages[0].evidence == {"status": "success"}


@pytest.mark.parametrize(
    ("contents", "told"),
    [
        (b"", "nothing"),
        (b"\r\n \r\n", "nothing"),
        (b"PK\x03\x04\0\0\0", "Save it as CSV"),
        (b"reference;status\r\n", "has a reference and a status"),
        (b"reference;when\r\na;b\r\n", "no column result or status"),
        (b"status;when\r\na;b\r\n", "no column reference"),
        (b"reference;status\r\n;delivered\r\n", "has a reference and a status"),
        (b"reference;status\r\na;b" + b"x" * 200_000 + b"\r\n", "does not end"),
        (b"reference;status\r\n" + b"a;b\r\n" * 50_001, "more than 50.000 lines"),
        (b"x" * (results.MOST_BYTES + 1), "larger than 5 MB"),
    ],
)
def test_a_file_that_is_none_is_refused_in_one_sentence(
    desk: Desk, messages: list[TextMessage], contents: bytes, told: str
) -> None:
    answer = desk.give(contents)
    assert answer.status_code == 422
    shown = words(answer)
    # An empty one never reaches us: Django's own form says so.
    assert told in shown or (contents == b"" and "empty" in shown)
    assert not ResultFile.objects.exists()
    # How the columns are called stands there still.
    assert 'value="result, status"' in answer.content.decode()


def test_no_file_at_all_is_told(desk: Desk, db: None) -> None:
    answer = desk.client.post(reverse("import_results"), {"reference": "reference"})
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("\ufeffreference,status\na-1,bezorgd\n", "utf-8"),
        ("Reference\tStatus\na-1\tbezorgd\n", "utf-8"),
        ('"Reference" | "Status"\n"a-1"|bezorgd\n', "latin-1"),
        ("identification_identifier;result;naam\na-1;bezorgd;Zoë\n", "latin-1"),
        ("Identification Identifier;RESULT\r\n\r\n a-1 ; bezorgd \r\n", "utf-8"),
    ],
)
def test_a_file_comes_as_it_comes(text: str, encoding: str) -> None:
    found = results.read(text.encode(encoding), COLUMNS)
    assert found.lines == (results.Line("a-1", "bezorgd", None),)


@pytest.mark.parametrize(
    ("text", "hour"),
    [
        ("2026-11-03T14:03:00+01:00", 13),
        ("2026-11-03T14:03:00Z", 14),
        ("2026-11-03 14:03:00", 13),
        ("03-11-2026 14:03", 13),
        ("03/11/2026 14:03:10", 13),
        ("2026-07-03 14:03:00", 12),
        ("20261103", 23),
        ("gisteren", None),
        ("9999-12-31T23:59:59-23:59", None),
        ("0001-01-01", None),
    ],
)
def test_a_time_without_a_zone_is_dutch(text: str, hour: int | None) -> None:
    found = results.read(f"reference,status,time\na,b,{text}\n".encode(), COLUMNS)
    at = found.lines[0].at
    assert (at.hour if at else None) == hour


def test_lines_that_say_nothing_are_counted() -> None:
    found = results.read(b"reference;status\na;b\n;b\na\n" + b"x" * 36 + b";b\n", COLUMNS)
    assert (len(found.lines), found.unreadable) == (1, 3)


def test_another_organisations_messages_are_unknown(
    desk: Desk, messages: list[TextMessage], dierenhulp: Organization
) -> None:
    theirs = TextMessageFactory(person=PersonFactory(owning_organization=dierenhulp))
    answer = desk.give(file_of(f"1;{theirs.reference};sms;delivered;;"))
    assert "0 of 1" in desk.look(answer)
    desk.write(answer)
    theirs.refresh_from_db()
    assert theirs.evidence is None


def test_to_an_agent_it_is_not_there_and_nobody_writes_anothers_file(
    desk: Desk, alice: User, messages: list[TextMessage], db: None
) -> None:
    agent = signed_in(alice)
    assert agent.get(reverse("import_results")).status_code == 404
    answer = desk.give(file_of(f"1;{messages[0].reference};sms;delivered;;"))
    User.objects.filter(pk=alice.pk).update(role=User.Role.SUPERVISOR)
    alice.refresh_from_db()
    other = signed_in(alice)
    assert other.get(answer["Location"]).status_code == 404
    assert other.post(answer["Location"]).status_code == 404
    assert not TextMessage.objects.filter(evidence__isnull=False).exists()


def test_a_file_that_nobody_wrote_is_forgotten(
    desk: Desk, messages: list[TextMessage], django_assert_max_num_queries: Any
) -> None:
    answer = desk.give(file_of(f"1;{messages[0].reference};sms;delivered;;"))
    ResultFile.objects.update(at=datetime(2026, 1, 1, tzinfo=UTC))
    desk.give(file_of(f"1;{messages[1].reference};sms;delivered;;"))
    assert ResultFile.objects.order_by("at")[0].lines is None
    assert "forgotten" in words(desk.client.get(answer["Location"]))
    assert desk.write(answer).status_code == 409
    assert not TextMessage.objects.filter(evidence__isnull=False).exists()


def test_ten_thousand_lines_take_a_handful_of_questions(
    messages: list[TextMessage], django_assert_max_num_queries: Any
) -> None:
    lines = [results.Line(f"other-{number}", "delivered", None) for number in range(9_999)]
    lines.append(results.Line(messages[0].reference, "delivered", None))
    with django_assert_max_num_queries(3):
        found = results.match(lines, TextMessage.objects.all())
    assert (len(found.news), len(found.unknown)) == (1, 9_999)


def test_the_command_does_the_same(tmp_path: Path, messages: list[TextMessage]) -> None:
    path = tmp_path / "results.csv"
    path.write_bytes(file_of(f"1;{messages[0].reference};sms;delivered;;", "1;x;sms;delivered;;"))
    with translation.override("nl"):
        said = io.StringIO()
        call_command("import_results", str(path), "--dry-run", stdout=said)
        assert "Of our messages: 1; new: 1." in said.getvalue()
        assert not TextMessage.objects.filter(evidence__isnull=False).exists()
        call_command("import_results", str(path), stdout=io.StringIO())
        said = io.StringIO()
        call_command("import_results", str(path), stdout=said)
    assert "Of our messages: 1; new: 0." in said.getvalue()
    messages[0].refresh_from_db()
    assert messages[0].evidence == {"status": "delivered"}


def test_the_command_says_what_is_wrong(tmp_path: Path, db: None) -> None:
    path = tmp_path / "results.csv"
    path.write_bytes(b"a;b\n1;2\n")
    with pytest.raises(CommandError, match="names no column reference"):
        call_command("import_results", str(path))
    with pytest.raises(CommandError, match="No such file"):
        call_command("import_results", str(tmp_path / "nothing.csv"))
