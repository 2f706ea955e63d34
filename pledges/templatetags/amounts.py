"""How amounts are written on every page."""

from decimal import Decimal

from django import template

from pledges.models import in_euros

register = template.Library()


@register.filter
def euros(amount: Decimal | None) -> str:
    return in_euros(amount)
