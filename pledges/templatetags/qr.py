"""An address as a QR code: `{{ address|qr }}`."""

import segno
from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

register = template.Library()

# The white around it, in squares: without it phones do not find the code.
QUIET = 4


@register.filter
def qr(address: str) -> SafeString:
    """Inline SVG of attributes alone, as the content security policy wants it."""
    code = segno.make(address, error="m", micro=False)
    side = code.symbol_size(border=QUIET)[0]
    squares = "".join(
        f"M{x + QUIET} {y + QUIET}h1v1h-1z"
        for y, row in enumerate(code.matrix)
        for x, is_dark in enumerate(row)
        if is_dark
    )
    return format_html(
        '<svg class="qr" viewBox="0 0 {0} {0}" role="img" aria-label="{1}" '
        'shape-rendering="crispEdges"><rect width="{0}" height="{0}" fill="#fff"/>'
        '<path d="{2}" fill="#000"/></svg>',
        side,
        _("QR code of %(address)s") % {"address": address},
        squares,
    )
