"""An agent makes a PayLink while the donor is on the line: one to show, whatever went wrong."""

import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from pytest_django import Settings

from accounts.models import AlreadySent, AuditEntry, FormChanged, User
from integrations.models import Delivery
from pledges import actions
from pledges.following import LINKS_OF_NOW
from pledges.models import PayLink, PaymentRules, Person
from pledges.payments import LinkState, WhyNotOffered
from tests.factories import AlphacommLinkFactory, PersonFactory, PledgeFactory
from tests.pledges.paying import EURO, Till, links_of, outcome_of
from tests.stage import BEGIN


def test_a_link_leaves_at_once_and_comes_back_with_an_address(till: Till) -> None:
    made = till.link()
    assert till.state(made) == LinkState.MAKING
    till.stage.sweep()

    assert outcome_of(made.delivery) == Delivery.Outcome.DONE
    (link,) = links_of(made)
    assert till.state(made) == LinkState.READY
    assert (link.short_url, link.attributes["customer_op"]) == (
        f"{till.stage.world.alphacomm.base_url}/p/{till.links_there()[0]['code']}",
        str(made.delivery_id),
    )
    (effect,) = till.stage.effects("create-pay-link")
    asked = effect["body"]["payLink"]
    assert asked["invoiceAmount"] == "1000"
    assert asked["invoiceReference"] == made.invoice_reference
    assert asked["visibleUntil"] == "2026-11-17T22:59:59+00:00"
    assert AuditEntry.objects.get(action="paylink.created").subject == f"paylink:{made.pk}"


def test_the_same_form_twice_is_one_link(till: Till) -> None:
    token = uuid.uuid4()
    till.link(token=token)
    with pytest.raises(AlreadySent):
        till.link(token=token)
    with pytest.raises(FormChanged):
        till.link(Decimal(11), token=token)
    assert PayLink.objects.count() == 1


@pytest.mark.parametrize(
    "amount", [Decimal("0.99"), Decimal("250.01"), Decimal("10.005"), Decimal("NaN"), Decimal(-1)]
)
def test_an_amount_out_of_bounds_is_refused_with_the_bounds(till: Till, amount: Decimal) -> None:
    with pytest.raises(actions.AmountOutOfBounds) as refused:
        till.link(amount)
    assert "€ 1,00" in refused.value.words
    assert "€ 250,00" in refused.value.words
    assert not Delivery.objects.exists()


@pytest.mark.parametrize("amount", ["1", "1.00", "250", "33.33"])
def test_the_bounds_themselves_are_within_them(till: Till, amount: str) -> None:
    till.link(Decimal(amount))
    till.stage.sweep()
    (there,) = till.links_there()
    assert there["invoiceAmount"] == int(Decimal(amount) * 100)


def test_a_link_says_what_it_is_for_and_lives_for_some_days(till: Till) -> None:
    with pytest.raises(actions.DescriptionMissing):
        till.link(description="  ")
    for days in (0, 91):
        with pytest.raises(actions.TooLongVisible):
            till.link(days_visible=days)
    assert till.link(days_visible=1).visible_until.date() == BEGIN.date() + timedelta(days=1)


