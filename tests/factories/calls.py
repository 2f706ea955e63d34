"""Calls, and what people here did with them."""

import uuid
from datetime import timedelta
from typing import Any

import factory

from accounts.models import User
from calls.models import (
    Attempt,
    Call,
    Callback,
    Check,
    CheckRules,
    Completion,
    DayTarget,
    Draft,
    Ending,
    Export,
    FloorMessage,
    Hold,
    HoldKey,
    Item,
    NewCall,
    ResultCode,
    Script,
    Skip,
    TakenAway,
)
from integrations.models import Delivery
from tests.factories.accounts import UserFactory
from tests.factories.common import Factory, ago, now
from tests.factories.integrations import DeliveryFactory
from tests.factories.mirrored import OrganizationFactory, PersonFactory, PledgeFactory


class CallFactory(Factory):
    """An open call that TapRaise asks us to make; its person and pledge come with it."""

    class Meta:
        model = Call

    uuid = factory.LazyFunction(uuid.uuid4)
    account = "default"
    status = Call.Status.REQUESTED
    type = Call.Type.VERIFICATION
    requested_at = ago(hours=5)
    last_updated_at = ago(hours=5)
    person = factory.SubFactory(PersonFactory)
    pledge = factory.SubFactory(PledgeFactory, person=factory.SelfAttribute("..person"))
    calling_organization = factory.SubFactory(OrganizationFactory, is_ours=True)
    fetched_at = ago(minutes=1)


def _own_delivery(operation: str) -> factory.SubFactory:
    return factory.SubFactory(
        DeliveryFactory,
        operation=operation,
        subject=factory.LazyAttribute(lambda delivery: delivery.factory_parent.call.subject),
        seq=factory.LazyAttribute(
            lambda delivery: (
                Delivery.objects.filter(subject=delivery.factory_parent.call.subject).count() + 1
            )
        ),
        token=factory.SelfAttribute("..token"),
        by=factory.SelfAttribute("..user"),
    )


class AttemptFactory(Factory):
    class Meta:
        model = Attempt

    call = factory.SubFactory(CallFactory)
    user = factory.SubFactory(UserFactory)
    organization = factory.LazyAttribute(lambda made: made.call.person.owning_organization)
    at = factory.Sequence(lambda n: now() - timedelta(hours=4) + timedelta(seconds=n))
    outcome = Attempt.Outcome.NO_ANSWER
    outcome_at = factory.LazyAttribute(lambda attempt: attempt.at + timedelta(seconds=30))
    token = factory.LazyFunction(uuid.uuid4)
    delivery = _own_delivery("tapraise.add_attempt")


class NewCallFactory(Factory):
    class Meta:
        model = NewCall

    token = factory.LazyFunction(uuid.uuid4)
    uuid = factory.LazyFunction(uuid.uuid4)
    person = factory.SubFactory(PersonFactory)
    type = Call.Type.VERIFICATION
    user = factory.SubFactory(UserFactory, role=User.Role.SUPERVISOR)
    requested_at = factory.LazyFunction(now)
    delivery = factory.SubFactory(
        DeliveryFactory,
        operation="tapraise.create_call",
        subject=factory.LazyAttribute(lambda it: f"call:{it.factory_parent.uuid}"),
        token=factory.SelfAttribute("..token"),
        by=factory.SelfAttribute("..user"),
    )


class CompletionFactory(Factory):
    class Meta:
        model = Completion

    call = factory.SubFactory(CallFactory)
    user = factory.SubFactory(UserFactory)
    organization = factory.LazyAttribute(lambda made: made.call.person.owning_organization)
    result_code = ResultCode.CONFIRMED
    retention_rating = 8
    completed_at = factory.LazyFunction(now)
    token = factory.LazyFunction(uuid.uuid4)
    delivery = _own_delivery("tapraise.complete_call")


class EndingFactory(Factory):
    class Meta:
        model = Ending

    call = factory.SubFactory(CallFactory)
    user = factory.SubFactory(UserFactory, role=User.Role.SUPERVISOR)
    kind = Ending.Kind.CANCELLED
    at = factory.LazyFunction(now)
    token = factory.LazyFunction(uuid.uuid4)
    delivery = _own_delivery("tapraise.cancel_call")


