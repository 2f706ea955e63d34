"""Lays the pictures of `make pictures` side by side, a state a row: index.html in their folder.

python tests/browser/contact_sheet.py screenshots
"""

import re
import sys
from html import escape
from pathlib import Path

NAME = re.compile(r"(?P<state>.+)-(?P<language>nl|en)-(?P<scheme>light|dark)-(?P<size>wide|narrow)")
PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Belbord: {states} states</title>
<style>
  body {{ font: 14px/1.4 system-ui; margin: 24px; background: #ddd; }}
  section {{ margin-block: 32px; }}
  h2 {{ font-size: 16px; }}
  div {{ display: flex; flex-wrap: wrap; gap: 12px; align-items: start; }}
  figure {{ margin: 0; }}
  img {{ display: block; inline-size: 460px; max-block-size: 900px; object-fit: cover;
    object-position: top; }}
  .narrow img {{ inline-size: 180px; }}
</style>
<h1>{states} states, {pictures} pictures</h1>
{sections}
</html>
"""


def main(folder: Path) -> None:
    states: dict[str, list[tuple[str, str, str, str]]] = {}
    for path in folder.glob("*.png"):
        if found := NAME.fullmatch(path.stem):
            one = (found["size"], found["language"], found["scheme"], path.name)
            states.setdefault(found["state"], []).append(one)
    page = PAGE.format(
        states=len(states),
        pictures=sum(map(len, states.values())),
        sections="\n".join(_section(state, states[state]) for state in sorted(states)),
    )
    sheet = folder / "index.html"
    sheet.write_text(page)
    print(sheet)


def _section(state: str, pictures: list[tuple[str, str, str, str]]) -> str:
    # Dutch before English, light before dark, wide before narrow.
    pictures.sort(reverse=True)
    figures = "".join(
        f'<figure class="{size}"><a href="{escape(name)}">'
        f'<img loading="lazy" src="{escape(name)}" alt="{escape(name)}"></a>'
        f"<figcaption>{language}, {scheme}</figcaption></figure>"
        for size, language, scheme, name in pictures
    )
    return f'<section id="{escape(state)}"><h2>{escape(state)}</h2><div>{figures}</div></section>'


if __name__ == "__main__":
    main(Path(sys.argv[1]))