class TestWhatIsNotOffered:
    def test_without_alphacomm(self, till: Till, settings: Settings) -> None:
        settings.ALPHACOMM_URL = ""
        assert self.why(till) == WhyNotOffered.NO_ALPHACOMM

    def test_without_rules_in_force(self, till: Till) -> None:
        PaymentRules.objects.update(from_date=BEGIN.date() + timedelta(days=1))
        assert self.why(till) == WhyNotOffered.NO_RULES

    def test_for_a_donor_of_nobody(self, till: Till, dirk: User) -> None:
        with pytest.raises(actions.NotOurs):
            till.link(user=dirk)

    def test_with_a_pledge_of_another(self, till: Till) -> None:
        with pytest.raises(actions.NotOurs):
            till.link(pledge=PledgeFactory())

    def test_to_an_agent_while_nobody_saw_the_amounts_agree(
        self, till: Till, settings: Settings, carol: User
    ) -> None:
        settings.ALPHACOMM_URL = "https://reminders.example"
        PaymentRules.objects.update(amounts_agreed_at=None)
        assert self.why(till) == WhyNotOffered.AMOUNTS_NOT_AGREED
        till.link(user=carol)

        rules = PaymentRules.objects.get()
        with pytest.raises(actions.NotAllowed):
            actions.agree_amounts(user=till.user, rules=rules, at=till.stage.now)
        for _ in range(2):
            actions.agree_amounts(user=carol, rules=rules, at=till.stage.now)
        rules.refresh_from_db()
        assert rules.amounts_agreed_by == carol
        assert AuditEntry.objects.filter(action="payments.amounts_agreed").count() == 1
        till.link()

    def why(self, till: Till) -> WhyNotOffered:
        with pytest.raises(actions.PaymentsNotOffered) as refused:
            till.link()
        assert refused.value.words
        return refused.value.why


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "reset_after"},
        {"kind": "cut_body"},
        {"kind": "not_json"},
        {"kind": "empty_body"},
        {"kind": "status", "status": 502, "after_effect": True},
        {"kind": "graphql_errors", "after_effect": True, "data": "null"},
        {"kind": "late_effect", "seconds": 60},
        {"kind": "late_effect", "seconds": 140, "status": 0},
    ],
    ids=str,
)
def test_an_answer_that_is_lost_is_read_back_and_there_is_one(
    till: Till, fault: dict[str, object]
) -> None:
    made = till.link()
    till.stage.fault(operation="create-pay-link", times=1, **fault)  # type: ignore[arg-type]
    till.stage.sweep_until_settled()

    assert outcome_of(made.delivery) == Delivery.Outcome.DONE
    assert len(till.links_there()) == len(links_of(made)) == 1
    assert till.state(made) == LinkState.READY


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "reset_before"},
        {"kind": "status", "status": 500},
        {"kind": "reset_after", "without_effect": True},
        {"kind": "graphql_errors", "data": "null"},
    ],
    ids=str,
)
def test_what_had_no_effect_is_sent_once_more(till: Till, fault: dict[str, object]) -> None:
    made = till.link()
    till.stage.fault(operation="create-pay-link", times=1, **fault)  # type: ignore[arg-type]
    till.stage.sweep_until_settled()

    assert outcome_of(made.delivery) == Delivery.Outcome.DONE
    assert len(till.links_there()) == 1
    assert made.delivery is not None
    assert made.delivery.resends == 1


@pytest.mark.parametrize("searched_as", ["renamed", "given", "both"])
def test_our_mark_is_found_under_whichever_name_it_is_searched(
    till: Till, searched_as: str
) -> None:
    till.stage.world.alphacomm.switches = till.stage.world.alphacomm.switches.changed(
        {"attribute_searched_as": searched_as}
    )
    made = till.link()
    till.stage.fault("reset_after", "create-pay-link", times=1)
    till.stage.sweep_until_settled()
    assert len(till.links_there()) == len(links_of(made)) == 1


def test_what_is_refused_says_so(till: Till) -> None:
    made = till.link()
    till.stage.fault("graphql_errors", "create-pay-link", data="absent")
    till.stage.sweep_until_settled()

    assert outcome_of(made.delivery) == Delivery.Outcome.REJECTED
    assert till.state(made) == LinkState.REFUSED


def test_of_two_that_came_to_be_the_oldest_is_shown(till: Till) -> None:
    """The first took effect later than we count with, and then the second was there."""
    made = till.link()
    till.stage.fault("late_effect", "create-pay-link", times=1, seconds=600)
    till.stage.sweep_until_settled()
    till.stage.pass_time(600)
    assert len(till.links_there()) == 2
    assert outcome_of(made.delivery) == Delivery.Outcome.DONE
    till.follow(LINKS_OF_NOW)

    first, second = links_of(made)
    found = PayLink.objects.prefetch_related("links").get()
    assert found.canonical == first
    assert found.orphans == []
    # Neither is an alarm before money came by the one that nobody shows.
    till.pay(second.pk)
    till.follow(LINKS_OF_NOW)
    found = PayLink.objects.prefetch_related("links").get()
    assert [one.pk for one in found.orphans] == [second.pk]
    assert till.state(made) == LinkState.PAID
    told = AuditEntry.objects.get(action="paylink.orphan_paid")
    assert (told.subject, told.facts["link"]) == (made.subject, second.pk)
    # Once, however often it is read again.
    till.post()
    assert AuditEntry.objects.filter(action="paylink.orphan_paid").count() == 1


def test_an_amount_goes_to_cents_and_nothing_is_lost(till: Till) -> None:
    made = till.link(Decimal("154.97"))
    assert made.amount_words == "€ 154,97"
    till.stage.sweep()
    (there,) = till.links_there()
    assert there["invoiceAmount"] == 15497


def test_a_donor_is_only_seen_by_those_who_work_for_the_organisation(
    till: Till, dirk: User, payer: Person
) -> None:
    made = till.ready_link()
    AlphacommLinkFactory(pay_link__person=PersonFactory())
    assert list(PayLink.objects.visible_to(till.user)) == [made]
    assert not PayLink.objects.visible_to(dirk).exists()
    assert made.amount == EURO
