#!/usr/bin/env python
"""Django's command line. `python manage.py help` lists the commands."""

import os
import sys

try:
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
except ModuleNotFoundError:
    sys.exit("Run it with .venv/bin/python (`make setup` makes that), not with another Python.")


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as problem:
        # A wrong setting is told in one sentence, not in a traceback that shows the environment.
        sys.exit(f"Belbord cannot start: {problem}")


if __name__ == "__main__":
    main()
