"""Names and postcodes in the one spelling by which they can be looked up.

Accents, capitals, spaces and dashes count for nothing, and neither does where somebody wrote the
prefix: Van der Berg is found under berg.
"""

import re
import unicodedata
from dataclasses import dataclass

PREFIXES = frozenset(
    {
        *("aan", "bij", "da", "de", "del", "den", "der", "di", "die", "dos", "du", "el", "en"),
        *("het", "in", "la", "le", "les", "of", "onder", "op", "over", "t", "te", "ten", "ter"),
        *("tot", "uit", "van", "vd", "ver", "voor", "von", "vor", "zu", "zum", "zur"),
    }
)
# No mark on a letter, but a letter of its own.
_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"}
)
_POSTCODE = re.compile(r"\s*(\d{4})\s?([a-z]{2})(?:[\s,.-]+(\d+).*|)\s*", re.IGNORECASE | re.ASCII)
LONGEST = 60


@dataclass(frozen=True)
class TypedName:
    """What somebody wrote for a name, in folded words: `last` is one, all its parts together."""

    last: str
    prefix: str
    first: str


def words_of(text: str) -> list[str]:
    """The words of a text in small letters without marks; what is neither letter nor digit parts
    them."""
    plain = unicodedata.normalize("NFKD", text.casefold()).translate(_LETTERS)
    kept = (c for c in plain if not unicodedata.combining(c))
    return "".join(c if c.isalnum() else " " for c in kept).split()


def name_key(last_name: str | None, prefix: str | None = None) -> str | None:
    """Under what a last name is kept: its own words in one, and after a space the prefix in one,
    wherever that was written: `bergjansen vander` for Van der Bérg-Jansen."""
    before, own = _parted(words_of(last_name or ""))
    if not own:
        return None
    key = " ".join(("".join(own), "".join([*words_of(prefix or ""), *before]))).strip()
    return key[:LONGEST]


def first_key(first_name: str | None, initials: str | None = None) -> str | None:
    """Under what a first name is told apart from others with one last name: its words in one, and
    after a space the initials: `zoe z` for Zoë, Z."""
    name, letters = ("".join(words_of(one or "")) for one in (first_name, initials))
    return f"{name[: LONGEST - 10]} {letters}".rstrip()[:LONGEST] or None


def read_name(text: str) -> list[TypedName]:
    """What the words of a name may mean: all of it the last name; or the first word a first name
    or initials."""
    words = words_of(text)
    ways = []
    for first in ("", *words[:-1][:1]):
        before, own = _parted(words[1:] if first else words)
        ways.append(TypedName("".join(own)[:LONGEST], "".join(before), first))
    return ways


def postcode_key(zip_code: str | None) -> str | None:
    """Capitals and digits, no spaces: 1234AB."""
    return "".join(words_of(zip_code or "")).upper()[:LONGEST] or None


def read_postcode(text: str) -> tuple[str, str] | None:
    """A Dutch postcode as it is kept, and the house number written behind it, or an empty one."""
    found = _POSTCODE.fullmatch(text)
    return (f"{found[1]}{found[2].upper()}", found[3] or "") if found else None


def _parted(words: list[str]) -> tuple[list[str], list[str]]:
    """The prefixes in front, and the rest; a name of prefixes alone keeps its last word."""
    if len(words) > 2 and words[0] == "t" and words[1] in PREFIXES:
        # T. de Vries, unlike 't Hart.
        return [], words
    count = 0
    while count < len(words) - 1 and words[count] in PREFIXES:
        count += 1
    return words[:count], words[count:]
