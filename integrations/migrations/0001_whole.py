"""What the migrations beside it come to, in a third of the time, for a database that is new.

One that has some of them goes on with them.
"""

import django.db.models.deletion
import integrations.encryption
import uuid
from django.conf import settings
from django.db import migrations, models

from integrations import guard
from integrations.models import Delivery


def install(apps, schema_editor):
    guard.install(schema_editor, apps.get_model("integrations", "Delivery"), Delivery.TRANSITIONS)


def remove(apps, schema_editor):
    guard.remove(schema_editor, apps.get_model("integrations", "Delivery"))


class Migration(migrations.Migration):

    replaces = [
        ('integrations', '0001_initial'),
        ('integrations', '0002_delivery_guard'),
        ('integrations', '0003_sightings_and_drift'),
        ('integrations', '0004_webhook_events'),
        ('integrations', '0005_names_for_people'),
        ('integrations', '0006_refused_and_seen'),
        ('integrations', '0007_deliveries_that_are_open'),
    ]

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Breaker',
            fields=[
                ('key', models.CharField(max_length=120, primary_key=True, serialize=False, verbose_name='what')),
                ('failures', models.PositiveIntegerField(default=0, verbose_name='failures in a row')),
                ('opened_at', models.DateTimeField(null=True, verbose_name='open since')),
                ('try_after', models.DateTimeField(null=True, verbose_name='next try')),
                ('reason', models.CharField(blank=True, max_length=60, verbose_name='reason')),
            ],
            options={
                'verbose_name': 'breaker',
                'verbose_name_plural': 'breakers',
            },
        ),
        migrations.CreateModel(
            name='Heartbeat',
            fields=[
                ('name', models.CharField(max_length=60, primary_key=True, serialize=False, verbose_name='worker')),
                ('seen_at', models.DateTimeField(verbose_name='seen at')),
            ],
            options={
                'verbose_name': 'heartbeat',
                'verbose_name_plural': 'heartbeats',
            },
        ),
        migrations.CreateModel(
            name='Drift',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('field', 'unknown field'), ('value', 'unknown value'), ('missing', 'required, and not there')], max_length=10, verbose_name='kind')),
                ('record', models.CharField(max_length=20, verbose_name='record')),
                ('path', models.CharField(max_length=200, verbose_name='field')),
                ('value', models.CharField(blank=True, max_length=100, verbose_name='value')),
                ('times', models.PositiveBigIntegerField(default=0, verbose_name='times seen')),
                ('first_seen_at', models.DateTimeField(verbose_name='first seen at')),
                ('last_seen_at', models.DateTimeField(verbose_name='last seen at')),
            ],
            options={
                'verbose_name': 'deviation from the documents',
                'verbose_name_plural': 'deviations from the documents',
                'constraints': [models.UniqueConstraint(fields=('kind', 'record', 'path', 'value'), name='drift_counted_once')],
            },
        ),
        migrations.CreateModel(
            name='Quarantine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=120, unique=True, verbose_name='key')),
                ('feed', models.CharField(max_length=40, verbose_name='feed')),
                ('record_uuid', models.UUIDField(null=True, verbose_name='record')),
                ('path', models.CharField(blank=True, max_length=200, verbose_name='place')),
                ('reason', models.CharField(max_length=300, verbose_name='reason')),
                ('raw', integrations.encryption.EncryptedTextField(null=True, verbose_name='record as received')),
                ('times', models.PositiveIntegerField(default=1, verbose_name='times seen')),
                ('first_seen_at', models.DateTimeField(verbose_name='first seen at')),
                ('last_seen_at', models.DateTimeField(verbose_name='last seen at')),
                ('solved_at', models.DateTimeField(null=True, verbose_name='solved at')),
            ],
            options={
                'verbose_name': 'quarantined record',
                'verbose_name_plural': 'quarantined records',
                'indexes': [models.Index(condition=models.Q(('solved_at__isnull', True)), fields=['feed', 'record_uuid'], name='quarantine_open')],
            },
        ),
        migrations.CreateModel(
            name='Stream',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('account', models.CharField(max_length=60, verbose_name='service account')),
                ('feed', models.CharField(max_length=40, verbose_name='feed')),
                ('filter', models.CharField(blank=True, max_length=100, verbose_name='filter')),
                ('watermark', models.DateTimeField(null=True, verbose_name='watermark')),
                ('state', models.CharField(choices=[('idle', 'idle'), ('walking', 'walking')], default='idle', max_length=10, verbose_name='state')),
                ('is_full', models.BooleanField(default=False, verbose_name='full walk')),
                ('walk_from', models.DateTimeField(null=True, verbose_name='walks from')),
                ('started_at', models.DateTimeField(null=True, verbose_name='walk started at')),
                ('cursor', models.TextField(null=True)),
                ('pages', models.PositiveIntegerField(default=0, verbose_name='pages')),
                ('records', models.PositiveIntegerField(default=0, verbose_name='records')),
                ('lease', models.UUIDField(null=True)),
                ('lease_until', models.DateTimeField(null=True, verbose_name='in hand until')),
                ('skew_seconds', models.FloatField(default=0, verbose_name='clock skew in seconds')),
                ('out_of_order', models.PositiveIntegerField(default=0, verbose_name='pages out of order')),
                ('discrepancies', models.PositiveIntegerField(default=0, verbose_name='discrepancies found')),
                ('last_finished_at', models.DateTimeField(null=True, verbose_name='last finished at')),
                ('last_full_at', models.DateTimeField(null=True, verbose_name='last full walk at')),
                ('last_long_overlap_at', models.DateTimeField(null=True, verbose_name='last long look back at')),
                ('last_error', models.CharField(blank=True, max_length=200, verbose_name='last error')),
                ('failures', models.PositiveIntegerField(default=0, verbose_name='failures in a row')),
            ],
            options={
                'verbose_name': 'stream',
                'verbose_name_plural': 'streams',
                'constraints': [models.UniqueConstraint(fields=('account', 'feed', 'filter'), name='stream_is_one')],
            },
        ),
        migrations.CreateModel(
            name='WebhookEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=200, unique=True)),
                ('service', models.CharField(max_length=60, verbose_name='service')),
                ('event', models.CharField(max_length=60, verbose_name='event')),
                ('event_id', models.CharField(max_length=60, verbose_name='event id')),
                ('service_id', models.CharField(blank=True, max_length=200, verbose_name='service id')),
                ('reference', models.CharField(blank=True, max_length=200, verbose_name='reference')),
                ('occurred_at', models.DateTimeField(null=True, verbose_name='occurred at')),
                ('payload', integrations.encryption.EncryptedJSONField(verbose_name='payload')),
                ('state', models.CharField(choices=[('new', 'new'), ('waiting', 'waits to be tried again'), ('worked', 'worked off'), ('unknown', 'of a kind that is not known here'), ('failed', 'given up')], default='new', max_length=10, verbose_name='state')),
                ('tries', models.PositiveIntegerField(default=0, verbose_name='tries')),
                ('times', models.PositiveIntegerField(default=1, verbose_name='times received')),
                ('reason', models.CharField(blank=True, max_length=60, verbose_name='reason')),
                ('received_at', models.DateTimeField(verbose_name='received at')),
                ('not_before', models.DateTimeField(verbose_name='not before')),
                ('lease', models.UUIDField(null=True)),
                ('worked_at', models.DateTimeField(null=True, verbose_name='worked off at')),
            ],
            options={
                'verbose_name': 'event from outside',
                'verbose_name_plural': 'events from outside',
                'indexes': [models.Index(condition=models.Q(('state__in', ['new', 'waiting'])), fields=['not_before'], name='webhook_event_due'), models.Index(fields=['-received_at', '-id'], name='webhook_event_newest'), models.Index(fields=['state', '-received_at'], name='webhook_event_by_state'), models.Index(fields=['service_id'], name='webhook_event_by_service_id'), models.Index(condition=models.Q(('reference', ''), _negated=True), fields=['reference'], name='webhook_event_by_reference')],
                'constraints': [models.CheckConstraint(condition=models.Q(('state__in', ['new', 'waiting', 'worked', 'unknown', 'failed'])), name='webhook_event_state_is_known'), models.CheckConstraint(condition=models.Q(models.Q(('state', 'worked'), ('worked_at__isnull', False)), models.Q(models.Q(('state', 'worked'), _negated=True), ('worked_at__isnull', True)), _connector='OR'), name='webhook_event_time_when_worked'), models.CheckConstraint(condition=models.Q(('lease__isnull', True), ('state__in', ['new', 'waiting']), _connector='OR'), name='webhook_event_lease_while_open'), models.CheckConstraint(condition=models.Q(('reason', ''), ('state__in', ['waiting', 'failed']), _negated=True), name='webhook_event_reason_when_failed'), models.CheckConstraint(condition=models.Q(('times__gte', 1)), name='webhook_event_was_received')],
            },
        ),
        migrations.CreateModel(
            name='Delivery',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('operation', models.CharField(max_length=60, verbose_name='operation')),
                ('account', models.CharField(blank=True, max_length=60, verbose_name='service account')),
                ('subject', models.CharField(max_length=100, verbose_name='subject')),
                ('seq', models.PositiveIntegerField(verbose_name='place in its line')),
                ('token', models.UUIDField(db_index=True, null=True, verbose_name='form token')),
                ('payload', integrations.encryption.EncryptedJSONField(verbose_name='payload')),
                ('payload_version', models.PositiveSmallIntegerField(default=1, verbose_name='version of the content')),
                ('fingerprint', models.CharField(max_length=200, verbose_name='fingerprint')),
                ('state', models.CharField(choices=[('ready', 'ready'), ('sending', 'sending'), ('unknown', 'not confirmed, checking'), ('needs_decision', 'needs a decision'), ('closed', 'closed')], default='ready', max_length=20, verbose_name='state')),
                ('outcome', models.CharField(blank=True, choices=[('done', 'done'), ('done_by_other', 'done by somebody else'), ('decided', 'decided by a person'), ('rejected', 'rejected'), ('dropped', 'dropped'), ('undone', 'undone')], max_length=20, verbose_name='outcome')),
                ('tries', models.PositiveSmallIntegerField(default=0, verbose_name='tries')),
                ('resends', models.PositiveSmallIntegerField(default=0, verbose_name='resends')),
                ('lease', models.UUIDField(null=True)),
                ('lease_until', models.DateTimeField(null=True, verbose_name='in hand until')),
                ('not_before', models.DateTimeField(verbose_name='not before')),
                ('first_sent_at', models.DateTimeField(null=True, verbose_name='first sent at')),
                ('last_sent_at', models.DateTimeField(null=True, verbose_name='last sent at')),
                ('readings', models.JSONField(default=list, verbose_name='readings')),
                ('reason', models.CharField(blank=True, max_length=60, verbose_name='reason')),
                ('refusal', integrations.encryption.EncryptedTextField(null=True, verbose_name="the other side's words")),
                ('is_look_wanted', models.BooleanField(default=False, verbose_name='to be looked at first')),
                ('sent_again_at', models.DateTimeField(null=True, verbose_name='sent again at')),
                ('seen_at', models.DateTimeField(null=True, verbose_name='seen at')),
                ('created_at', models.DateTimeField(verbose_name='created at')),
                ('closed_at', models.DateTimeField(null=True, verbose_name='closed at')),
                ('version', models.PositiveIntegerField(default=1, verbose_name='version')),
                ('by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='by')),
                ('seen_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='seen by')),
            ],
            options={
                'verbose_name': 'delivery',
                'verbose_name_plural': 'deliveries',
                'indexes': [models.Index(condition=models.Q(('state__in', ['ready', 'unknown'])), fields=['not_before'], name='delivery_due'), models.Index(condition=models.Q(('state', 'sending')), fields=['lease_until'], name='delivery_leased'), models.Index(condition=models.Q(('state', 'closed'), _negated=True), fields=['by', 'created_at'], name='delivery_open'), models.Index(condition=models.Q(('state', 'needs_decision')), fields=['created_at'], name='delivery_to_decide'), models.Index(condition=models.Q(('resends__gt', 0), ('state', 'closed')), fields=['closed_at'], name='delivery_sent_twice'), models.Index(condition=models.Q(('outcome', 'rejected'), ('seen_at__isnull', True)), fields=['closed_at', 'id'], name='delivery_refused')],
                'constraints': [models.UniqueConstraint(fields=('subject', 'seq'), name='delivery_place_in_line'), models.UniqueConstraint(condition=models.Q(('outcome', 'undone'), _negated=True), fields=('operation', 'subject', 'fingerprint'), name='delivery_one_effect'), models.UniqueConstraint(condition=models.Q(('state__in', ['sending', 'unknown'])), fields=('subject',), name='delivery_one_in_flight'), models.CheckConstraint(condition=models.Q(models.Q(('state', 'closed'), models.Q(('outcome', ''), _negated=True)), models.Q(models.Q(('state', 'closed'), _negated=True), ('outcome', '')), _connector='OR'), name='delivery_outcome_when_closed'), models.CheckConstraint(condition=models.Q(models.Q(('lease__isnull', False), ('lease_until__isnull', False), ('state', 'sending')), models.Q(models.Q(('state', 'sending'), _negated=True), ('lease__isnull', True), ('lease_until__isnull', True)), _connector='OR'), name='delivery_lease_while_sending')],
            },
        ),
        migrations.CreateModel(
            name='Sighting',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('record_uuid', models.UUIDField()),
                ('stream', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='sightings', to='integrations.stream')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('stream', 'record_uuid'), name='sighting_once')],
            },
        ),
        migrations.RunPython(install, remove),
    ]
