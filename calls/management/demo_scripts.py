"""What agents of the demo say: a conversation as call centres in the Netherlands hold it, with what
is its own for each charity. Invented."""

from typing import Final

_CONVERSATION: Final = """\
# Begroeting
Goedendag, u spreekt met {{agent}} namens {{charity}}. Spreek ik met {{aanhef}}?

U hebt op {{recruited}} met een collega gesproken en u aangemeld als donateur. Dank u wel! {thanks}
? Komt het gelegen om uw gegevens kort door te nemen? Het duurt twee minuten.
- Ja
- Nu niet: Een ander moment
- Ik heb me bedacht: Bedenkingen

# Afspraak
U steunt {{charity}} met {{amount}} {{interval}}. De ingangsdatum is {{start}}.
? Klopt dat zo voor u?
- Ja
- Het bedrag is te hoog: Lager bedrag
- Nee, ik stop ermee: Bedenkingen

# Afsluiting
Hoe zeker bent u ervan dat u langer dan een jaar donateur blijft, op een schaal van 1 tot 10?

{result}

Mogen we u in de toekomst bellen? Dat kunt u altijd weer laten stoppen.

Hartelijk dank voor uw steun, {{aanhef}}, en nog een fijne dag.

# Een ander moment
Geen probleem. Wanneer schikt het u beter: overdag of 's avonds? Dan bellen we u terug.

# Lager bedrag
Dat begrijp ik. Elk bedrag helpt: {smaller}
? Wilt u met een lager bedrag doorgaan?
- Ja
- Nee: Bedenkingen

# Bedenkingen
Dat is uw goed recht. Mag ik vragen wat de reden is? Dan geef ik het door.

Er wordt niets van uw rekening afgeschreven.
"""

_OWN: Final = {
    "Stichting Helder Water": {
        "thanks": "Met uw hulp slaan we waterputten in dorpen waar nu geen schoon water is.",
        "result": "Twee keer per jaar leest u in onze nieuwsbrief welke put er is geslagen.",
        "smaller": "met € 5 per maand krijgt één gezin een jaar lang schoon water.",
    },
    "Dierenhulp Noord": {
        "thanks": "Dankzij u kan onze ambulance dag en nacht uitrijden voor gewonde dieren.",
        "result": "Elk kwartaal sturen we u het verhaal van een dier dat is opgevangen.",
        "smaller": "met € 4 per maand betaalt u de zorg voor één egel per winter.",
    },
    "De Leesbus": {
        "thanks": "Door u rijdt de Leesbus langs kinderen die thuis geen boeken hebben.",
        "result": "Eind van het jaar hoort u hoeveel kinderen er in de bus kwamen lezen.",
        "smaller": "met € 3 per maand krijgt één kind elke maand een nieuw boek te leen.",
    },
    "Zorghuis Één Dak": {
        "thanks": "Met uw steun vinden gezinnen een bed dicht bij hun kind in het ziekenhuis.",
        "result": "In het voorjaar nodigen we u uit om het huis te komen bekijken.",
        "smaller": "met € 5 per maand helpt u een gezin aan een nacht onder ons dak.",
    },
}


def script_of(charity: str) -> str:
    """What is said for this charity of the demo."""
    return _CONVERSATION.format(**_OWN[charity])
