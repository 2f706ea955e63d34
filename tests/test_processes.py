"""What `manage.py run` tells of the programs that it started: their errors, in words."""

import json
import os
import sys
from pathlib import Path

import pytest

from calls.management.processes import Process


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ({"request": "GET /health/", "code": 503}, []),
        ({"request": "GET /health/ready/", "code": 503}, []),
        (
            {"request": "GET /calls/", "code": 500},
            ["GET /calls/ was answered with 500; its log tells why."],
        ),
        ({"event": "The broker is gone"}, ["The broker is gone"]),
        ({"event": "All is well", "level": "info"}, []),
    ],
    ids=["not up yet", "not ready yet", "an error", "another event", "no error"],
)
def test_an_error_is_told_once_and_in_words(
    tmp_path: Path, entry: dict[str, object], told: list[str]
) -> None:
    line = json.dumps({"event": "request_finished", "level": "error", **entry})
    program = [sys.executable, "-c", f"print({line!r}, {line!r}, sep=chr(10))"]
    process = Process("web", program, logs=tmp_path, cwd=tmp_path, env=os.environ)
    while process.exit_code is None:
        pass

    assert list(process.new_errors()) == told
    assert list(process.new_errors()) == []
