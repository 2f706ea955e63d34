"""Under what a donor is found: the same key from what TapRaise tells and from what people type."""

import importlib
import pkgutil

import pytest
from django.apps import apps

from pledges import migrations
from pledges.models import Person
from pledges.names import first_key, name_key, postcode_key, read_name, read_postcode
from tests.factories import PersonFactory


@pytest.mark.parametrize(
    ("last_name", "prefix", "key"),
    [
        ("Berg", "van den", "berg vanden"),
        ("van den Berg", None, "berg vanden"),
        ("VAN DEN BERG", "", "berg vanden"),
        ("Bérg-Jansen", None, "bergjansen"),
        ("'t Hart", None, "hart t"),
        ("Hart", "'t", "hart t"),
        ("d'Hondt", None, "dhondt"),
        ("Øllgaard", None, "ollgaard"),
        ("Straße", None, "strasse"),
        ("De", None, "de"),
        ("Иванов", None, "иванов"),
        ("", "van", None),
        (None, None, None),
        ("---", None, None),
    ],
)
def test_a_name_has_one_key(last_name: str | None, prefix: str | None, key: str | None) -> None:
    assert name_key(last_name, prefix) == key


@pytest.mark.parametrize(
    ("first_name", "initials", "key"),
    [
        ("Zoë", "Z.A.", "zoe za"),
        ("Anne-Marie", None, "annemarie"),
        (None, "J.", " j"),
        ("", "", None),
        ("-", None, None),
    ],
)
def test_a_first_name_has_one_key(
    first_name: str | None, initials: str | None, key: str | None
) -> None:
    assert first_key(first_name, initials) == key


def test_a_very_long_name_still_fits() -> None:
    assert len(first_key("x" * 500, "F.") or "") == 52
    assert len(name_key("x" * 500, "van der") or "") == 60
    assert len(read_name("x" * 90)[0].last) == 60


def test_what_is_typed_may_begin_with_a_first_name_or_initials() -> None:
    whole, with_first = read_name("T. de Vries")

    assert (whole.last, whole.prefix) == ("tdevries", "")
    assert (with_first.last, with_first.prefix, with_first.first) == ("vries", "de", "t")


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("1234AB", ("1234AB", "")),
        (" 1234 ab ", ("1234AB", "")),
        ("1234 AB 12", ("1234AB", "12")),
        ("1234AB, 12-bis", ("1234AB", "12")),
        ("1234", None),
        ("1234 ABC", None),
        ("12345 AB", None),
    ],
)
def test_a_postcode_is_read_with_its_house_number(typed: str, read: tuple[str, str] | None) -> None:
    assert read_postcode(typed) == read


def test_a_postcode_has_one_key() -> None:
    assert {postcode_key(one) for one in ("1234 AB", "1234ab", "1234-AB")} == {"1234AB"}
    assert postcode_key("") is None


@pytest.mark.django_db
def test_who_was_here_before_is_found_too() -> None:
    before = PersonFactory(
        first_name="Zoë", initials="Z.", last_name="Vóór", last_name_prefix="de", zip_code="1234 AB"
    )
    Person.objects.update(name_key=None, first_key=None, postcode_key=None)

    modules = [one.name for one in pkgutil.iter_modules(migrations.__path__)]
    for end in ("_search", "_first_names"):
        name = next(one for one in modules if one.endswith(end))
        importlib.import_module(f"pledges.migrations.{name}").fill(apps, None)

    before.refresh_from_db()
    found = (before.name_key, before.first_key, before.postcode_key)
    assert found == ("voor de", "zoe z", "1234AB")
