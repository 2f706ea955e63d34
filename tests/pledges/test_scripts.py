"""What a script can ask for, and the ones of the demo, held against the client and the sandbox."""

import re

import msgspec
import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from calls.management.commands.demo import SCRIPTS
from integrations.alphacomm.wire import RowInput
from integrations.sandbox.alphacomm.scripts import SEEDED
from pledges.models import Medium, MessageScript, Organization, RowField
from tests.factories import MessageScriptFactory, PaymentRulesFactory, PersonFactory


def test_a_script_can_ask_for_every_field_of_a_row() -> None:
    of_rows = {field.name for field in msgspec.structs.fields(RowInput)}
    assert set(RowField.values) == of_rows - {"reference", "script"}


def test_the_demos_scripts_are_those_of_the_sandbox() -> None:
    def snake(name: str) -> str:
        return re.sub(r"[A-Z]", lambda letter: f"_{letter[0].lower()}", name)

    ours = {
        one.script_id: (one.medium.value, one.carries.value, set(one.required_fields))
        for one in SCRIPTS
    }
    theirs = {
        one["id"]: (one["medium"], one["carries"], {snake(name) for name in one["required"]})
        for one in SEEDED
    }
    assert ours == theirs


@pytest.mark.parametrize(
    "fields",
    [["firstName"], ["to_phone_numbers", "to_phone_numbers"], "to_phone_numbers", [1], {"a": "b"}],
)
def test_what_no_row_has_cannot_be_asked_for(fields: object, helder_water: Organization) -> None:
    script = MessageScriptFactory.build(organization=helder_water, required_fields=fields)
    with pytest.raises(ValidationError) as refused:
        script.full_clean()
    assert set(refused.value.message_dict) == {"required_fields"}


@pytest.mark.parametrize("times", [["9:30"], ["24:00"], ["10:00", "09:00"], ["09:00"] * 2, "09:00"])
def test_times_are_times_of_day_in_order(times: object, helder_water: Organization) -> None:
    rules = PaymentRulesFactory.build(organization=helder_water, import_times=times)
    with pytest.raises(ValidationError) as refused:
        rules.full_clean()
    assert set(refused.value.message_dict) == {"import_times"}


def test_the_database_keeps_to_the_rules_too(helder_water: Organization) -> None:
    MessageScriptFactory(organization=helder_water, script_id="1001")
    for columns in (
        {"script_id": "1001"},
        {"script_id": "a1", "medium": Medium.VOICE},
        {"medium": "fax"},
        {"carries": "money"},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            MessageScriptFactory(organization=helder_water, **columns)
    for columns in (
        {"smallest_amount": 0},
        {"smallest_amount": 20, "largest_amount": 10},
        {"days_visible": 0},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            PaymentRulesFactory(organization=PersonFactory().owning_organization, **columns)
    assert MessageScript.objects.count() == 1
