"""The commands that people start the product with, as real processes."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from django.core.management import CommandError, call_command
from pytest_django import Settings

from accounts.models import User
from integrations.sandbox import names
from pledges.models import CallingRules, Organization
from tests.product import (
    END_SECONDS,
    ROOT,
    Product,
    descendants,
    environment,
    manage,
    running_product,
    scratch_services,
)

PRODUCTION = {
    "DEBUG": "false",
    "SECRET_KEY": "of-nobody-for-this-test-alone",
    "FIELD_KEYS": "of-nobody-for-this-test-alone",
    "ALLOWED_HOSTS": "belbord.example",
    "DATABASE_URL": "postgres://belbord@127.0.0.1:5432/belbord",
    "REDIS_URL": "redis://127.0.0.1:6379/0",
    "TAPRAISE_URL": "https://tapraise.example",
    "TAPRAISE_TOKEN": "of-nobody",
    "ALPHACOMM_URL": "https://alphacomm.example",
    "ALPHACOMM_TOKEN": "of-nobody",
    "ALPHACOMM_WEBHOOK_CREDENTIALS": "alphacomm:of-nobody-for-this-test-alone",
}


@pytest.fixture
def services(tmp_path: Path) -> Iterator[dict[str, str]]:
    with scratch_services(tmp_path) as variables:
        yield variables


# ── run ───────────────────────────────────────────────────────────────────────────────────────────


def test_run_starts_all_of_it_ends_all_of_it_and_starts_again(
    tmp_path: Path, services: dict[str, str]
) -> None:
    # As on a machine without a Redis: the small broker has to do.
    env = environment(**services, PATH="")

    with running_product(tmp_path, env, calls=100) as product:
        assert "Fetching all calls" in product.printed
        assert product.printed.count("open at") == 1
        for username in ("alice", "carol", "mo"):
            assert re.search(rf"{username} +(agent|supervisor|manager) +\S+", product.printed)
        _wait_until_at_work(product)
        _attempt_by_hand(product)
        told = requests.get(f"{product.sandbox_url}webhooks", timeout=10).json()["orders"]
        assert told["url"] == f"{product.base_url}webhooks/alphacomm/"
        assert told["user"] == "alphacomm"

        second = manage("run", "--port", "0", "--var", str(tmp_path), env=env)
        assert second.returncode == 1
        assert f"already runs from this folder: {product.base_url}" in second.stderr

        # Who asks whether it is up, while it is not, has the answer: it is no error.
        assert "request_finished" not in (tmp_path / "printed.txt").read_text()

        processes = product.processes()
        assert len(processes) >= 7
        assert product.end(signal.SIGINT) == 0
        assert not _alive(processes)

    began = time.monotonic()
    with running_product(tmp_path, env, calls=100) as product:
        assert time.monotonic() - began < 60
        assert "Fetching" not in product.printed
        assert [one["operation"] for one in product.effects()] == ["add-attempt"]
        assert requests.get(f"{product.base_url}health/live/", timeout=10).ok
        processes = product.processes()
        assert product.end(signal.SIGTERM) == 0
        assert not _alive(processes)


def test_when_one_program_dies_all_end_and_the_exit_code_says_so(
    tmp_path: Path, services: dict[str, str]
) -> None:
    with running_product(tmp_path, environment(**services), calls=20) as product:
        processes = product.processes()
        os.kill(_process_of(product, "timetable"), signal.SIGKILL)
        assert product.process.wait(END_SECONDS) == 1
        assert not _alive(processes)
        told = (tmp_path / "printed.txt").read_text()
    assert "timetable ended by itself (exit code -9)" in told
    assert "All of it was ended, because timetable did." in told


def test_a_taken_port_is_told_in_one_sentence(tmp_path: Path, services: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        refused = manage(
            "run", "--port", str(port), "--var", str(tmp_path), env=environment(**services)
        )
    assert refused.returncode == 1
    assert refused.stderr == (
        f"CommandError: Port {port} is taken by another program: end that one, or pick another "
        f"port with `make run PORT={port + 1}`.\n"
    )


def test_a_missing_postgresql_is_told_in_one_sentence(tmp_path: Path) -> None:
    nowhere = "postgres://somebody:a-password@127.0.0.1:9/belbord"
    env = environment(DATABASE_URL=nowhere, TAPRAISE_URL="https://tapraise.example")
    refused = manage("run", "--port", "0", "--var", str(tmp_path), env=env)
    assert refused.returncode == 1
    assert refused.stderr.startswith("CommandError: The database of DATABASE_URL cannot be reached")
    assert "Traceback" not in refused.stderr
    assert "a-password" not in refused.stderr


def test_a_missing_redis_is_told_in_one_sentence(tmp_path: Path, services: dict[str, str]) -> None:
    env = environment(**services | {"REDIS_URL": "redis://127.0.0.1:9/0"})
    refused = manage("run", "--port", "0", "--var", str(tmp_path), env=env)
    assert refused.returncode == 1
    assert refused.stderr == (
        "CommandError: Nothing answers at REDIS_URL: start a Redis there, or unset it.\n"
    )


@pytest.mark.parametrize("command", ["run", "broker", "sandbox", "demo"])
def test_production_has_no_place_for(command: str) -> None:
    refused = manage(command, env=environment(**PRODUCTION))
    assert refused.returncode == 1
    assert refused.stderr.startswith("CommandError: ")
    assert "DEBUG" in refused.stderr


def _wait_until_at_work(product: Product) -> None:
    """Ready means that a worker had its task from the timetable, through the broker."""
    deadline = time.monotonic() + 60
    while not requests.get(f"{product.base_url}health/ready/", timeout=10).ok:
        assert time.monotonic() < deadline, "no worker came to life"
        time.sleep(0.5)


def _attempt_by_hand(product: Product) -> None:
    api = product.sandbox_url.replace("/__sandbox/", "/api/v1/calls")
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {names.TOKEN}"
    page = session.get(api, params={"first": 100}, timeout=10).json()
    attempt = {"userUuid": names.ALICE, "attemptAt": "2026-11-22T10:58:07Z"}
    waiting = (
        edge["node"]["uuid"] for edge in page["edges"] if edge["node"]["status"] == "requested"
    )
    # Some calls are managed by another application, and refuse.
    assert any(
        session.put(f"{api}/{uuid}/actions/add-attempt", json=attempt, timeout=10).ok
        for uuid in waiting
    )


def _process_of(product: Product, name: str) -> int:
    """The process among its own that writes this log."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,args="], capture_output=True, text=True)
    word = {"timetable": " beat "}[name]
    ours = product.processes()
    found = (line.split(maxsplit=1) for line in listed.stdout.splitlines() if word in line)
    return next(int(pid) for pid, _ in found if int(pid) in ours)


