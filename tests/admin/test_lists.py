"""The admin's lists stay quick: few queries, capped counts, search by whole uuid."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.db.models import Model
from django.test import Client
from django.utils import translation

from accounts.admin import CappedPaginator
from accounts.models import AuditEntry, User
from calls.models import (
    Attempt,
    Call,
    Callback,
    CheckRules,
    Completion,
    DayTarget,
    Ending,
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
    ResultFile,
    SignatureRequest,
    TextMessage,
    Transaction,
    VoiceResult,
)
from tests.admin.rows import another, carol, charity_of, list_of, organization_of_carol
from tests.factories import (
    AlphacommLinkFactory,
    AttemptFactory,
    AuditEntryFactory,
    BatchFactory,
    BreakerFactory,
    CallbackFactory,
    CallingRulesFactory,
    CheckRulesFactory,
    ClosedDayFactory,
    CompletionFactory,
    DayTargetFactory,
    DriftFactory,
    EndingFactory,
    HeartbeatFactory,
    LeftOutFactory,
    MandateFactory,
    MessageScriptFactory,
    NewCallFactory,
    NewPledgeFactory,
    ObjectionFactory,
    PayLinkFactory,
    PaymentRulesFactory,
    PersonFactory,
    PledgeChangeFactory,
    PledgeFactory,
    QuarantineFactory,
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
    now,
)

pytestmark = pytest.mark.django_db


def another_pledge(call: Call) -> Pledge:
    """Another pledge of the same donor."""
    made: Pledge = PledgeFactory(person=call.person)
    return made


class TestLists:
    MADE: tuple[tuple[type[Model], Callable[..., Any]], ...] = (
        (User, lambda call, n: UserFactory(organizations=[charity_of(call)])),
        (Organization, lambda call, n: organization_of_carol()),
        (
            Person,
            lambda call, n: PersonFactory(owning_organization=charity_of(call)),
        ),
        (Pledge, lambda call, n: PledgeFactory(person=call.person)),
        (Transaction, lambda call, n: TransactionFactory(person=call.person)),
        (Call, lambda call, n: another(call)),
        (Attempt, lambda call, n: AttemptFactory(call=another(call), user=carol())),
        (Completion, lambda call, n: CompletionFactory(call=another(call), user=carol())),
        (Ending, lambda call, n: EndingFactory(call=another(call), user=carol())),
        (Callback, lambda call, n: CallbackFactory(call=another(call), user=carol())),
        (Objection, lambda call, n: ObjectionFactory(person_uuid=call.person_id, user=carol())),
        (Delivery, lambda call, n: AttemptFactory(call=another(call), user=carol())),
        (NewCall, lambda call, n: NewCallFactory(person=call.person, user=carol())),
        (NewPledge, lambda call, n: NewPledgeFactory(person=call.person, user=carol())),
        (PledgeChange, lambda call, n: PledgeChangeFactory(pledge=another_pledge(call))),
        (SignatureRequest, lambda call, n: SignatureRequestFactory(pledge=another_pledge(call))),
        (ClosedDay, lambda call, n: ClosedDayFactory(date=date(2026, 1, 1) + timedelta(days=n))),
        (Script, lambda call, n: ScriptFactory(organization=charity_of(call))),
        (
            CallingRules,
            lambda call, n: CallingRulesFactory(
                organization=charity_of(call), from_date=now().date() - timedelta(days=n)
            ),
        ),
        (
            PaymentRules,
            lambda call, n: PaymentRulesFactory(
                organization=charity_of(call), from_date=now().date() - timedelta(days=n)
            ),
        ),
        (
            CheckRules,
            lambda call, n: CheckRulesFactory(
                organization=charity_of(call), from_date=now().date() - timedelta(days=n)
            ),
        ),
        (
            DayTarget,
            lambda call, n: DayTargetFactory(
                organization=charity_of(call), from_date=now().date() - timedelta(days=n)
            ),
        ),
        (TakenAway, lambda call, n: TakenAwayFactory(call=another(call), user=carol(), by=carol())),
        (MessageScript, lambda call, n: MessageScriptFactory(organization=charity_of(call))),
        (PayLink, lambda call, n: PayLinkFactory(person=call.person)),
        (AlphacommLink, lambda call, n: AlphacommLinkFactory(pay_link__person=call.person)),
        (TextMessage, lambda call, n: TextMessageFactory(person=call.person)),
        (VoiceResult, lambda call, n: VoiceResultFactory(message__person=call.person)),
        (Mandate, lambda call, n: MandateFactory(person=call.person)),
        (Batch, lambda call, n: BatchFactory(script__organization=charity_of(call))),
        (LeftOut, lambda call, n: LeftOutFactory(person=call.person)),
        (ResultFile, lambda call, n: ResultFileFactory(user=carol())),
        (Stream, lambda call, n: StreamFactory()),
        (Quarantine, lambda call, n: QuarantineFactory()),
        (WebhookEvent, lambda call, n: WebhookEventFactory()),
        (Breaker, lambda call, n: BreakerFactory()),
        (Drift, lambda call, n: DriftFactory()),
        (Heartbeat, lambda call, n: HeartbeatFactory(name=f"worker {n}")),
        (AuditEntry, lambda call, n: AuditEntryFactory(user=carol())),
    )

    def test_every_list_is_measured(self) -> None:
        assert {model for model, _ in self.MADE} == set(admin.site._registry)

    @pytest.mark.parametrize(
        ("model", "make"),
        MADE,
    )
    def test_fifty_rows_take_as_many_queries_as_five(
        self,
        supervisor: Client,
        call: Call,
        model: type[Model],
        make: Callable[..., Any],
        django_assert_max_num_queries: Any,
    ) -> None:
        def queries() -> int:
            with django_assert_max_num_queries(12) as counted:
                answer = supervisor.get(list_of(model))
            assert answer.status_code == 200
            return len(counted)

        supervisor.get(list_of(model))
        for number in range(5):
            make(call, number)
        few = queries()
        for number in range(5, 50):
            make(call, number)
        assert queries() == few

    def test_counting_stops_where_nobody_turns_pages(
        self, supervisor: Client, call: Call, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for _ in range(4):
            another(call)
        monkeypatch.setattr(CappedPaginator, "CAP", 3)
        shown = supervisor.get(list_of(Call)).content.decode()
        assert "the first 3 calls" in shown

    def test_a_search_wants_a_whole_uuid(self, supervisor: Client, call: Call) -> None:
        other = another(call)
        PersonFactory(owning_organization=charity_of(call))

        def found(words: object) -> str:
            return supervisor.get(list_of(Call), {"q": str(words)}).content.decode()

        assert str(call.pk) in found(call.pk)
        assert str(other.pk) not in found(call.pk)
        assert str(other.pk) in found(call.person_id)
        assert str(call.pk) not in found(str(call.pk)[:8])

    @pytest.mark.parametrize("model", list(admin.site._registry))
    def test_filters_read_no_table_to_know_their_choices(
        self, supervisor: Client, call: Call, model: type[Model]
    ) -> None:
        shown = supervisor.get(list_of(model)).content.decode()
        for link in sorted(set(re.findall(r'href="(\?[a-z_]+=[^"&]+)"', shown))):
            assert supervisor.get(list_of(model) + link.replace("&amp;", "&")).status_code == 200

    @pytest.mark.parametrize("language", ["nl", "en"])
    def test_no_two_lists_have_the_same_name(self, language: str) -> None:
        with translation.override(language):
            names = [str(model._meta.verbose_name_plural).lower() for model in admin.site._registry]
        assert sorted(names) == sorted(set(names))


class TestTheOverview:
    def test_lists_stand_by_what_they_are_for(self, supervisor: Client) -> None:
        page = supervisor.get("/admin/").content.decode()
        heads = re.findall(r'<span class="section">([^<]+)</span>', page)
        assert heads == [
            "What people set",
            "What TapRaise and Alphacomm tell",
            "What people here did",
            "What the machine keeps",
        ]
        assert "for when something is stuck" in page
        parts = dict(zip(heads, page.split('<span class="section">')[1:], strict=True))
        for part, model in (
            ("What people set", Script),
            ("What TapRaise and Alphacomm tell", Call),
            ("What people here did", Attempt),
            ("What the machine keeps", Heartbeat),
        ):
            assert f'href="{list_of(model)}"' in parts[part]

    def test_every_list_stands_there_once(self, superuser: Client) -> None:
        page = superuser.get("/admin/").content.decode()
        for model in admin.site._registry:
            assert page.count(f'<a href="{list_of(model)}"') == 1
