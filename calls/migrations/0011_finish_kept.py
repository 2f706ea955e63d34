from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('calls', '0010_days_counted'),
    ]

    operations = [
        migrations.AddField(
            model_name='hold',
            name='finish',
            field=models.JSONField(default=dict),
        ),
    ]
