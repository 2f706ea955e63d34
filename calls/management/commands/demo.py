"""Makes the people and the organisations to try the product with."""

from datetime import date, time
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from calls.management.demo_scripts import script_of
from calls.models import Call, CheckRules, Script
from integrations.sandbox import names
from pledges.models import CallingRules, Medium, MessageScript, Organization, PaymentRules

PASSWORD = "belbord-demo"  # noqa: S105  (it is printed at every start)

OUR_CHARITIES = (names.HELDER_WATER, names.LEESBUS, names.ZORGHUIS)
OURS = (names.CALLING_ORGANIZATION, *OUR_CHARITIES)
THEIRS = (names.OTHER_CALLING_ORGANIZATION, names.DIERENHULP)


class DemoPerson(NamedTuple):
    username: str
    role: User.Role
    organizations: tuple[names.Organization, ...]
    tapraise_user_uuid: str | None


PEOPLE = (
    DemoPerson("alice", User.Role.AGENT, OURS, names.ALICE),
    DemoPerson("bob", User.Role.AGENT, OURS, names.BOB),
    DemoPerson("carol", User.Role.SUPERVISOR, OURS, names.CAROL),
    DemoPerson("dirk", User.Role.AGENT, THEIRS, names.DIRK),
    DemoPerson("mo", User.Role.MANAGER, (*OURS, *THEIRS), None),
)


class DemoScript(NamedTuple):
    """A message that the sandbox knows, by the same number and with what it asks for there."""

    script_id: str
    name: str
    medium: Medium
    carries: MessageScript.Carries
    required_fields: tuple[str, ...]


_INVOICE = ("invoice_amount", "invoice_currency", "invoice_description", "invoice_reference")
_SMS = ("person_family_name", "to_phone_numbers")
_CARRIES = MessageScript.Carries
SCRIPTS = (
    DemoScript("1001", "Betaallink per sms", Medium.SMS, _CARRIES.PAYLINK, (*_SMS, *_INVOICE)),
    DemoScript(
        "1002", "Terugbelbericht per sms", Medium.SMS, _CARRIES.NOTHING, ("to_phone_numbers",)
    ),
    DemoScript(
        "1003",
        "Betaallink per e-mail",
        Medium.EMAIL,
        _CARRIES.PAYLINK,
        ("person_family_name", "to_mail_address", *_INVOICE),
    ),
    DemoScript(
        "1004",
        "Machtiging per sms",
        Medium.SMS,
        _CARRIES.MANDATE,
        (*_SMS, "invoice_description", "invoice_reference"),
    ),
    DemoScript(
        "18301",
        "Gesproken herinnering",
        Medium.VOICE,
        _CARRIES.NOTHING,
        (*_SMS, "invoice_amount"),
    ),
)


def has_other_people() -> bool:
    """Whether somebody signs in here who is not of the demo: then it keeps its hands off."""
    return User.objects.exclude(username__in=[person.username for person in PEOPLE]).exists()


class Command(BaseCommand):
    help = (
        "People (alice, bob, carol, dirk, mo), organisations with their rules, and messages that "
        "fit the sandbox. Makes what is missing and changes nothing that is there."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError(
                "The demo is for development: it makes people with a known password, so it does "
                "not start without DEBUG."
            )
        if has_other_people():
            raise CommandError(
                "The demo does not touch this database: people sign in here who are not its own."
            )
        with transaction.atomic():
            organizations = _make_organizations()
            made = [person.username for person in PEOPLE if _make_person(person, organizations)]
        self.stdout.write(f"Organisations: {', '.join(names.ORGANIZATIONS.values())}.")
        self.stdout.write(f"People made: {', '.join(made) or 'none, all were there'}.")
        self.stdout.write(f"The password of each is {PASSWORD}.")


def _make_organizations() -> dict[str, Organization]:
    made = {}
    for uuid, name in names.ORGANIZATIONS.items():
        organization, _ = Organization.objects.get_or_create(uuid=UUID(uuid))
        # A walk that came first knows its uuid alone.
        organization.name = organization.name or name
        if uuid == names.CALLING_ORGANIZATION.uuid:
            organization.is_ours = True
        organization.save()
        made[uuid] = organization
    for charity in names.CHARITIES:
        _make_rules(made[charity.uuid])
        _make_check_rules(made[charity.uuid])
        _make_conversation(made[charity.uuid], charity.name)
        _make_payment_rules(made[charity.uuid])
        _make_scripts(made[charity.uuid])
    return made


def _make_rules(charity: Organization) -> None:
    """Open at every hour, so that whoever tries the product at night has calls to make."""
    if charity.calling_rules.exists():
        return
    opens, closes = time(0, 0), time(23, 59)
    CallingRules.objects.create(
        organization=charity,
        from_date=date(2020, 1, 1),
        weekdays_open=opens,
        weekdays_close=closes,
        saturday_open=opens,
        saturday_close=closes,
        sunday_open=opens,
        sunday_close=closes,
        max_attempts=3,
        gap_minutes=60,
        # One charity does not say when it releases, as an organisation may not.
        cooling_off_days=None if charity.pk == UUID(names.LEESBUS.uuid) else 42,
        source="Demo: elk uur van elke dag open. Niemand sprak dit af.",
    )


def _make_check_rules(charity: Organization) -> None:
    if charity.check_rules.exists():
        return
    CheckRules.objects.create(
        organization=charity,
        from_date=date(2020, 1, 1),
        source="Demo: name and amount. Nobody agreed to this.",
    )


def _make_conversation(charity: Organization, name: str) -> None:
    """What agents say; written by nobody who signs in, so that it is known for the demo's."""
    if Script.objects.filter(organization=charity).exists():
        return
    at = timezone.now()
    Script.objects.create(
        organization=charity,
        call_type=Call.Type.VERIFICATION,
        version=1,
        text=script_of(name),
        at=at,
        in_force_at=at,
    )


def _make_payment_rules(charity: Organization) -> None:
    if charity.payment_rules.exists():
        return
    PaymentRules.objects.create(
        organization=charity,
        from_date=date(2020, 1, 1),
        smallest_amount=Decimal(1),
        largest_amount=Decimal(500),
        description=f"Donatie {charity.name}"[:100],
        days_visible=14,
        mandate_reference="BELBORD-DEMO",
        mandate_reason="donatie",
        texts_a_day=5,
    )


def _make_scripts(charity: Organization) -> None:
    for script in SCRIPTS:
        MessageScript.objects.get_or_create(
            organization=charity,
            script_id=script.script_id,
            defaults={
                "name": script.name,
                "medium": script.medium,
                "carries": script.carries,
                "required_fields": list(script.required_fields),
                # So that whoever tries the product need not wait for an hour.
                "cooldown_minutes": 2,
            },
        )


def _make_person(person: DemoPerson, organizations: dict[str, Organization]) -> bool:
    """Whether this person was not there yet."""
    user, is_new = User.objects.get_or_create(
        username=person.username,
        defaults={
            "first_name": person.username.capitalize(),
            "role": person.role,
            "tapraise_user_uuid": UUID(person.tapraise_user_uuid)
            if person.tapraise_user_uuid
            else None,
            "is_staff": person.role != User.Role.AGENT,
            "is_superuser": person.role == User.Role.MANAGER,
        },
    )
    if is_new:
        user.set_password(PASSWORD)
        user.save()
        user.organizations.set([organizations[known.uuid] for known in person.organizations])
    return is_new
