"""The overview of the admin: what people set, what came in, what was done here, what is kept."""

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig
from django.db.models import TextChoices
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _


class Part(TextChoices):
    """A part of the overview, in the order in which they stand there."""

    SET = "set", _("What people set")
    TOLD = "told", _("What TapRaise and Alphacomm tell")
    DONE = "done", _("What people here did")
    KEPT = "kept", _("What the machine keeps")

    @property
    def words(self) -> Any:
        """What one finds there, in a line."""
        return _WORDS[self]


_WORDS: dict[str, Any] = {
    Part.SET: _("Who works here, and by which rules, scripts and targets. Managers change it."),
    Part.TOLD: _("As they have it; it is changed there, and comes in by itself."),
    Part.DONE: _("A row for each deed, to look back at. Nobody changes it."),
    Part.KEPT: _("Messages to and fro and how they fare, for when something is stuck."),
}


class Overview(AdminSite):
    """Lists by what they are for; Django has them by the package that their code is in."""

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        packages = super().get_app_list(request, app_label)
        if app_label is not None:
            return packages
        lists = [one for package in packages for one in package["models"]]
        parts = []
        for part in Part:
            theirs = [one for one in lists if self._part_of(one["model"]) == part]
            if theirs:
                parts.append(
                    {
                        "name": part.label,
                        "app_label": part.value,
                        "words": part.words,
                        "models": sorted(theirs, key=lambda one: str(one["name"]).casefold()),
                    }
                )
        return parts

    def _part_of(self, model: Any) -> Part:
        return getattr(self._registry[model], "part", Part.DONE)


class OverviewConfig(AdminConfig):
    default_site = "accounts.admin_site.Overview"