def _alive(processes: set[int]) -> set[int]:
    return {pid for pid in processes if descendants(pid)}


# ── demo ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.django_db
def test_the_demo_makes_what_is_missing_and_changes_nothing(settings: Settings) -> None:
    settings.DEBUG = True
    call_command("demo")
    carol = User.objects.get(username="carol")
    assert carol.is_supervisor
    assert str(carol.tapraise_user_uuid) == names.CAROL
    assert carol.organizations.filter(is_ours=True).exists()

    carol.organizations.clear()
    carol.set_password("a password of her own")
    carol.save()
    CallingRules.objects.update(max_attempts=7)
    call_command("demo")
    carol.refresh_from_db()
    assert carol.check_password("a password of her own")
    assert not carol.organizations.exists()
    assert set(CallingRules.objects.values_list("max_attempts", flat=True)) == {7}
    assert User.objects.count() == 5
    assert Organization.objects.count() == len(names.ORGANIZATIONS)


@pytest.mark.django_db
def test_the_demo_keeps_its_hands_off_other_people(settings: Settings) -> None:
    settings.DEBUG = True
    User.objects.create(username="somebody")
    with pytest.raises(CommandError, match="people sign in here who are not its own"):
        call_command("demo")
    assert User.objects.count() == 1
    assert not Organization.objects.exists()


# ── Settings ──────────────────────────────────────────────────────────────────────────────────────


def test_every_variable_that_is_read_stands_in_the_sample() -> None:
    code = (ROOT / "config" / "settings.py").read_text()
    read = set(re.findall(r'(?:env|env\.\w+|_[a-z]+)\(\s*"([A-Z][A-Z_]+)"', code))
    sample = (ROOT / ".env.example").read_text()
    assert read == set(re.findall(r"^#?([A-Z_]+)=", sample, re.MULTILINE))
    assert {"SECRET_KEY", "DATABASE_URL", "UNDO_SECONDS"} <= read


