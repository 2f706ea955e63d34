"""Euros and cents: the same amount both ways, and no fraction of a cent in between."""

import ast
import inspect
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.alphacomm import client, codec, events, graphql, money, pages, rules, wire
from integrations.alphacomm.codec import MOST_CENTS
from integrations.alphacomm.money import NotWholeCents, cents, euros

# Every module that an amount comes through on its way to Alphacomm and back.
MONEY_PATHS: Final = (money, wire, codec, rules, graphql, pages, client, events)


def test_every_amount_up_to_a_thousand_euros_comes_back_as_it_left() -> None:
    for amount in range(100_001):
        there = euros(amount)
        assert cents(there) == amount
        assert str(there) == f"{amount // 100}.{amount % 100:02}"


@given(st.integers(-MOST_CENTS, MOST_CENTS))
def test_every_other_amount_as_well(amount: int) -> None:
    assert cents(euros(amount)) == amount


@given(st.decimals("-9999999.99", "9999999.99", places=2))
def test_euros_come_back_by_the_cent(amount: Decimal) -> None:
    assert euros(cents(amount)) == amount


@pytest.mark.parametrize("amount", ["10", "10.0", "10.00", "10.000", "1E1", "1000E-2"])
def test_ten_euros_are_a_thousand_cents_however_they_are_written(amount: str) -> None:
    assert cents(Decimal(amount)) == 1000
    assert str(euros(cents(Decimal(amount)))) == "10.00"


@pytest.mark.parametrize(
    "amount",
    ["0.001", "10.005", "1E-9999", "0.01" + "0" * 40 + "1", "NaN", "sNaN", "Infinity", "1E999999"],
)
def test_what_is_not_whole_cents_is_refused_and_never_rounded(amount: str) -> None:
    with pytest.raises(NotWholeCents, match=r"^An amount .*\.$"):
        cents(Decimal(amount))


def test_no_amount_is_too_large_to_be_one() -> None:
    with pytest.raises(NotWholeCents):
        euros(10**30)


def _fractions(source: str) -> Iterator[str]:
    """Every way into a float: its name, a literal, a division, and what yields one."""
    tree = ast.parse(source)
    seconds = {
        id(node.annotation)
        for node in ast.walk(tree)
        if isinstance(node, ast.arg) and node.arg.endswith("_seconds")
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in {"float", "round"} and id(node) not in seconds:
            yield f"line {node.lineno}: {node.id}"
        elif isinstance(node, ast.Constant) and isinstance(node.value, float):
            yield f"line {node.lineno}: {node.value}"
        elif isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div):
            # A path is joined with the same sign.
            if "alphacomm" not in ast.unparse(node):
                yield f"line {node.lineno}: a division"
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
            if {"math", "statistics", "fractions"} & set(names):
                yield f"line {node.lineno}: {names}"


@pytest.mark.parametrize("module", MONEY_PATHS, ids=lambda module: module.__name__)
def test_no_amount_meets_a_float(module: object) -> None:
    assert inspect.ismodule(module)
    assert list(_fractions(inspect.getsource(module))) == []


@pytest.mark.parametrize(
    "line", ["x = float(y)", "x = 0.5", "x = y / 100", "x /= 2", "round(x, 2)"]
)
def test_a_float_would_be_found(line: str) -> None:
    assert list(_fractions(line))


def test_no_module_of_the_client_is_left_out() -> None:
    folder = Path(inspect.getfile(money)).parent
    names = {file.stem for file in folder.glob("*.py")}
    read = {module.__name__.rsplit(".", 1)[1] for module in MONEY_PATHS}
    assert names - read == {"__init__", "drift", "values"}
