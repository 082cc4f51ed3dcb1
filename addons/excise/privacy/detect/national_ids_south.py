"""
Identity and tax numbers of Africa and Oceania.
"""

from __future__ import annotations

from excise.privacy.detect import national_ids_checks as check
from excise.privacy.detect.national_ids_checks import Std
from excise.privacy.detect.national_ids_rules import IdRule

_PERSON, _TAX, _HEALTH = "NATIONAL_ID", "TAX_ID", "MEDICAL_ID"

# fmt: off
SOUTH = (
    IdRule("au-abn", _TAX, "99~999~999~999", Std("au", "abn"), "abn|australian business number|abn:|a.b.n."),
    IdRule("au-acn", _TAX, "999~999~999", Std("au", "acn"), "acn|australian company number|a.c.n.|arbn"),
    IdRule("au-tfn", _TAX, "999~999~9{2,3}", Std("au", "tfn"), "tfn|tax file number|tax file no|t.f.n.|tax file"),
    IdRule(
        "au-medicare", _HEALTH, "[2-6]999~99999~9(~[/-]?9)?", check.medicare,
        "medicare number|medicare card|medicare no|medicare|medicare num|medicare #",
    ),
    IdRule(
        "au-ihi", _HEALTH, "8003~6[0-9]{2}[0-9]~9999~9999", check.luhn_digits, "ihi|individual healthcare identifier|healthcare identifier",
    ),
    IdRule("au-crn", _PERSON, "999~999~999[A-Z]", None, "centrelink|customer reference number|centrelink crn|crn"),
    IdRule(
        "nz-ird", _TAX, "9{2,3}~999~999|9{7,8}-9|9-999-999", Std("nz", "ird"), "ird number|ird no|inland revenue|ird:|nz ird|ird #",
        "ird|gst",
    ),
    IdRule("nz-nhi", _HEALTH, "[A-HJ-NP-Z]{3}(9{4}|99[A-HJ-NP-Z]{2})", None, "nhi number|nhi no|nhi|national health index"),
    IdRule("nz-nzbn", _TAX, "94299{8}|942999999999[0-9]", None, "nzbn|new zealand business number"),
    IdRule(
        "dz-nif", _TAX, "9{15}|9{20}|999 ?999 ?999 ?999 ?9{3,8}", Std("dz", "nif"),
        "nif algérie|رقم التعريف الجبائي|numéro d'identification fiscale|التعريف الجبائي|nif:", "nif",
    ),
    IdRule("dz-nin", _PERSON, "9{18}", None, "رقم التعريف الوطني|numéro d'identification national|nin algérie"),
    IdRule(
        "eg-nid", _PERSON, "[23]9{13}", lambda n: check.short_date(n[1:7]),
        "الرقم القومي|رقم قومي|الرقم القومى|egyptian national|egypt national|egyptian id|raqam qawmi|بطاقة الرقم القومي",
    ),
    IdRule(
        "eg-tn", _TAX, "9{3}-?9{3}-?9{3}|[٠-٩]{3}-?[٠-٩]{3}-?[٠-٩]{3}", None,
        "الرقم الضريبي|رقم التسجيل الضريبي|egyptian tax|egypt tax|tax registration number",
    ),
    IdRule("et-fin", _PERSON, "9{4} ?9{4} ?9{4}", None, "fayda|ፋይዳ"),
    IdRule("gh-tin", _TAX, "[PCGQV]009{7}[0-9X]", Std("gh", "tin"), "ghana tin|gra tin|ghana tax|ghana revenue"),
    IdRule("gh-card", _PERSON, "GHA-?9{9}-?9", None, "ghana card|ghanacard|ghana card number|nia", "", "GHA-9{9}-9"),
    IdRule("gn-nifp", _TAX, "9{3}-?9{3}-?9{3}", Std("gn", "nifp"), "nifp|nif guinée|identification fiscale permanent", "nif"),
    IdRule(
        "ke-pin", _TAX, "[AP]9{9}[A-Z]", Std("ke", "pin"), "kra pin|kra|pin number|kenya revenue|pin no|kra number|kenyan tax", "pin",
        "[AP]0[0-9]{8}[A-Z]",
    ),
    IdRule("ke-id", _PERSON, "9{7,8}", None, "kenyan id|huduma|kitambulisho|kenya national id|maisha"),
    IdRule(
        "ma-ice", _TAX, "9{15}", Std("ma", "ice"),
        "identifiant commun de l'entreprise|identifiant commun|التعريف الموحد للمقاولة|ice:|n° ice",
    ),
    IdRule(
        "ma-cin", _PERSON, "[A-Z]{1,2}9{5,6}", None,
        "cin:|cnie|بطاقة التعريف الوطنية|carte d'identité nationale|carte nationale|رقم البطاقة الوطنية",
    ),
    IdRule(
        "mu-nid", _PERSON, "[A-Z]9{12}[0-9A-Z]", Std("mu", "nid"),
        "mauritian id|mauritian national|mauritius id|mauritius national|national identity card|nic number|nic:", "nid",
    ),
    IdRule("mz-nuit", _TAX, "999 ?999 ?999", Std("mz", "nuit"), "nuit|número único de identificação"),
    IdRule(
        "ng-nin", _PERSON, "9{11}|9{4} ?9{3} ?9{4}", None,
        "nigerian nin|nimc|nin number|national identification number|nin no|nin slip|nin:",
    ),
    IdRule("ng-bvn", _PERSON, "229{9}|[2]9{10}", None, "bvn|bank verification number"),
    IdRule("ng-tin", _TAX, "9{8}-?9{4}", None, "nigerian tin|firs tin|nigeria tax|jtb tin"),
    IdRule("rw-id", _PERSON, "[1-3] ?(19|20)99 ?9 ?9{7} ?9 ?99", None, "indangamuntu|rwandan id|rwanda national"),
    IdRule("sn-ninea", _TAX, "(00)?9{7}( ?9[A-Z]9)?", Std("sn", "ninea"), "ninea|numéro d'identification nationale des entreprises"),
    IdRule("sn-cni", _PERSON, "[12] ?9{3} ?(19|20)99 ?9{5}", None, "carte d'identité nationale|cni sénégal|numéro cni|cni:|cedeao"),
    IdRule(
        "tn-mf", _TAX, "9{6,7}[ /]?[A-Z]([ /]?[ABDNP][ /]?[CEMNP][ /]?9{3})?", Std("tn", "mf"),
        "matricule fiscal|matricule fiscale|المعرف الجبائي|المعرّف الجبائي|identifiant fiscal|mf:|tunisian tax|tunisia tax",
    ),
    IdRule("tn-cin", _PERSON, "[01]9{7}", None, "بطاقة التعريف الوطنية|cin:|numéro cin|n° cin|carte d'identité nationale"),
    IdRule("tz-nida", _PERSON, "(19|20)9{6}-?9{5}-?9{5}-?99", None, "nida|nida number|nida no|kitambulisho cha taifa"),
    IdRule("ug-nin", _PERSON, "C[MF]9{8}[0-9A-Z]{4}", None, "ugandan nin|nira|uganda national|nin number|nin:", "nin"),
    IdRule(
        "za-id", _PERSON, "9{6} ?9{4} ?[012]9 ?9|9{10}[012]99", Std("za", "idnr"),
        "south african id|rsa id|sa id|id-nommer|identiteitsnommer|south africa id|sa id number|zar id|south african identity|smart id",
        "identity document|idnr",
    ),
    IdRule(
        "za-tin", _TAX, "9{4}/?9{3}/?9{2}/?9|9{9}-?9", Std("za", "tin"),
        "south african tax|sars|income tax reference|tax reference number|sars tax|income tax number",
    ),
    IdRule("zm-nrc", _PERSON, "9{6}/99/9", None, "nrc|national registration card|zambian", "", "9{6}/99/9"),
    IdRule(
        "zw-id", _PERSON, "99-?9{6,7}[ -]?[A-Z][ -]?99", None, "zimbabwean|zimbabwe national|zimbabwe id", "national registration",
        "99-9{6,7}[ -]?[A-Z][ -]?99",
    ),
)
# fmt: on
