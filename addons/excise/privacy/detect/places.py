"""
Where somebody is: coordinates, postcodes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from excise.privacy.detect.detector import Detector, Finding
from excise.privacy.detect.labelled import Labelled


def _on_earth(latitude: str, longitude: str) -> bool:
    north, east = abs(float(latitude)), abs(float(longitude))
    return north <= 90 and east <= 180 and north > 0.01 and east > 0.01


class Coordinates:
    """
    Two numbers with at least four decimals and a comma between them, that are nothing longer: rows of numbers are vectors.
    """

    name = "coordinates"
    entities = ("LOCATION",)
    keywords: tuple[str, ...] = ()
    hits: tuple[str | tuple[str, str], ...] = (
        ("at 48.85837, 2.294481 now", "48.85837, 2.294481"),
        ("(-33.8568,151.2153)", "-33.8568,151.2153"),
        ("48.8584° N, 2.2945° E", "48.8584° N, 2.2945° E"),
        ("geo:37.786971,-122.399677", "37.786971,-122.399677"),
    )
    misses: tuple[str, ...] = (
        "0.1234, 0.5678, 0.9012",
        "[48.85837, 2.294481, 3.1]",
        "98.1234, 200.1234",
        "1.5, 2.5",
        "0.0012,0.0034",
        "0.5234, 0.1234",
        "l -3.230469 3.640625",
        "M 13.2304,43.6406 z",
    )
    # From the decimals: a dot is found faster than any digit.
    _PAIR = re.compile(
        r"\.[0-9]{4,15}(?P<north> ?°? ?[NS]?)(?P<comma>, {0,2}|[ /;]{1,2})(?P<second>[+-]?1?[0-9]{1,2}\.[0-9]{4,15})(?: ?°?"
        r" ?[EW](?![A-Za-z]))?°?(?![0-9A-Za-z.])"
        r"(?P<row>(?:[ ]{0,2}[,;]?[\s\[\]]{0,12}[+-]?[0-9][0-9.eE+-]{0,30})*+)"
    )
    _FIRST = re.compile(r"(?<![0-9A-Za-z_.])[+-]?[0-9]{1,2}$")
    _PATH = re.compile(r"(?<![A-Za-z])[mlhvcsqtazMLHVCSQTAZ] ?$|(?:translate|scale|rotate|matrix|skew|origin)[A-Za-z]{0,2}\($")
    _ROW_BEFORE = re.compile(r"[0-9][0-9eE.+-]{0,24}[\]\[ ,;\n\t]{1,12}[+-]?$")

    def find(self, text: str, places: Sequence[int]) -> Iterator[Finding]:
        for found in self._PAIR.finditer(text):
            if found["row"].count(".") > 2:
                continue  # a vector
            first = self._FIRST.search(text, max(0, found.start() - 4), found.start())
            if first is None:
                continue
            start, end = first.start(), found.start("row")
            signed = "°" in text[start:end] or found["north"].strip() != ""
            if not signed:
                if found["row"] or self._ROW_BEFORE.search(text, max(0, start - 40), start):
                    continue
                if "," not in found["comma"] or self._PATH.search(text, max(0, start - 12), start):
                    continue  # blanks, and letters of commands: the path of a drawing
                # Small pairs are weights and shares as often as places near Greenwich.
                if text.startswith("0000", found.start() + 1) and found["second"].endswith("0000"):
                    continue
                if abs(float(first[0])) < 2 and abs(float(found["second"])) < 2:
                    continue
            decimals = text[found.start() : found.start() + 16].split(found["comma"][0])[0]
            digits = re.match(r"\.[0-9]+", decimals)
            if digits is not None and _on_earth(first[0] + digits[0], found["second"]):
                yield Finding(start, end, "LOCATION", self.name, 80)


def _is_degree(value: str) -> bool:
    return 0.01 < abs(float(value)) <= 180


_UK = r"(?:[A-PR-UWYZ](?:[0-9]{1,2}|[A-HK-Y][0-9](?:[0-9]|[ABEHMNPRV-Y])?|[0-9][A-HJKPS-UW])|GIR) [0-9][ABD-HJLNP-UW-Z]{2}"
_UK_AREA_CODES = (
    "AB AL B BA BB BD BH BL BN BR BS BT CA CB CF CH CM CO CR CT CV CW DA DD DE DG DH DL DN DT DY E EC EH EN EX FK FY G GL GU GY HA"
    " HD HG HP HR HS HU HX"
    " IG IM IP IV JE KA KT KW KY L LA LD LE LL LN LS LU M ME MK ML N NE NG NN NP NR NW OL OX PA PE PH PL PO PR RG RH RM S SA SE SG"
    " SK SL SM SN SO SP SR"
    " SS ST SW SY TA TD TF TN TQ TR TS TW UB W WA WC WD WF WN WR WS WV YO ZE GIR"
)
_UK_AREAS = frozenset(_UK_AREA_CODES.split())


def _uk_area(found: re.Match[str]) -> bool:
    return (head := re.match(r"[A-Z]+", found[0])) is not None and head[0] in _UK_AREAS


_STATES = (
    "AK AL AR AZ CA CO CT DC DE FL GA HI IA ID IL IN KS KY LA MA MD ME MI MN MO MS MT NC ND NE NH NJ NM NV NY OH OK OR PA RI SC SD"
    " TN TX UT VA"
    " VT WA WI WV WY"
)

RULES = (
    Coordinates(),
    Labelled(
        name="coordinate-named",
        entity="LOCATION",
        keywords=("lat", "lng", "lon"),
        label=r"(?i:(?<![a-z])(?:lat(?:itude)?|lng|lon(?:gitude|g(?=[\"'\s]{0,3}[:=,\x02]))?)|(?<=gps_)(?:lat|lon)|(?<=gps)(?:lat|lon)\w{0,6})(?![a-z])",
        value=r"(?<![0-9A-Za-z.])[+-]?[0-9]{1,3}\.[0-9]{4,15}(?![0-9A-Za-z.])",
        validate=_is_degree,
        hits=(("lat\x0248.85837\x03", "48.85837"), ("longitude: -122.3996", "-122.3996"), ("id,lat,lng\n1,48.8583,2.2944\n", "2.2944")),
        misses=("flat 48.85837", "lat 48.85", "long 1.5000 m", "late: 12.34567"),
    ),
    Detector(
        name="postcode-uk",
        entity="LOCATION",
        pattern=rf"(?<![0-9A-Za-z_-]){_UK}(?![0-9A-Za-z_-])",
        keywords=("postcode", "post code", "postal", "address", " london", "street", " road", " lane", " avenue"),
        reach=(40, 60),
        weight=50,
        validate=_uk_area,
        hits=(("10 Downing Street, London SW1A 2AA", "SW1A 2AA"), ("postcode\x02M1 1AE\x03", "M1 1AE")),
        misses=("street QX1A 2AA", "SW1A 2AA"),
    ),
    Labelled(
        name="postcode",
        entity="LOCATION",
        keywords=(
            "zip",
            "postcode",
            "post_code",
            "post code",
            "postal",
            "plz",
            "postleitzahl",
            "code_postal",
            "codigo postal",
            "c.p.",
            "cap:",
            "pincode",
            "pin code",
            "postnummer",
            "postnr",
        ),
        label=r"(?i:(?<![a-z])(?:zip|postal|post|pin)[ _-]?code|(?<![a-z])zip|(?<![a-z])plz|postleitzahl|code[ _]postal|codigo"
        r" postal|(?<![a-z])c\.p\.|(?<![a-z])cap(?=:)|postnummer|postnr)(?![a-z])",
        value=r"(?<![0-9A-Za-z.])(?P<value>[0-9]{5}(?:-[0-9]{4})?|[A-CEGHJ-NPR-TVXYa-ceghj-npr-tvxy][0-9][A-Za-z]"
        r" ?[0-9][A-Za-z][0-9]|[1-9][0-9]{3} ?[A-Z]{2}|[A-Z]{1,2}[0-9][0-9A-Z]? ?[0-9][A-Z]{2}"
        r"|[0-9]{2}-[0-9]{3}|[0-9]{3} [0-9]{2}|[0-9]{5}-[0-9]{3}|[0-9]{3}-[0-9]{4}|[0-9]{4,6})(?![0-9A-Za-z]|[.,-][0-9])",
        hits=(
            ("ZIP code: 94103-1234", "94103-1234"),
            ("zip\x0210001\x03", "10001"),
            ("postal code K1A 0B1", "K1A 0B1"),
            ("PLZ 10115", "10115"),
            ("postcode: 1012 AB", "1012 AB"),
        ),
        misses=("zip(a, b)", "gzip 12345", "zip file 1.2", "zip code range"),
    ),
    Detector(
        name="zip-after-state",
        entity="LOCATION",
        # `Springfield, IL 62704`
        pattern=r", (?:A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|PA|RI|S[CD]|T[NX]|UT|V[AT]"
        r"|W[AIVY]) (?P<value>[0-9]{5}(?:-[0-9]{4})?)(?![0-9A-Za-z]|[.-][0-9])",
        keywords=tuple(f", {state.lower()} " for state in _STATES.split()),
        weight=50,
        hits=(("Springfield, IL 62704, USA", "62704"), ("New York, NY 10001-4455", "10001-4455")),
        misses=("a, in 12345", "X, ZZ 12345", "CA 94103 1"),
    ),
    Detector(
        name="postcode-canada",
        entity="LOCATION",
        pattern=r"(?<= )[ABCEGHJ-NPRSTVXY][0-9][ABCEGHJ-NPRSTV-Z][ -]?[0-9][ABCEGHJ-NPRSTV-Z][0-9](?![0-9A-Za-z])",
        keywords=(" ab ", " bc ", " mb ", " nb ", " nl ", " ns ", " on ", " pe ", " qc ", " sk ", "ontario", "quebec", "alberta", "canada"),
        reach=(12, 20),
        weight=50,
        hits=(("Ottawa, ON K1A 0B1", "K1A 0B1"),),
        misses=("on A1B2C3D4 and", "works on 5 of 6"),
    ),
)
