"""Parts of pages that are written once for what they say."""

from collections.abc import Hashable
from typing import Final

from django import template
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from accounts.kept import Kept

register = template.Library()

# A floor of fifty, in two languages, with all that changes of it in five minutes.
_WRITTEN: Final = Kept[SafeString](most=2000, seconds=300)


@register.simple_tag
def part(name: str, said: Hashable) -> SafeString:
    """A template that needs nothing but one value, as `said`: of equal ones it says the same."""
    return _WRITTEN.get(
        (name, get_language(), said), lambda: render_to_string(name, {"said": said})
    )
