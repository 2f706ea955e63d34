"""Where an event of Alphacomm's leads: to the PayLink and the call that it speaks of. Found by name
in settings.EVENT_LEADS, for the page of the inbox knows nothing of either."""

from collections.abc import Mapping, Sequence

from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import User
from integrations.inbox_page import Lead
from integrations.models import WebhookEvent
from pledges.follow_up import visible_calls
from pledges.models import AlphacommLink, TextMessage


class Leads:
    """What pages there are of what events speak of; see `integrations.inbox_page.Domain`."""

    def ids_of(self, reference: str, *, user: User) -> Sequence[str]:
        """What Alphacomm calls the PayLinks that we know by a reference of our own."""
        links = AlphacommLink.objects.visible_to(user)
        return list(
            links.filter(pay_link__invoice_reference=reference).values_list("pk", flat=True)
        )

    def leads(self, events: Sequence[WebhookEvent], *, user: User) -> Mapping[int, list[Lead]]:
        """By event, as far as this user may see it: three questions, however many events."""
        ids = [event.service_id for event in events if event.service_id]
        links = AlphacommLink.objects.visible_to(user).filter(pk__in=ids)
        pay_links = {one.pk: one.pay_link for one in links.select_related("pay_link")}
        references = [event.reference for event in events if event.reference]
        texts = TextMessage.objects.visible_to(user).filter(reference__in=references)
        calls_of_texts = dict(texts.values_list("reference", "call_uuid"))
        called = {one.call_uuid for one in pay_links.values()} | set(calls_of_texts.values())
        visible = visible_calls({uuid for uuid in called if uuid is not None}, user)
        found: dict[int, list[Lead]] = {}
        for event in events:
            pay_link = pay_links.get(event.service_id)
            call = pay_link.call_uuid if pay_link else calls_of_texts.get(event.reference)
            leads = found.setdefault(event.pk, [])
            if pay_link is not None:
                leads.append(Lead(reverse("pay_link", args=[pay_link.pk]), _("To the PayLink")))
            if call in visible:
                leads.append(Lead(reverse("desk", args=[call]), _("To the call")))
        return found


leads = Leads()
