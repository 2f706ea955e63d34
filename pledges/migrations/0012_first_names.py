"""Persons get the key by which people of one last name are told apart; those who are here, at once."""

from typing import Any

from django.db import migrations, models

import pledges.models.persons
from pledges.names import first_key

BATCH = 5_000


def fill(apps: Any, _schema_editor: Any) -> None:
    persons = apps.get_model("pledges", "Person").objects
    wanted = ("pk", "first_name", "initials")
    batch = []
    for person in persons.only(*wanted).order_by("pk").iterator(chunk_size=BATCH):
        person.first_key = first_key(person.first_name, person.initials)
        batch.append(person)
        if len(batch) == BATCH:
            persons.bulk_update(batch, ["first_key"])
            batch = []
    persons.bulk_update(batch, ["first_key"])


class Migration(migrations.Migration):

    dependencies = [
        ('pledges', '0011_where_objections_come_from'),
    ]

    operations = [
        migrations.AddField(
            model_name='person',
            name='first_key',
            field=pledges.models.persons.KeyField(editable=False, max_length=60, null=True),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop, elidable=True),
        migrations.RemoveIndex(model_name='person', name='person_by_name'),
        migrations.AddIndex(
            model_name='person',
            index=models.Index(
                fields=['name_key', 'uuid', 'first_key', 'owning_organization'],
                name='person_by_whole_name',
            ),
        ),
    ]
