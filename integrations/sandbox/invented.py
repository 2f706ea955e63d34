"""Invented people: the pools that donors are drawn from, and numbers that pass their own checks.

Nobody here exists. Phone numbers have two or three zeros where a subscriber's number begins and
account numbers a zero-padded middle, so that a stray one is recognised at a glance.
"""

import unicodedata
from random import Random
from typing import Final

FIRST_NAMES: Final = {
    "female": (
        "Anna", "Sanne", "Noor", "Fenna", "Jildou", "Sietske", "Zoë", "Chloé", "Renée", "Elif",
        "Ayşe", "Agnieszka", "Małgorzata", "Fatima", "Inês", "Begoña", "Marijke", "Truus", "Lotte",
        "Wietske", "Noëlle", "Hülya", "Soraya", "Mei",
    ),
    "male": (
        "Jan", "Pieter", "Sjoerd", "Wybren", "Tjitte", "Daniël", "Raphaël", "André", "Mehmet",
        "Özgür", "Paweł", "Łukasz", "Youssef", "João", "Íñigo", "Kees", "Gijs", "Bram", "Thijs",
        "Hidde", "Anatolij", "Søren", "Ömer", "Ruben",
    ),
    "other": ("Robin", "Sam", "Jip", "Noa", "Charlie", "Mika"),
}  # fmt: skip
LAST_NAMES: Final = (
    ("de", "Vries"), ("de", "Boer"), ("van", "Dijk"), ("van der", "Meer"), ("van den", "Berg"),
    ("ter", "Braak"), ("'t", "Hoen"), ("van 't", "Hek"), ("in 't", "Veld"), ("ten", "Cate"),
    ("op den", "Kelder"), ("von", "Grünau"), (None, "Jansen"), (None, "Dijkstra"),
    (None, "Hoekstra"), (None, "Sjûkema"), (None, "Bûterblom"), (None, "Yılmaz"),
    (None, "Öztürk"), (None, "Kowalski"), (None, "Wójcik"), (None, "Núñez"), (None, "Conceição"),
    (None, "Bouâzza"), (None, "Ekdom-Lefèbvre"), (None, "Smit"), (None, "Mulder"), ("la", "Fère"),
)  # fmt: skip
TITLES: Final = ("drs.", "dr.", "ir.", "mr.", "prof. dr.")
STREETS: Final = (
    "Zonnebloemhof", "Lange Waterdreef", "Kerkepad", "Nieuwe Molenstraat", "Fluitekruidlaan",
    "'t Hoge Eind", "Brêgeleane", "Oude Turfkade", "Curaçaoplein", "Generaal Vos-singel",
    "Plein 1813", "2e Lindedwarsstraat", "Burgemeester Van Aspernlaan", "Skûlenboarch",
)  # fmt: skip
# A city with the four digits of one of its postcodes.
CITIES: Final = (
    ("Utrecht", 3511), ("Amsterdam", 1012), ("Groningen", 9711), ("'s-Hertogenbosch", 5211),
    ("Leeuwarden", 8911), ("Enschede", 7511), ("Middelburg", 4331), ("Súdwest-Fryslân", 8601),
    ("Den Haag", 2511), ("Eindhoven", 5611), ("Zwolle", 8011), ("Maastricht", 6211),
)  # fmt: skip
AREA_CODES: Final = ("010", "020", "024", "030", "038", "040", "050", "058", "070", "073")
BANKS: Final = ("ABNA", "INGB", "RABO", "TRIO", "SNSB", "ASNB", "BUNQ", "KNAB", "RBRB")
LOCATIONS: Final = (
    "Utrecht Centraal", "Markt Delft", "Winkelcentrum Noord", "Festival De Weide", "Haarlem-Oost",
)  # fmt: skip
REQUEST_NOTES: Final = (
    "Graag na 18:00 bellen.",
    "Mevrouw is slechthorend, rustig spreken a.u.b.",
    "Vroeg bij de werving om een lager bedrag.",
    "Spreekt liever Engels.",
    "Hond blaft – tweemaal laten overgaan! ☎",
)
RESULT_NOTES: Final = (
    "Gegevens kloppen, donateur is enthousiast.",
    "Bedrag verlaagd op verzoek.",
    "Wil toch per kwartaal betalen; akkoord.",
    "Ziet ervan af: kan het nu niet missen.",
    "Partner nam op en gaf de telefoon door.\nAlles nagelopen.",
)


def iban(random: Random) -> str:
    """A Dutch account number with right check digits."""
    bank, account = random.choice(BANKS), f"000{random.randrange(10**7):07d}"
    return f"NL{_check_digits('NL', bank + account)}{bank}{account}"


def foreign_iban(random: Random) -> str:
    """A Belgian account number with right check digits, its national ones included."""
    number = 539_000_0000 + random.randrange(10**6)
    account = f"{number:010d}{number % 97 or 97:02d}"
    return f"BE{_check_digits('BE', account)}{account}"


def broken_iban(random: Random) -> str:
    """An account number that fails its check."""
    right = iban(random)
    return f"{right[:2]}{(int(right[2:4]) + 1) % 97:02d}{right[4:]}"


def _check_digits(country: str, account: str) -> str:
    digits = "".join(str(int(character, 36)) for character in account + country + "00")
    return f"{98 - int(digits) % 97:02d}"


def mobile(person: int) -> str:
    """The national digits of a mobile number; no two of the first 600,000 persons share one."""
    scattered = person * 7919 % 600_000
    return f"06{'123458'[scattered % 6]}00{scattered // 6:05d}"


def landline(person: int) -> str:
    """The same of a landline, for the first 100,000 persons."""
    scattered = person * 7919 % 100_000
    return f"{AREA_CODES[scattered % 10]}000{scattered // 10:04d}"


def spelled(random: Random, national: str) -> str:
    """A phone number as somebody might have typed it."""
    length = 2 if national[1] == "6" else 3
    area, rest = national[:length], national[length:]
    spelling = random.randrange(7)
    if spelling == 0:
        return f"{area}-{rest}"
    if spelling == 1:
        return f"+31 {area[1:]} {rest[:4]} {rest[4:]}"
    if spelling == 2:
        return f"0031{national[1:]}"
    if spelling == 3:
        return f"+31{national[1:]}"
    if spelling == 4:
        return f"{area} {rest[:3]} {rest[3:5]} {rest[5:]}"
    if spelling == 5:
        return f"+31(0){area[1:]}-{rest}"
    return national


def email_name(first: str, last: str) -> str:
    """What stands before the @: lower case letters without accents."""
    plain = unicodedata.normalize("NFKD", f"{first}.{last}".lower())
    return "".join(letter for letter in plain if letter.isascii() and letter not in " '")


def postcode(random: Random, digits: int) -> str:
    letters = random.choice("ABCDEGHJKLMNPRTVWXZ") + random.choice("ABCDEGHJKLMNPRTVWXZ")
    return f"{digits + random.randrange(60)}{random.choice((' ', ''))}{letters}"
