"""The states of a delivery are guarded by the database too: see integrations/guard.py."""

from django.db import migrations

from integrations import guard
from integrations.models import Delivery


def install(apps, schema_editor):
    guard.install(schema_editor, apps.get_model("integrations", "Delivery"), Delivery.TRANSITIONS)


def remove(apps, schema_editor):
    guard.remove(schema_editor, apps.get_model("integrations", "Delivery"))


class Migration(migrations.Migration):
    dependencies = [("integrations", "0001_initial")]
    operations = [migrations.RunPython(install, remove)]
