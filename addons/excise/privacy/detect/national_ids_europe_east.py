"""
Identity and tax numbers of central and eastern Europe and the Caucasus.
"""

from __future__ import annotations

from excise.privacy.detect import national_ids_checks as check
from excise.privacy.detect.national_ids_checks import Std
from excise.privacy.detect.national_ids_rules import IdRule

_PERSON, _TAX = "NATIONAL_ID", "TAX_ID"
_CITIZEN = (
    "jmbg|јмбг|matični broj građana|jedinstveni matični broj|јединствени матични број|матични број|матичен број|единствен матичен број"
    "|matični broj|emšo|enotna matična številka"
)

# fmt: off
EAST = (
    IdRule("al-nipt", _TAX, "[A-Z] ?9{8} ?[A-Z]", Std("al", "nipt"), "nipt|nuis|numri i identifikimit|albanian tax"),
    IdRule("al-nid", _PERSON, "[A-Z]9{8}[A-Z]", None, "numri personal|numri i identitetit|letërnjoftim|albanian id"),
    IdRule("az-voen", _TAX, "999 ?999 ?9999", Std("az", "voen"), "vöen|voen|vergi ödəyicisinin"),
    IdRule("az-fin", _PERSON, "[0-9A-HJ-NP-Z]{7}", None, "fin kod|fin code|şəxsiyyət vəsiqəsi"),
    IdRule("bg-egn", _PERSON, "9{6} ?9{3} ?9", Std("bg", "egn"), "егн|egn|единен граждански номер|bulgarian personal"),
    IdRule("bg-pnf", _PERSON, "9{4} ?9{3} ?9{3}", Std("bg", "pnf"), "лнч|lnch|личен номер на чужденец|pnf"),
    IdRule("bg-eik", _TAX, "9{9}|9{10}", Std("bg", "vat"), "еик|булстат|eik|bulstat|ддс номер", "ддс"),
    IdRule("by-unp", _TAX, "[0-9A-Z]{2}9{7}", Std("by", "unp"), "унп|unp|учетный номер плательщика|учётный номер плательщика|улп"),
    IdRule(
        "by-id", _PERSON, "9{7}[A-Z]9{3}[A-Z]{2}9", None, "идентификационный номер|личный номер|belarusian id|личны нумар", "",
        "[1-6]9{6}[ABCHKEM]9{3}(PB|BA|BI)9",
    ),
    IdRule(
        "cz-rc", _PERSON, "9{6}/?9{3,4}", Std("cz", "rc"),
        "rodné číslo|rodného čísla|rodným číslem|r. č.|r.č.|rč:|birth number|rodne cislo", "rč|rc", "9{6}/9{4}",
    ),
    IdRule(
        "cz-dic", _TAX, "(CZ ?)?9{8,10}", lambda n: Std("cz", "dic")(n), "dič|daňové identifikační číslo|ičo|identifikační číslo osoby",
        "dic|ico",
    ),
    IdRule("cz-op", _PERSON, "9{9}", None, "číslo občanského průkazu|občanský průkaz|číslo op|občanského průkazu"),
    IdRule("hr-oib", _TAX, "(HR ?)?9{11}", Std("hr", "oib"), "oib|osobni identifikacijski broj|oib-a|croatian personal"),
    IdRule(
        "hu-adoszam", _TAX, "9{8}(-?9-?99)?", lambda n: Std("hu", "anum")(n[:8]), "adószám|adószáma|közösségi adószám|anum|hungarian tax",
    ),
    IdRule("hu-adoazonosito", _TAX, "[8]9{9}", None, "adóazonosító|adóazonosító jel|adóazonosítóm"),
    IdRule(
        "hu-taj", "MEDICAL_ID", "999[ -]?999[ -]?999", None, "taj szám|taj-szám|tajszám|társadalombiztosítási azonosító|taj:|taj kártya",
    ),
    IdRule(
        "hu-szemelyi", _PERSON, "[1-8][ -]?9{6}[ -]?9{4}|9{6}[A-Z]{2}", None,
        "személyi szám|személyi azonosító|személyi igazolvány|személyazonosító|személyi igazolványszám",
    ),
    IdRule(
        "lt-asmens", _PERSON, "[1-6]9{10}", Std("lt", "asmens"), "asmens kodas|asmens kodo|asmens kodą|asmens|lithuanian personal", "",
    ),
    IdRule("lt-pvm", _TAX, "(LT ?)?(9{12}|9{9})", lambda n: Std("lt", "pvm")(n), "pvm mokėtojo kodas|pvm kodas|pvm"),
    IdRule(
        "lv-pk", _PERSON, "9{6}-?9{5}", check.latvian, "personas kods|personas kodu|personas koda|latvian personal", "", "9{6}-[012]9{4}",
    ),
    IdRule(
        "lv-pvn", _TAX, "(LV ?)?9999 ?9999 ?999", Std("lv", "pvn"),
        "pvn reģistrācijas|pvn numurs|reģistrācijas numurs|nodokļu maksātāja|pvn",
    ),
    IdRule("md-idno", _TAX, "9{13}", Std("md", "idno"), "idno|cod fiscal|numărul de identificare de stat", "idnp"),
    IdRule("md-idnp", _PERSON, "[02]9{12}", None, "idnp|cod personal|codul personal"),
    IdRule("me-pib", _TAX, "9{8}", Std("me", "pib"), "pib|poreski identifikacioni broj|пиб"),
    IdRule("mk-edb", _TAX, "((MK|МК) ?)?9{13}", Std("mk", "edb"), "едб|edb|едниствен даночен број|единствен даночен број|даночен број"),
    IdRule("pl-pesel", _PERSON, "9{11}", Std("pl", "pesel"), "pesel|numer pesel|nr pesel|powszechny elektroniczny"),
    IdRule(
        "pl-nip", _TAX, "(PL ?)?999-?9{2,3}-?99-?9{2,3}|999 ?999 ?99 ?99", Std("pl", "nip"),
        "nip|numer nip|numer identyfikacji podatkowej|nip:|nip nr",
    ),
    IdRule("pl-regon", _TAX, "9{9}(9{5})?", Std("pl", "regon"), "regon|nr regon|polish register|rejestr gospodarki narodowej"),
    IdRule("pl-dowod", _PERSON, "[A-Z]{3} ?9{6}", None, "dowód osobisty|dowodu osobistego|numer dowodu|nr dowodu|seria i numer|dowód"),
    IdRule("ro-cnp", _PERSON, "[1-9]9{12}", Std("ro", "cnp"), "cnp|cod numeric personal|codul numeric personal|c.n.p."),
    IdRule(
        "ro-cui", _TAX, "(RO ?)?9{2,3} ?9{3} ?9{2,4}|(RO ?)?9{5,10}", Std("ro", "cf"),
        "cod unic de înregistrare|codul unic de înregistrare|cod de identificare fiscală|cod fiscal|cui:|cif:", "cui|cif|cf:|tva",
    ),
    IdRule(
        "ro-onrc", _TAX, "[JFC]9{1,2}/9{1,7}/9{4}|[JFC]9{13}", Std("ro", "onrc"),
        "registrul comerțului|registrul comerţului|nr. reg. com|onrc|reg. com",
    ),
    IdRule("rs-jmbg", _PERSON, "9{7}[ ]?9{6}|9{13}", Std("si", "emso"), _CITIZEN, "emso|embg|matični"),
    IdRule("rs-pib", _TAX, "9{9}", Std("rs", "pib"), "pib|poreski identifikacioni broj|пиб|порески идентификациони број|poreski broj"),
    IdRule(
        "ru-inn", _TAX, "9{10}|9{12}", Std("ru", "inn"),
        "инн|inn:|идентификационный номер налогоплательщика|инн физлица|инн юрлица|russian tax|инн/кпп", "inn",
    ),
    IdRule(
        "ru-snils", _PERSON, "999~999~999~99", check.snils, "снилс|snils|страховой номер|пенсионное страхование", "",
        "999-999-999 99|999-999-999-99",
    ),
    IdRule("ru-ogrn", _TAX, "9{13}|9{15}", Std("ru", "ogrn"), "огрн|огрнип|psrn|ogrn|ogrnip|основной государственный регистрационный"),
    IdRule("ru-passport", "PASSPORT", "99 ?99 ?9{6}", None, "паспорт|серия и номер|паспорт рф|паспортные данные|серия паспорта"),
    IdRule("si-emso", _PERSON, "9{13}", Std("si", "emso"), "emšo|enotna matična številka|enotna matična številka občana", "emso"),
    IdRule("si-ddv", _TAX, "(SI ?)?9999 ?9999", lambda n: Std("si", "ddv")(n), "davčna številka|davčna št|id za ddv|ddv"),
    IdRule("si-maticna", _TAX, "9{7}(999)?", Std("si", "maticna"), "matična številka|matična št"),
    IdRule(
        "sk-dph", _TAX, "(SK ?)?9{10}|(SK ?)?999 ?999 ?99 ?99", lambda n: Std("sk", "dph")(n),
        "ič dph|ičdph|dič|daňové identifikačné číslo", "dic|dph",
    ),
    IdRule("sk-ico", _TAX, "99 ?999 ?999", None, "ičo|identifikačné číslo organizácie"),
    IdRule(
        "tr-tckn", _PERSON, "[1-9]9{10}", Std("tr", "tckimlik"),
        "tc kimlik|t.c. kimlik|tckn|t.c. kimlik no|tc no|kimlik no|kimlik numarası|kimlik numaram|tckimlik|turkish id|tc kimlik no"
        "|vatandaşlık numarası", "kimlik",
    ),
    IdRule("tr-vkn", _TAX, "9{10}", Std("tr", "vkn"), "vergi kimlik|vergi no|vergi numarası|vkn|vergi kimlik numarası"),
    IdRule("ua-edrpou", _TAX, "9{8}", Std("ua", "edrpou"), "єдрпоу|edrpou|код єдрпоу|едрпоу"),
    IdRule(
        "ua-rnokpp", _TAX, "9{10}", Std("ua", "rntrc"),
        "рнокпп|rnokpp|rntrc|іпн|ідентифікаційний код|ідентифікаційний номер|ипн|податковий номер", "ipn",
    ),
    IdRule("ua-unzr", _PERSON, "(19|20)9{6}-?9{5}", None, "унзр|unzr|запис №"),
    IdRule("ge-pn", _PERSON, "9{11}", None, "პირადი ნომერი|პირადი №|georgian personal|piradi nomeri"),
    IdRule("am-psn", _PERSON, "9{10}", None, "հծհ|սոցիալական քարտ|armenian social"),
)
# fmt: on
