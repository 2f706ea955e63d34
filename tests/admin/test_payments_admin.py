"""The admin of payments: what managers set, and how supervisors find what came of it."""

import re
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db.models import Model
from django.test import Client

from accounts.models import AuditEntry, User
from calls.models import Call
from integrations.models import Delivery
from pledges.models import (
    AlphacommLink,
    LeftOut,
    Mandate,
    MessageScript,
    Organization,
    PayLink,
    PaymentRules,
    ResultFile,
    TextMessage,
)
from tests.admin.rows import add_page_of, confirm, list_of, looked_at, page_of
from tests.factories import (
    AlphacommLinkFactory,
    AttemptFactory,
    LeftOutFactory,
    MandateFactory,
    MessageScriptFactory,
    PayLinkFactory,
    PaymentRulesFactory,
    ResultFileFactory,
    TextMessageFactory,
    now,
)
from tests.pledges.browsing import words_of

pytestmark = pytest.mark.django_db


NEW = add_page_of(PaymentRules)


def rules(organization: Organization, **changes: str) -> dict[str, str]:
    """The form of new payment rules."""
    return {
        "organization": str(organization.pk),
        "from_date": "2026-11-01",
        "smallest_amount": "1.00",
        "largest_amount": "250.00",
        "description": "Uw donatie",
        "days_visible": "14",
        "mandate_type": "RCUR",
        "texts_a_day": "2",
        "import_times": "9:30, 13:00",
        **changes,
    }


class TestPaymentRules:
    def test_a_manager_reads_what_they_come_to_before_they_hold(
        self, manager: Client, helder_water: Organization
    ) -> None:
        PaymentRulesFactory(organization=helder_water, texts_a_day=9)
        shown = words_of(manager.post(NEW, rules(helder_water)))
        assert "From now on: Donors are offered PayLinks of € 1,00 to € 250,00" in shown
        assert "within 14 days, and get at most 2 messages a day. No e-Mandate is offered." in shown
        assert "Texts leave at 09:30, 13:00." in shown
        assert "Until then: Donors are offered" in shown
        assert "9 messages a day" in shown
        assert PaymentRules.objects.count() == 1
        answer = looked_at(manager, NEW, rules(helder_water))
        assert answer.status_code == 302
        made = PaymentRules.objects.latest("pk")
        assert made.import_times == ["09:30", "13:00"]
        assert made.largest_amount == Decimal(250)
        facts = AuditEntry.objects.get(action="paymentrules.added").facts
        assert facts["organization"] == str(helder_water.pk)
        page = words_of(manager.get(page_of(helder_water)))
        assert "PayLinks of € 1,00 to € 250,00, to be paid within 14 days" in page

    def test_what_is_replaced_already_is_said_to_be(
        self, manager: Client, helder_water: Organization
    ) -> None:
        PaymentRulesFactory(organization=helder_water, from_date=now().date())
        shown = words_of(manager.post(NEW, rules(helder_water)))
        assert "Nothing changes for donors." in shown

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            (
                {"largest_amount": "0.50"},
                "The largest amount cannot be less than the smallest one.",
            ),
            ({"import_times": "half tien"}, "Give times as 09:30, one after the other."),
            ({"days_visible": "0"}, "greater than or equal to 1"),
            ({"mandate_reference": "HW"}, "An e-Mandate needs a reason"),
            ({"mandate_type": "maandelijks"}, "Write four capital letters, such as RCUR."),
            ({"mandate_type": "rcur"}, "Write four capital letters, such as RCUR."),
        ],
    )
    def test_what_is_wrong_is_said_in_words(
        self, manager: Client, helder_water: Organization, changes: dict[str, str], words: str
    ) -> None:
        answer = looked_at(manager, NEW, rules(helder_water, **changes))
        assert answer.status_code == 200
        assert words in words_of(answer)
        assert "Constraint" not in words_of(answer)
        assert not PaymentRules.objects.exists()

    def test_nobody_agrees_amounts_by_this_form(
        self, manager: Client, helder_water: Organization
    ) -> None:
        looked_at(manager, NEW, rules(helder_water, amounts_agreed_at="2026-11-01 12:00"))
        assert PaymentRules.objects.get().amounts_agreed_at is None

    def test_it_leads_to_where_amounts_are_looked_at_and_says_what_was_seen(
        self, supervisor: Client, helder_water: Organization, settings: Any
    ) -> None:
        made = PaymentRulesFactory(organization=helder_water, amounts_agreed_at=None)

        def look() -> str:
            page = supervisor.get(page_of(made))
            assert f'href="/payment-rules/{made.pk}/amounts/"' in page.content.decode()
            return words_of(page)

        assert "Nobody pays here with real money" in look()
        settings.ALPHACOMM_URL = "https://alphacomm.example"
        assert "until then only supervisors make links" in look()
        PaymentRules.objects.update(amounts_agreed_at="2026-11-01T12:00:00Z")
        assert "Seen to agree at" in look()


