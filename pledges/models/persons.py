"""Donors, and what TapRaise's quality gates found about them."""

from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext

from integrations.encryption import EncryptedTextField
from pledges.models.organizations import Mirror, Organization


class KeyField(models.CharField):  # type: ignore[type-arg]
    """Text in the order of its bytes, so that one index finds what it begins with, in order.

    PostgreSQL else compares by the rules of a language, which no index of beginnings can serve.
    """

    def db_parameters(self, connection: Any) -> Any:
        parameters = super().db_parameters(connection)
        if connection.vendor == "postgresql":
            return {**parameters, "collation": "C"}
        return parameters


class PersonQuerySet(models.QuerySet["Person"]):
    def visible_to(self, user: Any) -> "PersonQuerySet":
        """The persons of the organisations that this user works for."""
        return self.filter(owning_organization__in=Organization.objects.of(user).values("pk"))


class Person(Mirror):
    """Somebody who pledged. TapRaise's own; what a donor corrects is kept elsewhere."""

    # What they are called by, for who reads many and needs no more of them.
    SPOKEN: ClassVar = (
        "gender",
        "academic_title",
        "initials",
        "first_name",
        "last_name_prefix",
        "last_name",
    )

    uuid = models.UUIDField(primary_key=True)
    academic_title = models.TextField(_("title"), null=True)
    initials = models.TextField(_("initials"), null=True)
    first_name = models.TextField(_("first name"), null=True)
    last_name_prefix = models.TextField(_("prefix"), null=True)
    last_name = models.TextField(_("last name"), null=True)
    date_of_birth = models.DateField(_("date of birth"), null=True)
    iban = EncryptedTextField(_("account number"), null=True)
    iban_hash = models.CharField(max_length=32, null=True, db_index=True, editable=False)
    street = models.TextField(_("street"), null=True)
    house_number = models.TextField(_("house number"), null=True)
    house_number_extension = models.TextField(_("extension"), null=True)
    zip_code = models.TextField(_("postcode"), null=True)
    city = models.TextField(_("city"), null=True)
    country = models.TextField(_("country"), null=True)
    # As received, and beside each the number in E.164 where it is one.
    phone_number = models.TextField(_("phone"), null=True)
    mobile_phone_number = models.TextField(_("mobile phone"), null=True)
    phone_e164 = models.CharField(
        _("phone number as it is dialled"), max_length=20, null=True, db_index=True, editable=False
    )
    mobile_e164 = models.CharField(
        _("mobile number as it is dialled"), max_length=20, null=True, db_index=True, editable=False
    )
    # For the search, see pledges/names.py: under which a name and a postcode are found.
    name_key = KeyField(max_length=60, null=True, editable=False)
    first_key = KeyField(max_length=60, null=True, editable=False)
    postcode_key = KeyField(max_length=60, null=True, editable=False)
    email = models.TextField(_("e-mail"), null=True)
    gender = models.TextField(_("gender"), null=True)
    # Null is neither yes nor no.
    opt_in_email = models.BooleanField(_("e-mail allowed"), null=True)
    opt_in_phone = models.BooleanField(_("phone allowed"), null=True)
    opt_in_mail = models.BooleanField(_("post allowed"), null=True)
    opt_in_sms = models.BooleanField(_("text allowed"), null=True)
    language = models.TextField(_("language"), null=True)
    mandate_created_at = models.DateTimeField(_("mandate of"), null=True)
    created_at = models.DateTimeField(_("created at"), null=True)
    owning_organization = models.ForeignKey(
        Organization,
        verbose_name=_("owning organisation"),
        null=True,
        on_delete=models.PROTECT,
        related_name="persons",
    )

    objects = PersonQuerySet.as_manager()

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("persons")
        indexes: ClassVar = [
            # All that a search by name looks at: of ten thousand people with one name it reads the
            # index alone.
            models.Index(
                fields=["name_key", "uuid", "first_key", "owning_organization"],
                name="person_by_whole_name",
            ),
            models.Index(fields=["postcode_key", "uuid"], name="person_by_postcode"),
        ]

    def __str__(self) -> str:
        return str(self.uuid)

    @property
    def surname(self) -> str:
        """The last name with its prefix: van der Berg."""
        return " ".join(part for part in (self.last_name_prefix, self.last_name) if part)

    @property
    def full_name(self) -> str:
        """Initials, or the first name, and the last name."""
        return " ".join(part for part in (self.initials or self.first_name, self.surname) if part)

    @property
    def form_of_address(self) -> str:
        """How to speak to this person: title and gender as far as TapRaise tells them."""
        word = {"female": _("Ms"), "male": _("Mr")}.get(self.gender or "", "")
        name = self.full_name or _("Name not known")
        return " ".join(str(part) for part in (word, self.academic_title, name) if part)

    @property
    def spoken_name(self) -> str:
        """As it is said in a sentence: mevrouw Van der Berg, but Jip van der Berg."""
        if not self.surname:
            return self.first_name or str(_("the donor"))
        words = {
            "female": pgettext("in a sentence", "Ms"),
            "male": pgettext("in a sentence", "Mr"),
        }
        if word := words.get(self.gender or ""):
            return f"{word} {self.surname[:1].upper()}{self.surname[1:]}"
        name = self.first_name or self.initials
        return f"{name} {self.surname}" if name else self.surname[:1].upper() + self.surname[1:]

    @property
    def has_account_number(self) -> bool:
        return self.iban_hash is not None

    @property
    def address_lines(self) -> list[str]:
        """Street and number, postcode and city, country unless it is the Netherlands."""
        number = " ".join(p for p in (self.house_number, self.house_number_extension) if p)
        lines = (
            " ".join(part for part in (self.street, number) if part),
            " ".join(part for part in (self.zip_code, self.city) if part),
            self.country if self.country not in (None, "NL") else "",
        )
        return [line for line in lines if line]

    @property
    def phone_keys(self) -> list[str]:
        """The person's numbers in E.164, mobile first, each once."""
        return list(dict.fromkeys(n for n in (self.mobile_e164, self.phone_e164) if n))


class QualityResult(Mirror):
    """What TapRaise's quality gates found about a person. No row: not made yet."""

    person = models.OneToOneField(
        Person,
        verbose_name=_("donor"),
        primary_key=True,
        on_delete=models.CASCADE,
        related_name="quality",
    )
    score = models.DecimalField(_("score"), max_digits=12, decimal_places=4, null=True)
    max_score = models.DecimalField(_("highest score"), max_digits=12, decimal_places=4, null=True)
    percentage = models.DecimalField(_("percentage"), max_digits=12, decimal_places=4, null=True)
    created_at = models.DateTimeField(_("made at"), null=True)
    # One object a gate: identifier, category, explanation, score, max_score. Its metadata is not
    # kept: it may speak of other people.
    gates = models.JSONField(_("gates"), default=list)

    class Meta:
        verbose_name = _("quality result")
        verbose_name_plural = _("quality results")

    def __str__(self) -> str:
        return "" if self.percentage is None else f"{self.percentage:.0f} %"
