"""Rows to look at in the admin, the addresses at which they are, and how a page is confirmed."""

import re
import uuid
from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, User
from calls.models import (
    Attempt,
    Call,
    Callback,
    CheckRules,
    Completion,
    DayTarget,
    Ending,
    FloorMessage,
    NewCall,
    Script,
    TakenAway,
)
from integrations.models import (
    Breaker,
    Delivery,
    Drift,
    Heartbeat,
    Quarantine,
    Stream,
    WebhookEvent,
)
from pledges.models import (
    AlphacommLink,
    Batch,
    CallingRules,
    ClosedDay,
    LeftOut,
    Mandate,
    MessageScript,
    NewPledge,
    Objection,
    Organization,
    PayLink,
    PaymentRules,
    Person,
    Pledge,
    PledgeChange,
    RecruiterFlag,
    ResultFile,
    SignatureRequest,
    TextMessage,
    Transaction,
    VoiceResult,
)
from tests.factories import (
    AlphacommLinkFactory,
    AttemptFactory,
    AuditEntryFactory,
    BatchFactory,
    BreakerFactory,
    CallbackFactory,
    CallFactory,
    CallingRulesFactory,
    CheckRulesFactory,
    ClosedDayFactory,
    CompletionFactory,
    DayTargetFactory,
    DriftFactory,
    EndingFactory,
    FloorMessageFactory,
    HeartbeatFactory,
    LeftOutFactory,
    MandateFactory,
    MessageScriptFactory,
    NewCallFactory,
    NewPledgeFactory,
    ObjectionFactory,
    PayLinkFactory,
    PaymentRulesFactory,
    PledgeChangeFactory,
    QuarantineFactory,
    RecruiterFlagFactory,
    ResultFileFactory,
    ScriptFactory,
    SignatureRequestFactory,
    StreamFactory,
    TakenAwayFactory,
    TextMessageFactory,
    TransactionFactory,
    UserFactory,
    VoiceResultFactory,
    WebhookEventFactory,
)

ACCOUNT_NUMBER = "NL02ABNA0123456789"
SECRET = "geheime-inhoud"
PHONE = "+31655500123"
MIRRORED = (Call, Person, Pledge, Transaction)
RECORDS = (
    Attempt,
    Completion,
    Ending,
    Callback,
    Objection,
    NewCall,
    NewPledge,
    PledgeChange,
    SignatureRequest,
    PayLink,
    AlphacommLink,
    TextMessage,
    VoiceResult,
    Mandate,
    Batch,
    LeftOut,
    ResultFile,
    Delivery,
    Stream,
    Quarantine,
    WebhookEvent,
    Breaker,
    Drift,
    Heartbeat,
    AuditEntry,
)


def client_of(user: AbstractBaseUser) -> Client:
    client = Client()
    client.force_login(user)
    return client


def list_of(model: type[Model]) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def page_of(row: Model) -> str:
    name = f"admin:{row._meta.app_label}_{row._meta.model_name}_change"
    return reverse(name, args=[row.pk])


def add_page_of(model: type[Model]) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_add")


def looked_at(client: Client, address: str, form: dict[str, Any]) -> Any:
    """Send a form of which the effect is shown first, and then once more as the page has it."""
    shown = client.post(address, form)
    found = re.search(r'name="looked_at" value="(\w+)"', shown.content.decode())
    if found is None:
        return shown
    return client.post(address, {**form, "looked_at": found[1]})


def confirm(
    client: Client, model: type[Model], page: Any, *, also: Model | None = None, **answers: str
) -> Any:
    """Send the page that says what will happen, as a browser does: every hidden field with it."""
    hidden = r'<input type="hidden" name="([^"]+)" value="([^"]*)"'
    fields = re.findall(hidden, page.content.decode())
    form: dict[str, list[str]] = {}
    for name, value in fields:
        form.setdefault(name, []).append(value)
    if also is not None:
        form["_selected_action"].append(str(also.pk))
    return client.post(list_of(model), {**form, **answers})


