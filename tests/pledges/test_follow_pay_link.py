"""What becomes of a PayLink: told by webhooks and found by reading, in any order, and never
believed before it was read."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import translation
from msgspec import structs
from pytest_django import Settings

from accounts.models import AuditEntry, User
from integrations import clients, rounds
from integrations.models import Stream, WebhookEvent
from integrations.streams import Outcome
from pledges import payments
from pledges.following import ALL_LINKS, LINKS_OF_NOW
from pledges.models import AlphacommLink, MessageScript, PayLink, PaymentRules
from pledges.payments import LinkState
from pledges.sync import save_links
from tests.factories import AlphacommLinkFactory, PayLinkFactory, TextMessageFactory
from tests.pledges.paying import Till, links_of, outcome_of, paid_event

STATUS = AlphacommLink.Status


def link_id(pay_link: PayLink) -> str:
    (link,) = links_of(pay_link)
    return link.pk


class TestByWebhook:
    def test_opened_and_paid_while_still_talking(self, till: Till) -> None:
        made = till.ready_link()
        till.open(link_id(made))
        till.post()
        assert till.state(made) == LinkState.OPENED
        opened_at = till.stage.now

        till.pay(link_id(made))
        till.post()
        assert till.state(made) == LinkState.PAID
        (link,) = links_of(made)
        assert (link.visited_at, link.paid_at) == (opened_at, till.stage.now)
        assert link.amount_paid == 1000
        assert set(WebhookEvent.objects.values_list("state", flat=True)) == {"worked"}

    def test_a_forged_payment_pays_nothing(self, till: Till) -> None:
        made = till.ready_link()
        event = till.tell(paid_event(link_id(made)))
        till.work()
        event.refresh_from_db()
        assert event.state == WebhookEvent.State.WORKED
        assert till.state(made) == LinkState.READY
        assert links_of(made)[0].paid_at is None

    def test_a_payment_of_a_link_that_there_is_not_waits(self, till: Till) -> None:
        till.ready_link()
        event = till.tell(paid_event("a62c3726-d3b2-4b8c-8e4c-48ee0fd9451c"))
        till.work()
        event.refresh_from_db()
        assert (event.state, event.reason) == (WebhookEvent.State.WAITING, "not_known_here")
        assert not AlphacommLink.objects.filter(status=STATUS.PAID).exists()

    def test_an_event_may_come_before_the_answer_to_our_own_create(self, till: Till) -> None:
        made = till.link()
        till.stage.fault("reset_after", "create-pay-link", times=1)
        till.stage.sweep()
        assert links_of(made) == []
        (there,) = till.links_there()
        till.open(there["id"])
        till.pay(there["id"])
        till.post()

        # It carries our mark, so it is ours though nobody answered.
        assert till.state(made) == LinkState.PAID
        till.stage.sweep_until_settled()
        assert outcome_of(made.delivery) == "done"
        assert till.state(made) == LinkState.PAID
        assert len(links_of(made)) == 1

    def test_an_event_about_a_link_that_is_not_visible_yet_waits_for_it(self, till: Till) -> None:
        made = till.link()
        till.stage.sweep()
        there = link_id(made)
        AlphacommLink.objects.all().delete()
        till.open(there)
        till.stage.fault("read_lag", "pay-links", seconds=3600, times=1)
        till.post()
        assert WebhookEvent.objects.get().state == WebhookEvent.State.WAITING

        till.stage.pass_time(60)
        till.work()
        assert WebhookEvent.objects.get().state == WebhookEvent.State.WORKED
        assert till.state(made) == LinkState.OPENED

    def test_a_link_of_somebody_else_is_not_waited_for(self, till: Till) -> None:
        made = till.ready_link()
        there = link_id(made)
        AlphacommLink.objects.all().delete()
        PayLink.objects.all().delete()
        till.pay(there)
        till.post()
        assert WebhookEvent.objects.get().state == WebhookEvent.State.WORKED
        assert not AlphacommLink.objects.exists()

    def test_told_three_times_and_in_the_wrong_order_the_truth_remains(self, till: Till) -> None:
        made = till.ready_link()
        there = link_id(made)
        till.open(there)
        till.pay(there, "partially_paid", 400)
        till.pay(there)
        bodies = [event["body"] for event in till.stage.world.alphacomm.events]
        for body in [*reversed(bodies), *bodies, *bodies]:
            till.tell(body)
            till.work()
        assert till.state(made) == LinkState.PAID
        assert links_of(made)[0].amount_paid == 1000
        assert links_of(made)[0].visited_at is not None


class TestByReading:
    def test_what_the_webhook_missed_is_found_within_seconds(self, till: Till) -> None:
        made = till.ready_link()
        till.pay(link_id(made))
        till.lose_the_post()
        turn = till.follow(LINKS_OF_NOW)
        assert (turn.outcome, turn.records) == (Outcome.FINISHED, 1)
        assert till.state(made) == LinkState.PAID

    def test_all_links_of_now_are_one_request(self, till: Till) -> None:
        for _ in range(5):
            till.ready_link()
        before = len(till.stage.world.journal.requests)
        till.follow(LINKS_OF_NOW)
        (asked,) = list(till.stage.world.journal.requests)[before:]
        assert asked["operation"] == "pay-links"

    def test_without_links_of_now_nobody_is_asked(self, till: Till) -> None:
        made = till.ready_link()
        till.pay(link_id(made))
        till.follow(LINKS_OF_NOW)
        till.ready_link()
        till.stage.pass_time(21 * 60)
        before = len(till.stage.world.journal.requests)
        till.follow(LINKS_OF_NOW)
        assert len(till.stage.world.journal.requests) == before

    def test_an_older_link_that_is_opened_now_is_read_again_and_again(self, till: Till) -> None:
        made = till.ready_link()
        till.stage.pass_time(3600)
        till.open(link_id(made))
        till.post()
        till.pay(link_id(made))
        till.lose_the_post()
        till.follow(LINKS_OF_NOW)
        assert till.state(made) == LinkState.PAID

    def test_the_rest_is_read_every_ten_minutes_and_after_a_week_every_hour(
        self, till: Till
    ) -> None:
        made = till.ready_link()
        till.stage.pass_time(3600)

        def asks() -> int:
            before = len(till.stage.world.journal.requests)
            till.follow(ALL_LINKS)
            return len(till.stage.world.journal.requests) - before

        assert [asks(), asks()] == [1, 0]
        till.stage.pass_time(600)
        assert asks() == 1
        till.stage.pass_time(7 * 24 * 3600)
        assert asks() == 1
        till.stage.pass_time(600)
        assert asks() == 0
        till.stage.pass_time(3600)
        till.pay(link_id(made))
        assert asks() == 1
        assert till.state(made) == LinkState.PAID
        till.stage.pass_time(3600)
        assert asks() == 0

    def test_a_link_is_followed_for_a_day_after_its_end(self, till: Till) -> None:
        made = till.ready_link()
        till.stage.pass_time(15 * 24 * 3600)
        assert till.state(made) == LinkState.EXPIRED
        till.pay(link_id(made))
        till.lose_the_post()
        till.follow(ALL_LINKS)
        assert till.state(made) == LinkState.PAID

    def test_links_far_apart_are_read_in_windows_of_their_own_to_the_total(
        self, till: Till
    ) -> None:
        first = till.ready_link()
        till.stage.pass_time(3 * 24 * 3600)
        later = [till.ready_link() for _ in range(130)]
        till.stage.pass_time(3600)
        for made in (first, later[0], later[-1]):
            till.pay(link_id(made))
        before = len(till.stage.world.journal.requests)
        till.follow(ALL_LINKS)
        # One window of one page, and one of two pages.
        assert len(till.stage.world.journal.requests) - before == 3
        assert [till.state(made) for made in (first, later[0], later[1], later[-1])] == [
            LinkState.PAID,
            LinkState.PAID,
            LinkState.READY,
            LinkState.PAID,
        ]

    def test_many_that_were_never_seen_are_found_with_a_few_pages(self, till: Till) -> None:
        made = [till.ready_link() for _ in range(130)]
        AlphacommLink.objects.all().delete()
        till.stage.pass_time(3600)
        till.pay(till.links_there()[-1]["id"])
        before = len(till.stage.world.journal.requests)
        turn = till.follow(ALL_LINKS)
        assert len(till.stage.world.journal.requests) - before == 2
        assert turn.records == 130
        assert [till.state(one) for one in (made[0], made[-1])] == [LinkState.READY, LinkState.PAID]

    def test_a_single_one_is_asked_for_by_its_mark(self, till: Till) -> None:
        made = [till.ready_link() for _ in range(3)]
        AlphacommLink.objects.filter(pay_link=made[1]).delete()
        till.stage.pass_time(8 * 24 * 3600)
        PayLink.objects.exclude(pk=made[1].pk).update(read_at=till.stage.now)
        before = len(till.stage.world.journal.requests)
        till.follow(ALL_LINKS)
        asked = list(till.stage.world.journal.requests)[before:]
        # Under the name that it was given, and the one under which it comes back.
        assert len(asked) == 2
        assert till.state(made[1]) == LinkState.READY

    def test_links_of_texts_that_have_not_left_are_not_looked_for(
        self, till: Till, scripts: dict[str, MessageScript]
    ) -> None:
        for _ in range(3):
            PayLinkFactory(
                person=till.person,
                delivery=None,
                at=till.stage.now - timedelta(hours=2),
                visible_until=till.stage.now + timedelta(days=5),
                message=TextMessageFactory(
                    person=till.person, leaves_at=till.stage.now + timedelta(hours=3)
                ),
            )
        before = len(till.stage.world.journal.requests)
        till.follow(ALL_LINKS)
        assert len(till.stage.world.journal.requests) == before

    def test_an_other_side_that_is_away_is_no_answer(self, till: Till) -> None:
        made = till.ready_link()
        till.stage.fault("status", "pay-links", status=503, times=1)
        assert till.follow(LINKS_OF_NOW).outcome == Outcome.FAILED
        assert till.state(made) == LinkState.READY
        assert Stream.objects.get(feed="pay-links-now").account == "alphacomm"

    def test_without_alphacomm_nobody_has_a_turn(self, till: Till, settings: Settings) -> None:
        settings.ALPHACOMM_URL = ""
        assert rounds.go(LINKS_OF_NOW, clock=till.stage.clock) == []


class TestStates:
    def test_failed_then_started_then_paid_is_a_legal_story(self, till: Till) -> None:
        made = till.ready_link()
        there = link_id(made)
        seen = []
        for status in ("started", "failed", "started", "cancelled", "started", "paid"):
            till.pay(there, status)
            till.follow(LINKS_OF_NOW)
            seen.append(till.state(made))
        assert seen == [
            LinkState.STARTED,
            LinkState.FAILED,
            LinkState.STARTED,
            LinkState.CANCELLED,
            LinkState.STARTED,
            LinkState.PAID,
        ]

    def test_paid_is_final_however_new_another_word_is(self, till: Till) -> None:
        made = till.ready_link()
        record = clients.alphacomm().pay_link(id=link_id(made))
        assert record is not None
        till.pay(link_id(made))
        till.follow(LINKS_OF_NOW)
        late = structs.replace(record, status="failed", amount_paid=0, updated_on=till.stage.now)
        save_links([late], fetched_at=till.stage.now)
        (link,) = links_of(made)
        assert (link.status, link.amount_paid) == (STATUS.PAID, 1000)

    def test_what_is_older_takes_nothing_back_and_null_erases_nothing(self, till: Till) -> None:
        made = till.ready_link()
        record = clients.alphacomm().pay_link(id=link_id(made))
        assert record is not None
        till.pay(link_id(made), "started")
        till.follow(LINKS_OF_NOW)
        save_links([record], fetched_at=till.stage.now)
        assert till.state(made) == LinkState.STARTED
        bare = structs.replace(
            record, status=None, short_url=None, long_url=None, attributes=None, updated_on=None
        )
        save_links([bare], fetched_at=till.stage.now)
        (link,) = links_of(made)
        assert link.short_url
        assert link.attributes
        assert link.status == STATUS.STARTED

    def test_our_own_end_never_hides_money(self, till: Till) -> None:
        ends = till.stage.now
        for status, shown in (
            (STATUS.READY, LinkState.EXPIRED),
            (STATUS.FAILED, LinkState.EXPIRED),
            (STATUS.PARTIALLY_PAID, LinkState.PARTLY_PAID),
            (STATUS.PAID, LinkState.PAID),
        ):
            made = PayLinkFactory(visible_until=ends)
            AlphacommLinkFactory(pay_link=made, status=status)
            assert till.state(made) == shown

    def test_a_status_of_no_document_is_shown_as_it_is(self, till: Till) -> None:
        made = PayLinkFactory(visible_until=till.stage.now + till.stage.now.resolution)
        AlphacommLinkFactory(pay_link=made, status="reversed")
        found = payments.standing(made, at=till.stage.now)
        assert (found.state, found.words) == (LinkState.OTHER, "reversed")

    def test_each_state_has_words(self) -> None:
        with translation.override("en"):
            assert all(str(state.label) for state in LinkState)

    def test_paid_in_part_is_told_with_what_was_paid(self, till: Till) -> None:
        made = till.ready_link()
        till.pay(link_id(made), "partially_paid", 400)
        till.post()
        found = payments.with_links(PayLink.objects.all()).get()
        standing = payments.standing(found, at=till.stage.now)
        assert (standing.state, str(standing.paid)) == (LinkState.PARTLY_PAID, "4.00")
        assert PayLink.objects.unpaid().count() == 1


class TestAmounts:
    @pytest.fixture(autouse=True)
    def _unseen(self, till: Till) -> None:
        PaymentRules.objects.update(amounts_agreed_at=None)

    def test_a_link_that_is_paid_in_just_that_amount_proves_the_amounts(self, till: Till) -> None:
        made = till.ready_link()
        till.pay(link_id(made))
        till.follow(LINKS_OF_NOW)
        rules = PaymentRules.objects.get()
        assert (rules.amounts_agreed_at, rules.amounts_agreed_by) == (till.stage.now, None)

    def test_where_a_paid_link_shows_no_amount_the_event_does(self, till: Till) -> None:
        switches = till.stage.world.alphacomm.switches
        till.stage.world.alphacomm.switches = switches.changed({"paid_shows_amount": False})
        made = till.ready_link()
        till.pay(link_id(made))
        till.post()
        assert till.state(made) == LinkState.PAID
        assert PaymentRules.objects.get().amounts_agreed_at is not None

    def test_a_forged_event_proves_nothing(self, till: Till) -> None:
        made = till.ready_link()
        till.tell(paid_event(link_id(made)))
        till.work()
        assert PaymentRules.objects.get().amounts_agreed_at is None

    def test_another_amount_is_told_in_the_trail(self, till: Till) -> None:
        made = till.ready_link()
        PayLink.objects.update(amount="0.10")
        till.pay(link_id(made))
        till.follow(LINKS_OF_NOW)
        assert PaymentRules.objects.get().amounts_agreed_at is None
        told = AuditEntry.objects.get(action="paylink.amount_differs")
        assert (told.facts["asked"], told.facts["paid"]) == (10, 1000)


def test_a_link_by_text_is_followed_like_any_other(
    till: Till, scripts: dict[str, MessageScript], carol: User
) -> None:
    message = till.send(scripts["1001"], amount=Decimal("12.50"))
    made = message.pay_link
    till.stage.sweep_until_settled()
    assert till.state(made) == LinkState.MAKING
    till.stage.pass_time(60)
    (sent,) = till.messages_there()
    till.follow(LINKS_OF_NOW)
    assert till.state(made) == LinkState.READY
    assert link_id(made) == sent["link"]
    till.open(sent["link"])
    till.pay(sent["link"])
    till.post()
    assert till.state(made) == LinkState.PAID
    assert links_of(made)[0].visited_at is not None