class ExportFactory(Factory):
    """One that nobody has begun to write."""

    class Meta:
        model = Export

    user = factory.SubFactory(UserFactory, role=User.Role.SUPERVISOR)
    what = Export.What.CALLS
    format = Export.Format.CSV
    made_at = factory.LazyFunction(now)
    token = factory.LazyFunction(uuid.uuid4)


class HoldFactory(Factory):
    class Meta:
        model = Hold
        skip_postgeneration_save = True

    call = factory.SubFactory(CallFactory)
    user = factory.SubFactory(UserFactory)
    taken_at = factory.LazyFunction(now)
    lease_until = factory.LazyFunction(lambda: now() + timedelta(minutes=10))

    @factory.post_generation
    def keys(self: Any, create: bool, extracted: list[str] | None, **_: Any) -> None:
        if create:
            person = self.call.person
            wanted = extracted or [
                self.call.subject,
                f"person:{person.pk}",
                *(f"phone:{number}" for number in person.phone_keys),
            ]
            HoldKey.objects.bulk_create([HoldKey(key=key, hold=self) for key in wanted])


class SkipFactory(Factory):
    class Meta:
        model = Skip

    call = factory.SubFactory(CallFactory)
    user = factory.SubFactory(UserFactory)
    reason = Skip.Reason.OTHER
    at = factory.LazyFunction(now)


class TakenAwayFactory(Factory):
    """A call that a supervisor took out of somebody's hands, because it was left lying."""

    class Meta:
        model = TakenAway

    call = factory.SubFactory(CallFactory)
    user = factory.SubFactory(UserFactory)
    by = factory.SubFactory(UserFactory, role=User.Role.SUPERVISOR)
    reason = TakenAway.Reason.LEFT
    at = factory.LazyFunction(now)


class DraftFactory(Factory):
    class Meta:
        model = Draft

    call = factory.SubFactory(CallFactory)
    user = factory.SubFactory(UserFactory)
    text = "belt liever 's avonds"
    saved_at = factory.LazyFunction(now)


class CallbackFactory(Factory):
    """A callback of the team's that is due since a minute."""

    class Meta:
        model = Callback

    call = factory.SubFactory(CallFactory)
    due_at = ago(minutes=1)
    whose = Callback.Whose.TEAM
    user = factory.SubFactory(UserFactory)
    made_at = ago(hours=1)
    token = factory.LazyFunction(uuid.uuid4)


class CheckRulesFactory(Factory):
    """Nothing has to be right first: the stories about checking say what does."""

    class Meta:
        model = CheckRules

    organization = factory.SubFactory(OrganizationFactory)
    from_date = factory.LazyFunction(lambda: now().date() - timedelta(days=365))
    needed = factory.LazyFunction(list)
    source = "made for a test"


class DayTargetFactory(Factory):
    class Meta:
        model = DayTarget

    organization = factory.SubFactory(OrganizationFactory)
    from_date = factory.LazyFunction(lambda: now().date() - timedelta(days=30))
    completed = 120


class CheckFactory(Factory):
    class Meta:
        model = Check

    call = factory.SubFactory(CallFactory)
    item = Item.NAME
    answer = Check.Answer.CONFIRMED
    user = factory.SubFactory(UserFactory)
    at = factory.LazyFunction(now)


class ScriptFactory(Factory):
    """One block, in force."""

    class Meta:
        model = Script

    organization = factory.SubFactory(OrganizationFactory)
    version = factory.Sequence(lambda n: n + 1)
    text = "# Begroeting\nHallo {aanhef}, met {agent} van {charity}."
    user = factory.SubFactory(UserFactory, role=User.Role.SUPERVISOR)
    at = factory.LazyFunction(now)
    in_force_at = factory.LazyFunction(now)


class FloorMessageFactory(Factory):
    """One that holds for an hour; give the organisations whose agents it is for."""

    class Meta:
        model = FloorMessage
        skip_postgeneration_save = True

    text = "Om drie uur is er taart."
    user = factory.SubFactory(UserFactory, role=User.Role.SUPERVISOR)
    at = factory.LazyFunction(now)
    until_at = factory.LazyAttribute(lambda message: message.at + timedelta(hours=1))
    token = factory.LazyFunction(uuid.uuid4)

    @factory.post_generation
    def organizations(self: Any, create: bool, extracted: list[Any] | None, **_: Any) -> None:
        if create and extracted:
            self.organizations.set(extracted)
