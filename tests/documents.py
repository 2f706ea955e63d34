"""How the tests read a page of docs/: its chapters, tables and the names in them."""

import ast
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Final

from django.apps import apps

ROOT: Final = Path(__file__).resolve().parent.parent
DOCS: Final = ROOT / "docs"


def chapters(page: str) -> dict[str, str]:
    """The parts of a page of docs/ by their headings of the second level."""
    return _parts("##", (DOCS / page).read_text(encoding="utf-8"))


def sections(text: str) -> dict[str, str]:
    """The parts of a chapter by their headings of the third level."""
    return _parts("###", text)


def _parts(level: str, text: str) -> dict[str, str]:
    parts = re.split(rf"^{level} (.*)\n", text, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def rows(text: str) -> list[list[str]]:
    """The cells of the tables in a text, without heads and rules."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    is_rule = [set("".join(row)) <= {"-", " "} for row in cells]
    # A head stands right before its rule.
    heads = {place - 1 for place, rule in enumerate(is_rule) if rule}
    return [row for place, row in enumerate(cells) if not is_rule[place] and place not in heads]


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


@cache
def stories_in(module: str) -> frozenset[str]:
    """The tests of a module, those of a class under its name."""
    path = (ROOT / "tests").joinpath(*module.split(".")).with_suffix(".py")
    if not path.is_file():
        return frozenset()
    return frozenset(_stories(ast.parse(path.read_text(encoding="utf-8"))))


def _stories(tree: ast.Module | ast.ClassDef, within: str = "") -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield f"{within}{node.name}"
        elif isinstance(node, ast.ClassDef):
            yield from _stories(node, f"{node.name}::")


def unknown_tests(named: Iterable[str]) -> list[str]:
    """Those of `module.file::test` that are no test."""
    found = []
    for test in named:
        module, _, name = test.partition("::")
        if name not in stories_in(module):
            found.append(test)
    return found


def columns(tables: Iterable[str]) -> list[str]:
    """The `Model.field` that stand beside the first column of these tables."""
    cells = (" ".join(row[1:]) for text in tables for row in rows(text))
    return [name for cell in cells for name in names(cell) if "." in name]


def unknown_columns(named: Iterable[str]) -> list[str]:
    models = {model.__name__: model for model in apps.get_models()}
    found = []
    for column in named:
        model, _, field = column.partition(".")
        known = {one.name for one in models[model]._meta.get_fields()} if model in models else set()
        if field not in known:
            found.append(column)
    return found


def without_a_reason(tables: Iterable[str]) -> list[list[str]]:
    """What is not kept, and does not say why."""
    return [row for text in tables for row in rows(text) if row[1] == "–" and not row[2]]


def without_a_check(silent: Iterable[list[str]]) -> list[str]:
    """The silent points that lack an assumption or a way to find out."""
    return [row[0] for row in silent if len(row) != 4 or not all(row)]
