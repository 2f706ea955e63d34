"""Fails when a text of the product has no Dutch, or a doubtful one.

Whether the catalogue has every text is only looked at where gettext's tools are installed.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from babel.dates import get_day_names, get_month_names
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

ROOT = Path(__file__).resolve().parent.parent
CATALOGUE = Path("locale/nl/LC_MESSAGES/django.po")
NOT_COPIED = shutil.ignore_patterns(".venv", "var", ".git", ".*_cache", "__pycache__")
# What Django calls days and months by: our own word for one would stand in all dates.
OF_DATES = {
    name
    for names in (get_day_names, get_month_names)
    for width in ("wide", "abbreviated")
    for name in names(width, locale="en").values()
}


def main() -> None:
    if not (ROOT / CATALOGUE).exists():
        sys.exit(f"{CATALOGUE} is missing: make it with `make messages`.")
    written = _read(ROOT)
    problems = [f"without Dutch: {message.id!r}" for message in written if not _is_done(message)]
    problems += [
        f"names a day or a month in every date, give it a context: {message.id!r}"
        for message in written
        if message.id in OF_DATES and not message.context
    ]
    if shutil.which("xgettext"):
        known = {(message.context, message.id) for message in written}
        problems += [
            f"not in the catalogue: {message.id!r}"
            for message in _collected_anew()
            if (message.context, message.id) not in known
        ]
    else:
        sys.stdout.write("  (no gettext here: not looked at whether the catalogue is complete)\n")
    if problems:
        sys.exit("\n".join(f"{CATALOGUE}: {problem}" for problem in problems))


def _read(root: Path) -> Catalog:
    with (root / CATALOGUE).open("rb") as file:
        return read_po(file, locale="nl")


def _is_done(message) -> bool:
    texts = message.string if isinstance(message.string, tuple) else (message.string,)
    return not message.id or (all(texts) and not message.fuzzy)


def _collected_anew() -> Catalog:
    """The catalogue as `make messages` would write it, made in a copy."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "belbord"
        shutil.copytree(ROOT, copy, ignore=NOT_COPIED)
        command = ["manage.py", "makemessages", "--locale", "nl", "--no-obsolete"]
        subprocess.run(  # noqa: S603  (our own command)
            [sys.executable, *command, "--verbosity", "0"], cwd=copy, check=True
        )
        return _read(copy)


if __name__ == "__main__":
    main()
