"""Persons get the keys by which a name and a postcode are found; those who are here, at once."""

from typing import Any

from django.db import migrations, models

import pledges.models.persons
from pledges.names import name_key, postcode_key

BATCH = 5_000


def fill(apps: Any, _schema_editor: Any) -> None:
    persons = apps.get_model("pledges", "Person").objects
    wanted = ("pk", "last_name", "last_name_prefix", "zip_code")
    batch = []
    for person in persons.only(*wanted).order_by("pk").iterator(chunk_size=BATCH):
        person.name_key = name_key(person.last_name, person.last_name_prefix)
        person.postcode_key = postcode_key(person.zip_code)
        batch.append(person)
        if len(batch) == BATCH:
            persons.bulk_update(batch, ["name_key", "postcode_key"])
            batch = []
    persons.bulk_update(batch, ["name_key", "postcode_key"])


class Migration(migrations.Migration):

    dependencies = [
        ('pledges', '0006_contact_rules'),
    ]

    operations = [
        migrations.AddField(
            model_name='person',
            name='name_key',
            field=pledges.models.persons.KeyField(editable=False, max_length=60, null=True),
        ),
        migrations.AddField(
            model_name='person',
            name='postcode_key',
            field=pledges.models.persons.KeyField(editable=False, max_length=60, null=True),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop, elidable=True),
        migrations.AddIndex(
            model_name='person',
            index=models.Index(fields=['name_key', 'uuid'], name='person_by_name'),
        ),
        migrations.AddIndex(
            model_name='person',
            index=models.Index(fields=['postcode_key', 'uuid'], name='person_by_postcode'),
        ),
    ]
