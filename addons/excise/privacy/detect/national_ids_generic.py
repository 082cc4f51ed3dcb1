"""
Numbers beside words that name the kind of thing, and perhaps a country, but not the number itself: "national ID", "Latvian tax number".
"""

from __future__ import annotations

import re

from excise.privacy.detect.national_ids_rules import IdRule

_NATIONAL = (
    "national id|uk national|uk id|national identity|national identification|national identifier|identity card|id card|id number|id no"
    "|id nr|id code|citizen id|citizen number|citizenship number|personal identification|personal identity|personal id|personal number"
    "|personal no|personal code|national number|national code|identity document|identity number|identity no|identification number"
    "|identification no|identification card|government id|govt id|social insurance|health insurance number"
    "|insurance number|person number|resident id|residence permit|numéro d'identité|numéro national|numéro d'identification"
    "|identifiant national|pièce d'identité|carte d'identité|número de identidad|número de identificación|documento de identidad"
    "|número de identidade|número de identificação|documento de identidade|numero di identità|documento d'identità|carta d'identità"
    "|numero identificativo|ausweisnummer|personenkennzahl|identifikationsnummer|identitätsnummer|identiteitsnummer|persoonsnummer"
    "|numer identyfikacyjny|osobní číslo|osobné číslo|rodné číslo|удостоверение личности|личный номер|идентификационный номер"
    "|kimlik numarası|nomor identitas|رقم الهوية|الرقم الوطني|身份证|身份證|証件號|证件号|주민번호"
)
_SOCIAL = "ssn|social security|social sec|socialsecurity"
_TAX = (
    "tax id|uk tax|uk vat|tax number|tax no|tax nr|tax code|tax identification|taxpayer id|taxpayer identification|taxpayer number"
    "|taxpayer no|tax identifier|tax reference|tax registration|tax payer id|vat number|vat no|vat nr|vat id|vat registration|vat reg"
    "|vatin|vat:|tin|fiscal code|fiscal number|fiscal id|business registration|business number|business id|company number"
    "|company registration|registration number|enterprise number|gst number|gst no|gst registration|numéro fiscal|identifiant fiscal"
    "|identification fiscale|número fiscal|identificación fiscal|identificación tributaria|identificação fiscal|codice fiscale"
    "|steuernummer|steuer-id|ust-idnr|belastingnummer|fiscaal nummer|skattenummer|numer podatkowy|daňové číslo|налоговый номер"
    "|vergi numarası|税号|mehrwertsteuernummer|merverdiavgift|mervärdesskatt|arvonlisäveronumero|taxe sur la valeur ajoutée"
    "|pievienotās vērtības|pridėtinės vertės|imposta sul valore|ič pre daň|ΦΠΑ|納税者番号|納税者識別番号"
)
_OF = (
    "albanian algerian andorran argentine argentinian armenian australian austrian azerbaijani bangladeshi belarusian belgian bolivian"
    " bosnian brazilian bulgarian canadian chilean chinese colombian croatian cuban cypriot czech danish dominican dutch ecuadorian"
    " egyptian emirati estonian faroese finnish french georgian german ghanaian greek guatemalan guinean honduran hungarian icelandic"
    " indian indonesian iranian iraqi irish israeli italian japanese jordanian kazakh kenyan korean kuwaiti kyrgyz latvian lebanese"
    " lithuanian luxembourg macedonian malaysian maltese mauritian mexican moldovan monegasque montenegrin moroccan mozambican nepali"
    " nicaraguan nigerian norwegian omani pakistani panamanian paraguayan peruvian philippine filipino polish portuguese qatari romanian"
    " russian rwandan salvadoran saudi senegalese serbian singaporean singapore slovak slovenian spanish swedish swiss taiwanese taiwan"
    " tanzanian thai tunisian turkish ugandan ukrainian uruguayan uzbek venezuelan vietnamese zambian zimbabwean albania algeria andorra"
    " argentina armenia australia austria azerbaijan bangladesh belarus belgium bolivia bosnia brazil bulgaria canada chile china colombia"
    " croatia cuba cyprus denmark ecuador egypt estonia finland france georgia germany ghana greece guatemala guinea honduras hungary"
    " iceland india indonesia iran iraq ireland israel italy japan jordan kazakhstan kenya korea kuwait latvia lebanon lithuania macedonia"
    " malaysia malta mauritius mexico moldova monaco montenegro morocco mozambique nepal netherlands nicaragua nigeria norway oman"
    " pakistan panama paraguay peru philippines poland portugal qatar romania russia rwanda salvador senegal serbia slovakia slovenia"
    " spain sweden switzerland tanzania thailand tunisia turkey uganda ukraine uruguay uzbekistan venezuela vietnam zambia zimbabwe"
)
_PERSONAL_NOUNS = (
    "id",
    "identity",
    "identification",
    "personal",
    "citizen",
    "social",
    "national",
    "ssn",
    "resident",
    "birth number",
    "health",
    "insurance",
)
_TAX_NOUNS = ("tax", "vat", "fiscal", "company", "business", "gst", "enterprise", "organisation", "organization", "trade register")
_NUMBER = "(aa?a?-?)?9([ ./-]?9){5,21}(-?aa?a?9{0,3})?"


def _plausible(number: str) -> bool:
    """
    Enough digits, not too thinly spread (an OID), and no date, no years from and to, no ZIP+4.
    """
    groups = re.findall("[0-9]+", number)
    digits = sum(map(len, groups))
    return (
        digits >= 7
        and digits >= 2 * len(groups)
        and number.count(".") < 5
        and not re.fullmatch(
            r"(?:19|20)?[0-9]{2}[-./ ][0-9]{1,2}[-./ ](?:19|20)?[0-9]{2}|(?:19|20)[0-9]{2}[-/ ](?:19|20)[0-9]{2}|[0-9]{5}-[0-9]{4}", number
        )
    )


def _of_countries(nouns: tuple[str, ...]) -> str:
    return "|".join(f"{country} {noun}" for country in _OF.split() for noun in nouns)


GENERIC = (
    # Nine digits are one of the United States, which knows which are given out.
    IdRule("social-security", "NATIONAL_ID", "9([ ./-]?9){9,14}", _plausible, names=_SOCIAL, strict=True, certain=40),
    IdRule("national-id", "NATIONAL_ID", _NUMBER, _plausible, names=_NATIONAL, strict=True, certain=40),
    IdRule("tax-id", "TAX_ID", _NUMBER, _plausible, names=_TAX, strict=True, certain=40),
    IdRule(
        "national-id-by-country",
        "NATIONAL_ID",
        _NUMBER,
        _plausible,
        names=_of_countries(_PERSONAL_NOUNS),
        strict=True,
        certain=40,
        headed=True,
    ),
    IdRule("tax-id-by-country", "TAX_ID", _NUMBER, _plausible, names=_of_countries(_TAX_NOUNS), strict=True, certain=40, headed=True),
)
