
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('calls', '0015_floor_messages'),
        ('integrations', '0007_deliveries_that_are_open'),
        ('pledges', '0013_recruiter_flags'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='attempt',
            name='organization',
            field=models.ForeignKey(db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='pledges.organization', verbose_name='organisation'),
        ),
        migrations.AddField(
            model_name='completion',
            name='organization',
            field=models.ForeignKey(db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='pledges.organization', verbose_name='organisation'),
        ),
        migrations.AddIndex(
            model_name='attempt',
            index=models.Index(fields=['organization', 'at', 'user', 'outcome'], name='attempt_for_organization'),
        ),
        migrations.AddIndex(
            model_name='completion',
            index=models.Index(fields=['organization', 'completed_at'], name='completion_for_organization'),
        ),
    ]