def carol() -> User:
    return User.objects.get(username="carol")


def charity_of(call: Call) -> Organization:
    charity = call.person.owning_organization
    assert charity is not None
    return charity


def organization_of_carol() -> Organization:
    organization = Organization.objects.create(uuid=uuid.uuid4(), name="Nog een")
    organization.members.add(carol())
    return organization


def another(call: Call) -> Call:
    """Another call to the same donor."""
    made: Call = CallFactory(
        person=call.person, pledge=call.pledge, calling_organization=call.calling_organization
    )
    return made


def a_row_of(model: type[Model], call: Call) -> Model:
    """A row of this model that belongs to a call."""
    secret = {"payload": {"a": SECRET}}
    made: dict[type[Model], Callable[[], Any]] = {
        Call: lambda: call,
        Person: lambda: call.person,
        Pledge: lambda: call.pledge,
        Transaction: lambda: TransactionFactory(
            person=call.person, iban=ACCOUNT_NUMBER, name=SECRET
        ),
        Attempt: lambda: AttemptFactory(call=call),
        Completion: lambda: CompletionFactory(call=call),
        Ending: lambda: EndingFactory(call=call),
        TakenAway: lambda: TakenAwayFactory(call=call),
        Callback: lambda: CallbackFactory(call=call),
        FloorMessage: lambda: FloorMessageFactory(organizations=[charity_of(call)]),
        NewCall: lambda: NewCallFactory(person=call.person),
        NewPledge: lambda: NewPledgeFactory(person=call.person),
        PledgeChange: lambda: PledgeChangeFactory(pledge=call.pledge),
        SignatureRequest: lambda: SignatureRequestFactory(
            pledge=call.pledge, state=SignatureRequest.State.READY, address=SECRET
        ),
        Script: lambda: ScriptFactory(organization=charity_of(call)),
        CallingRules: lambda: CallingRulesFactory(organization=charity_of(call)),
        CheckRules: lambda: CheckRulesFactory(organization=charity_of(call)),
        DayTarget: lambda: DayTargetFactory(organization=charity_of(call)),
        Objection: lambda: ObjectionFactory(person_uuid=call.person_id),
        ClosedDay: lambda: ClosedDayFactory(organization=charity_of(call)),
        PaymentRules: lambda: PaymentRulesFactory(organization=charity_of(call)),
        MessageScript: lambda: MessageScriptFactory(organization=charity_of(call)),
        PayLink: lambda: PayLinkFactory(person=call.person),
        AlphacommLink: lambda: AlphacommLinkFactory(pay_link__person=call.person, short_url=SECRET),
        TextMessage: lambda: TextMessageFactory(
            person=call.person, to=PHONE, fields={"person_family_name": SECRET}
        ),
        VoiceResult: lambda: VoiceResultFactory(message__person=call.person),
        Mandate: lambda: MandateFactory(person=call.person, short_url=SECRET),
        Batch: lambda: BatchFactory(script__organization=charity_of(call)),
        RecruiterFlag: lambda: RecruiterFlagFactory(person=call.person),
        LeftOut: lambda: LeftOutFactory(person=call.person),
        ResultFile: lambda: ResultFileFactory(
            user=carol_or_anybody(), lines=[[SECRET, "delivered", None]]
        ),
        Delivery: lambda: AttemptFactory(call=call, delivery__payload=secret).delivery,
        Stream: StreamFactory,
        Quarantine: lambda: QuarantineFactory(raw=SECRET),
        WebhookEvent: lambda: WebhookEventFactory(payload={"data": SECRET}),
        Breaker: BreakerFactory,
        Drift: DriftFactory,
        Heartbeat: HeartbeatFactory,
        AuditEntry: lambda: AuditEntryFactory(user=carol_or_anybody()),
    }
    row: Model = made[model]()
    return row


def carol_or_anybody() -> User:
    found = User.objects.filter(username="carol").first()
    return found or UserFactory()