def test_the_sample_starts() -> None:
    started = manage("check", env=environment(ENV_FILE=str(ROOT / ".env.example")))
    assert started.returncode == 0, started.stderr


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("SECRET_KEY", "", "SECRET_KEY is not set."),
        ("FIELD_KEYS", "", "FIELD_KEYS is not set."),
        ("ALLOWED_HOSTS", "", "ALLOWED_HOSTS is not set."),
        ("DATABASE_URL", "", "DATABASE_URL is not set."),
        ("REDIS_URL", "", "REDIS_URL is not set."),
        ("TAPRAISE_TOKEN", "", "TAPRAISE_TOKEN (or TAPRAISE_ACCOUNTS) is not set."),
        ("DEBUG", "perhaps", "DEBUG must be true or false."),
        ("UNDO_SECONDS", "ten", "UNDO_SECONDS must be a whole number."),
        ("UNDO_SECONDS", "-1", "UNDO_SECONDS must be at least 0."),
        ("TAPRAISE_PAGE_SIZE", "0", "TAPRAISE_PAGE_SIZE must be at least 1."),
        ("TAPRAISE_URL", "tapraise.example", "TAPRAISE_URL must be an address that starts with"),
        ("TAPRAISE_URL", "", "TAPRAISE_URL must be an address that starts with"),
        ("TAPRAISE_ACCOUNTS", "noord", "TAPRAISE_ACCOUNTS must look like name=value"),
        ("TAPRAISE_ACCOUNTS", "alphacomm=a", "TAPRAISE_ACCOUNTS names alphacomm, which is"),
        ("ALPHACOMM_URL", "alphacomm.example", "ALPHACOMM_URL must be an address that starts"),
        ("ALPHACOMM_TOKEN", "", "ALPHACOMM_TOKEN is not set, and ALPHACOMM_URL is."),
        ("ALPHACOMM_WEBHOOK_CREDENTIALS", "alphacomm", "ALPHACOMM_WEBHOOK_CREDENTIALS must look"),
        ("ALPHACOMM_WEBHOOK_CREDENTIALS", "a:short", "ALPHACOMM_WEBHOOK_CREDENTIALS needs passw"),
        ("REDIS_URL", "127.0.0.1:6379", "REDIS_URL must be an address that starts with"),
        ("DATABASE_URL", "mysql://a@b/c", "DATABASE_URL must be a postgres:// or sqlite:///"),
        ("TIME_ZONE", "Mars/Phobos", "TIME_ZONE must be"),
        # What fits this machine alone is refused where it counts.
        (
            "SECRET_KEY",
            "only-for-this-machine-0",
            "SECRET_KEY and FIELD_KEYS still hold the sample",
        ),
        ("TAPRAISE_URL", "http://127.0.0.1:8100", "TAPRAISE_URL and TAPRAISE_TOKEN must be those"),
        ("TAPRAISE_TOKEN", "sandbox", "TAPRAISE_URL and TAPRAISE_TOKEN must be those"),
        ("ALPHACOMM_URL", "http://127.0.0.1:8100", "ALPHACOMM_URL and ALPHACOMM_TOKEN must be"),
        ("ALPHACOMM_TOKEN", "sandbox", "ALPHACOMM_URL and ALPHACOMM_TOKEN must be those"),
    ],
)
def test_a_wrong_variable_stops_the_start_and_is_named(
    name: str, value: str, sentence: str
) -> None:
    refused = manage("check", env=environment(**PRODUCTION | {name: value}))
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"Belbord cannot start: {sentence}")
    assert refused.stderr.count("\n") == 1
    if value and name in {"SECRET_KEY", "DATABASE_URL"}:
        assert value not in refused.stderr


def test_a_password_in_an_address_is_not_told() -> None:
    env = environment(**PRODUCTION | {"REDIS_URL": "http://:a-password@127.0.0.1:6379"})
    refused = manage("check", env=env)
    assert refused.returncode == 1
    assert "REDIS_URL" in refused.stderr
    assert "a-password" not in refused.stderr


def test_a_secret_is_read_from_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("from a file, of nobody")
    env = environment(**PRODUCTION, SECRET_KEY_FILE=str(secret))
    del env["SECRET_KEY"]
    code = "from django.conf import settings; print(settings.SECRET_KEY)"
    shown = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=env | {"DJANGO_SETTINGS_MODULE": "config.settings"},
        capture_output=True,
        text=True,
    )
    assert shown.stdout == "from a file, of nobody\n", shown.stderr
