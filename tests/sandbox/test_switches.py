"""Every switch of the sandbox is one: its code asks it, and a story turns it the other way.

What turning it does is asserted by that story; here it is only made sure that there is one, and
that it can matter.
"""

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

from integrations.sandbox.alphacomm.switches import AlphacommSwitches
from integrations.sandbox.switches import Switches

ROOT: Final = Path(__file__).parent.parent.parent
DEFAULTS: Final = {
    field.name: field.default for kind in (Switches, AlphacommSwitches) for field in fields(kind)
}


def _trees(folder: str) -> Iterator[ast.AST]:
    for path in sorted((ROOT / folder).rglob("*.py")):
        if path.name != "switches.py":
            yield ast.parse(path.read_text("utf-8"))


@cache
def asked() -> frozenset[str]:
    """What the sandbox reads of its switches."""
    found = set()
    for tree in _trees("integrations/sandbox"):
        for node in ast.walk(tree):
            is_read = isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)
            if is_read and ast.unparse(node.value).endswith("switches"):
                found.add(node.attr)
    return frozenset(found)


@cache
def turned() -> dict[str, list[Any]]:
    """To what the stories set each: values as they stand there, or the words of an expression."""
    found = defaultdict(list)
    for tree in _trees("tests"):
        for node in ast.walk(tree):
            if isinstance(node, ast.keyword) and node.arg in DEFAULTS:
                found[node.arg].append(_value(node.value))
            elif isinstance(node, ast.Dict):
                for key, value in zip(node.keys, node.values, strict=True):
                    if isinstance(key, ast.Constant) and key.value in DEFAULTS:
                        found[key.value].append(_value(value))
    return found


def _value(node: ast.expr) -> Any:
    return node.value if isinstance(node, ast.Constant) else ast.unparse(node)


@pytest.mark.parametrize("name", DEFAULTS)
def test_the_sandbox_asks_it(name: str) -> None:
    assert name in asked()


@pytest.mark.parametrize("name", DEFAULTS)
def test_a_story_turns_it_the_other_way(name: str) -> None:
    assert [value for value in turned()[name] if value != DEFAULTS[name]] != []