class TestMessageScripts:
    def form(self, organization: Organization, **changes: Any) -> dict[str, Any]:
        return {
            "organization": str(organization.pk),
            "script_id": "2001",
            "name": "Betaallink per sms",
            "medium": "sms",
            "carries": "paylink",
            "required_fields": ["person_family_name", "to_phone_numbers"],
            "cooldown_minutes": "60",
            "is_active": "on",
            **changes,
        }

    def test_a_manager_ticks_what_a_script_asks_for(
        self, manager: Client, helder_water: Organization
    ) -> None:
        page = manager.get(add_page_of(MessageScript)).content.decode()
        assert len(re.findall(r'type="checkbox" name="required_fields"', page)) == 11
        answer = manager.post(add_page_of(MessageScript), self.form(helder_water))
        assert answer.status_code == 302, words_of(answer)
        made = MessageScript.objects.get()
        assert made.required_fields == ["person_family_name", "to_phone_numbers"]
        assert AuditEntry.objects.get(action="messagescript.added").facts["script"] == "2001"
        again = manager.get(page_of(made)).content.decode()
        assert len(re.findall(r'name="required_fields"[^>]* checked', again)) == 2

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"medium": "voice", "script_id": "A1"}, "The script of a voice message is a number."),
            ({"required_fields": ["bsn"]}, "Select a valid choice"),
        ],
    )
    def test_what_is_wrong_is_said_in_words(
        self, manager: Client, helder_water: Organization, changes: dict[str, Any], words: str
    ) -> None:
        answer = manager.post(add_page_of(MessageScript), self.form(helder_water, **changes))
        assert words in words_of(answer)
        assert not MessageScript.objects.exists()

    def test_a_supervisor_reads_it_in_words_and_those_of_others_are_not_there(
        self, supervisor: Client, helder_water: Organization, dierenhulp: Organization
    ) -> None:
        ours = MessageScriptFactory(organization=helder_water)
        theirs = MessageScriptFactory(organization=dierenhulp)
        page = words_of(supervisor.get(page_of(ours)))
        assert "last name, phone number, amount, reference" in page
        assert "person_family_name" not in page
        assert supervisor.post(page_of(ours), self.form(helder_water)).status_code == 403
        assert supervisor.get(page_of(theirs)).status_code == 404


class TestWhatCameOfIt:
    def found(self, client: Client, model: type[Model], words: object) -> set[str]:
        page = client.get(list_of(model), {"q": str(words)}).content.decode()
        return set(re.findall(rf"/{model._meta.model_name}/([^/]+)/change/", page))

    def test_it_is_found_by_its_reference_or_any_uuid_about_it(
        self, supervisor: Client, call: Call
    ) -> None:
        made = PayLinkFactory(person=call.person, call_uuid=call.pk, invoice_reference="20261103-a")
        PayLinkFactory(person=call.person)
        AlphacommLinkFactory(pay_link=made, id="link-at-alphacomm")
        text = TextMessageFactory(person=call.person, reference="20261103-t")
        mandate = MandateFactory(person=call.person, debtor_reference="20261103-m")
        for words in ("20261103-a", " 20261103-a ", made.pk, call.pk):
            assert self.found(supervisor, PayLink, words) == {str(made.pk)}, words
        for words in ("link-at-alphacomm", "20261103-a", made.pk):
            assert self.found(supervisor, AlphacommLink, words) == {"link-at-alphacomm"}, words
        assert self.found(supervisor, TextMessage, "20261103-t") == {str(text.pk)}
        assert self.found(supervisor, Mandate, "20261103-m") == {str(mandate.pk)}
        assert self.found(supervisor, PayLink, "20261103") == set()
        assert self.found(supervisor, PayLink, uuid4()) == set()

    def test_an_address_to_pay_at_is_on_no_page(self, supervisor: Client, call: Call) -> None:
        there = AlphacommLinkFactory(pay_link__person=call.person)
        mandate = MandateFactory(person=call.person)
        for row in (there, mandate):
            for page in (list_of(type(row)), page_of(row)):
                assert row.short_url not in supervisor.get(page).content.decode()

    def test_a_look_is_put_on_the_trail(self, supervisor: Client, call: Call) -> None:
        there = AlphacommLinkFactory(pay_link__person=call.person)
        supervisor.get(page_of(there))
        entry = AuditEntry.objects.get(action="alphacommlink.read")
        assert entry.person_uuid == call.person_id


