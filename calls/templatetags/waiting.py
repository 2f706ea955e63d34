"""How long something waits, in words."""

from datetime import datetime, timedelta

from django import template
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

register = template.Library()


@register.filter
def oldest_until(since: datetime, at: datetime) -> str:
    """How long the oldest of several things lies there at a moment."""
    if at - since < timedelta(minutes=1):
        return _("the oldest from just now")
    return _("the oldest for %(since)s") % {"since": timesince(since, at)}
