"""For which organisation each attempt and completion was: that of its donor."""

from typing import Any

from django.db import migrations
from django.db.models import OuterRef, Subquery


def fill(apps: Any, schema_editor: Any) -> None:
    calls = apps.get_model("calls", "Call").objects.filter(pk=OuterRef("call"))
    whose = Subquery(calls.values("person__owning_organization")[:1])
    for name in ("Attempt", "Completion"):
        apps.get_model("calls", name).objects.update(organization=whose)


class Migration(migrations.Migration):
    dependencies = [("calls", "0016_done_for_organizations")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop, elidable=True)]