class TestDecisions:
    def ask(self, client: Client, action: str, *deliveries: Delivery) -> Any:
        chosen = {"action": action, "_selected_action": [one.pk for one in deliveries]}
        return client.post(list_of(Delivery), chosen)

    @pytest.fixture
    def text(self, call: Call) -> TextMessage:
        made: TextMessage = TextMessageFactory(
            person=call.person, delivery__is_done=False, delivery__is_undecided=True
        )
        return made

    @pytest.fixture
    def pay_link(self, call: Call) -> PayLink:
        made: PayLink = PayLinkFactory(
            person=call.person, delivery__is_done=False, delivery__is_undecided=True
        )
        return made

    def test_what_waits_for_a_decision_is_found_by_what_it_is_about(
        self, supervisor: Client, text: TextMessage, pay_link: PayLink
    ) -> None:
        for row in (text, pay_link):
            page = supervisor.get(list_of(Delivery), {"q": str(row.pk)}).content.decode()
            assert set(re.findall(r"/delivery/([0-9a-f-]{36})/", page)) == {str(row.delivery_id)}

    def test_sending_a_text_once_more_says_that_the_donor_may_get_two(
        self, supervisor: Client, text: TextMessage
    ) -> None:
        page = words_of(self.ask(supervisor, "send_once_more", text.delivery))
        assert "the donor gets two messages" in page
        assert "an attempt cannot be taken away" not in page

    def test_sending_a_link_once_more_says_that_the_oldest_counts(
        self, supervisor: Client, pay_link: PayLink
    ) -> None:
        page = words_of(self.ask(supervisor, "send_once_more", pay_link.delivery))
        assert "there are two links there and the oldest one counts" in page

    def test_of_several_each_kind_says_its_own(
        self, supervisor: Client, call: Call, text: TextMessage
    ) -> None:
        attempt = AttemptFactory(call=call, delivery__is_undecided=True)
        page = words_of(self.ask(supervisor, "send_once_more", text.delivery, attempt.delivery))
        assert "the donor gets two messages" in page
        assert "an attempt cannot be taken away there" in page

    @pytest.mark.parametrize("action", ["it_happened", "drop", "read_again_now"])
    def test_no_other_words_speak_of_taprise(
        self, supervisor: Client, text: TextMessage, action: str
    ) -> None:
        page = self.ask(supervisor, action, text.delivery).content.decode()
        # The lists beside it are of both systems.
        main = page.partition('id="content"')[2]
        assert "Alphacomm" in main
        assert "TapRaise" not in main

    def test_a_supervisor_vouches_that_a_text_was_handed_over(
        self, supervisor: Client, text: TextMessage, carol: User
    ) -> None:
        page = self.ask(supervisor, "it_happened", text.delivery)
        confirm(supervisor, Delivery, page)
        text.delivery.refresh_from_db()
        assert (text.delivery.state, text.delivery.outcome) == ("closed", "decided")
        assert AuditEntry.objects.get(action="delivery.decided").user == carol


class TestWhatCameOfBatches:
    def test_who_was_left_out_is_found_by_donor_batch_and_reason(
        self, supervisor: Client, call: Call
    ) -> None:
        row = LeftOutFactory(person=call.person, reason=LeftOut.Reason.PAID)
        other = LeftOutFactory(
            person__owning_organization=call.person.owning_organization, reason="in_hand"
        )
        stranger = LeftOutFactory()

        def found(**asked: object) -> set[int]:
            page = supervisor.get(list_of(LeftOut), asked).content.decode()
            return set(map(int, re.findall(r"/leftout/(\d+)/change", page)))

        assert found() == {row.pk, other.pk}
        assert found(q=call.person_id) == found(q=row.batch_id) == found(reason="paid") == {row.pk}
        assert found(q=row.batch.name) == {row.pk}
        assert supervisor.get(page_of(stranger)).status_code in {302, 404}

    def test_result_files_of_colleagues_are_seen_without_what_stands_in_them(
        self, supervisor: Client, carol: User, dirk: User, alice: User
    ) -> None:
        lines = [["20261103-secret", "delivered", None]]
        waiting = ResultFileFactory(user=alice, name="maandag.csv", lines=lines)
        written = ResultFileFactory(user=carol, name="dinsdag.csv", written_at=now(), lines=None)
        ResultFileFactory(user=dirk, name="van-een-ander.csv")
        page = words_of(supervisor.get(list_of(ResultFile)))
        assert "maandag.csv" in page
        assert "dinsdag.csv" in page
        assert "van-een-ander.csv" not in page
        only = words_of(supervisor.get(list_of(ResultFile), {"written": "yes"}))
        assert (written.name in only, waiting.name in only) == (True, False)
        only = words_of(supervisor.get(list_of(ResultFile), {"q": "maandag.csv"}))
        assert (written.name in only, waiting.name in only) == (False, True)
        assert "20261103-secret" not in supervisor.get(page_of(waiting)).content.decode()
