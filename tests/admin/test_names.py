"""The admin in Dutch: every name of a model, column, field and filter is in the words used here."""

from collections.abc import Iterator
from typing import Any, Final

import pytest
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets, label_for_field
from django.test import RequestFactory
from django.utils import translation

from accounts.models import User

pytestmark = pytest.mark.django_db

OURS: Final = {"accounts", "calls", "integrations", "pledges"}
# Compiled by `make setup`, and not committed.
DUTCH: Final = settings.BASE_DIR / "locale/nl/LC_MESSAGES/django.mo"
# What is the same in both languages.
SAME: Final = {
    "id", "uuid", "status", "score", "percentage", "e-mail", "postcode", "medium", "batch",
    "batches", "script", "filter", "record", "records", "paylink", "paylinks",
}  # fmt: skip


def names(reader: User) -> Iterator[tuple[str, str]]:
    """Where a name stands in the admin, and the name, in the language of the moment."""
    request = RequestFactory().get("/admin/")
    request.user = reader
    site: Any = admin.site
    for model, page in site._registry.items():
        if model._meta.app_label not in OURS:
            continue
        shown = [(model, page, {*page.get_list_display(request), *_fields(page, request)})]
        inlines = [inline(model, site) for inline in page.inlines]
        shown += [(inline.model, inline, _fields(inline, request)) for inline in inlines]
        for of, where, columns in shown:
            label = of._meta.label
            yield label, str(of._meta.verbose_name)
            yield f"{label}, many", str(of._meta.verbose_name_plural)
            for column in sorted(columns - {"__str__", "password1", "password2"}, key=_name):
                yield f"{label}.{_name(column)}", str(label_for_field(column, of, where))
        for one in page.get_list_filter(request):
            if isinstance(one, type):
                yield f"{model._meta.label}, filter", str(one.title)


def _name(column: Any) -> str:
    """A column is named, or worked out by a function of the list."""
    return column.__name__ if callable(column) else str(column)


def _fields(page: Any, request: Any) -> set[Any]:
    return set(flatten_fieldsets(page.get_fieldsets(request, None)))


@pytest.mark.skipif(not DUTCH.exists(), reason="No Dutch is compiled here: make setup.")
def test_no_name_is_left_in_english(carol: User) -> None:
    carol.role, carol.is_staff = User.Role.MANAGER, True
    with translation.override("en"):
        english = list(names(carol))
    with translation.override("nl"):
        dutch = list(names(carol))
    assert len(english) > 200
    left = {
        where: name
        for (where, name), (_where, words) in zip(english, dutch, strict=True)
        if name == words and name.lower() not in SAME
    }
    assert left == {}
