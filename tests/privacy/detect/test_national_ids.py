"""
Identity numbers of all countries: found beside their names, and without where the shape is theirs alone.
"""

from __future__ import annotations

import pytest

from excise.privacy.detect.national_ids import ROWS, RULES
from excise.privacy.detect.national_ids_alone import Unmistakable
from excise.privacy.detect.national_ids_rules import IdRule
from excise.privacy.detect.scanner import Scanner

# Made up by chance; the check digits are right.
# fmt: off
SAMPLES = {
    "ar-cuit": "5042376876.9", "ar-dni": "34607317", "bo-nit": "776639780-U", "br-cpf": "132278369 12", "br-cnpj": "UEDG9 CMHFH5951",
    "br-rg": "1226924-2", "br-pis": "57594215 58 0", "br-voter": "3578 2901 1768", "br-cns": "924 475802933256", "ca-sin": "104 482831",
    "ca-bn": "868963323", "ca-bc-phn": "9064.814570", "ca-ohip": "4429 420.996-NY", "ca-ramq": "LKIT6738 2550", "cl-rut": "02429011 5",
    "co-nit": "7057859619", "co-cedula": "1.299.541.410", "cr-cpf": "01-8301-8986", "cr-cpj": "3006823593", "cr-dimex": "16551950437",
    "cu-ni": "28062510523", "do-cedula": "386-98122298", "do-rnc": "571-60322-1", "ec-ci": "1243242722", "ec-ruc": "0169492477832",
    "gt-nit": "8741534-8", "gt-cui": "891295208 0353", "hn-id": "2483-2677-27302", "mx-curp": "RPEN581022HSPIOXU2",
    "mx-rfc": "TNIR881208-", "mx-nss": "9770-91-7492-0", "mx-voter": "QSZZUO84062587M654", "ni-cedula": "205072691-4642W",
    "pa-ruc": "E-3494-6456", "pe-cui": "25863283", "pe-ruc": "17741241609", "py-ruc": "21829-4", "sv-nit": "9009503623-011-0",
    "sv-dui": "01743452-7", "uy-rut": "210501970010", "uy-ci": "66531606", "ve-rif": "J-446042610", "ve-cedula": "E89.208404",
    "eu-oss": "EU705954577", "eu-vat": "ES V-7582203A", "ad-nrt": "D-640004 D", "at-vnr": "6206-570444", "at-tin": "22596 5060",
    "be-nn": "06 2367 16552", "be-vat": "607.428.252", "be-eid": "0764277529-76", "ch-ahv": "756.45074948.69", "ch-uid": "CHE788364.628",
    "cy-tic": "36654918H", "de-idnr": "97205 377 146", "de-stnr": "55 208520410", "de-vat": "547109935", "de-kvnr": "G182180.334",
    "de-rvnr": "96300895U 177", "de-ausweis": "W8200RNRJD", "dk-cpr": "1910999951", "dk-cvr": "77 042822", "ee-ik": "40212245125",
    "ee-kmkr": "033698366", "es-dni": "56769.287C", "es-nie": "Y1991314B", "es-cif": "C2899530.F", "es-nss": "09-32084948/58",
    "fi-hetu": "300604C597F", "fi-ytunnus": "4401864-0", "fi-veronumero": "306238757846", "fo-vn": "063 649",
    "fr-nir": "29018.63848-417-36", "fr-nif": "09 90481 469460", "fr-siret": "429298-482.86308", "fr-siren": "475.089116",
    "fr-tva": "FR DJ 827 062662", "fr-cni": "J4466OVQ1", "gb-nhs": "445972 0787", "gb-nino": "BY291132", "gb-utr": "414372 4272",
    "gb-vat": "856 7476 72", "gb-upn": "Q91630581794Y", "gr-amka": "02030727057", "gr-afm": "738096962", "gr-adt": "Π042170",
    "ie-pps": "0060353 W", "is-kennitala": "2708143959", "is-vsk": "65653", "it-cf": "MJNZEN 6Q HV1JMS7 R", "it-iva": "22730620311",
    "it-cie": "YS81323 BO", "li-peid": "513001513", "lu-matricule": "1342057430290", "lu-tva": "13326633", "mc-tva": "82000459383",
    "mt-vat": "44769530", "mt-id": "1833A", "nl-bsn": "8805 68 318", "nl-btw": "46269459B 36", "nl-onderwijs": "1030.85306",
    "nl-kvk": "65641050", "nl-document": "RPNDI3WB8", "no-fnr": "115172 26604", "no-orgnr": "122301 710MVA", "pt-nif": "364824352",
    "pt-cc": "842650888KI9", "pt-bi": "86555411 1", "pt-niss": "14620030273", "se-pnr": "5612258078", "se-orgnr": "151110-9009",
    "se-vat": "107109966501", "sm-coe": "09055", "al-nipt": "F41477775 R", "al-nid": "S42141364I", "az-voen": "500321 5492",
    "az-fin": "SK6HLLB", "bg-egn": "154723296 4", "bg-pnf": "5868049390", "bg-eik": "8625284370", "by-unp": "HO8178334",
    "by-id": "3970001V363EZ6", "cz-rc": "514211/632", "cz-dic": "CZ136116422", "cz-op": "838185623", "hr-oib": "75447841878",
    "hu-adoszam": "72721740", "hu-adoazonosito": "8871888549", "hu-taj": "518460-110", "hu-szemelyi": "3461906 7225",
    "lt-asmens": "65908031885", "lt-pvm": "896038517", "lv-pk": "33937247290", "lv-pvn": "LV75567744 815", "md-idno": "4138156391061",
    "md-idnp": "2074483418756", "me-pib": "34771832", "mk-edb": "MK7368487245138", "pl-pesel": "58273166101", "pl-nip": "609 8174774",
    "pl-regon": "089938688", "pl-dowod": "VBP 590180", "ro-cnp": "3870716125181", "ro-cui": "RO18660", "ro-onrc": "J2015280705521",
    "rs-jmbg": "2801379052347", "rs-pib": "138637235", "ru-inn": "883466185010", "ru-snils": "43901412858", "ru-ogrn": "2003031563500",
    "ru-passport": "36 98093566", "si-emso": "0707767752152", "si-ddv": "2953 2108", "si-maticna": "9259961919",
    "sk-dph": "SK 6295567685", "sk-ico": "88 333 269", "tr-tckn": "13138669018", "tr-vkn": "9353942270", "ua-edrpou": "44807777",
    "ua-rnokpp": "5580905148", "ua-unzr": "1869718453769", "ge-pn": "44669846424", "am-psn": "0784970855",
    "ae-emirates": "784.1989-6852301 3", "ae-trn": "100730255257657", "bd-nid": "74342222764927540", "bh-cpr": "716128663",
    "cn-ric": "894480 18930620 9312", "cn-uscc": "42218058CFFUE7TN9A", "hk-hkid": "ST352696(8)", "id-nik": "523390.1105473736",
    "id-npwp": "63040.353.3591.339", "il-id": "3675936-3", "il-hp": "53-974473-0", "in-aadhaar": "9932 30670017",
    "in-vid": "4942859897053022", "in-pan": "OJHPI-5500U", "in-gstin": "36PIPBX7046XZZ2", "in-epic": "GOW0570796",
    "iq-id": "208368257779", "ir-melli": "212384662-7", "jo-id": "9611771465", "jp-mynumber": "7213.9575-9310", "jp-cn": "65634-87556874",
    "jp-residence": "CF50339343LY", "kr-rrn": "8102193834236", "kr-brn": "938-2757089", "kw-civil": "369091704379",
    "kz-iin": "117894672397", "lk-nic": "204482767972", "mo-bir": "8/798575(2", "my-nric": "290609-454504", "my-tin": "J91323186580",
    "om-id": "63388364", "ph-psn": "2667-0452-59300133", "ph-tin": "819-6360289344", "ph-sss": "2300555984", "pk-cnic": "3454309006571",
    "pk-ntn": "55803662", "qa-qid": "30106396703", "sa-id": "2909271344", "sa-vat": "360393916951043", "sg-nric": "T1563207-G",
    "sg-uen": "06785713B", "th-pin": "26066-02469 10 1", "th-tin": "2-40-5-923-85939-7", "tw-id": "MC79245287", "tw-ubn": "24721978",
    "tw-nhi": "054274027903", "uz-pinfl": "53749549191844", "uz-inn": "370346587", "vn-mst": "4669067637- 602", "vn-cccd": "895344 502",
    "np-nid": "661796-6848", "kg-pin": "14153722954512", "lb-id": "649285367", "au-abn": "68635183-727", "au-acn": "907879 636",
    "au-tfn": "857.578669", "au-medicare": "561366038-6/0", "au-ihi": "8003-6548 57298438", "au-crn": "118 311 957R",
    "nz-ird": "61 378 405", "nz-nhi": "ADG9910", "nz-nzbn": "342785567228", "dz-nif": "940669 349 467 773",
    "dz-nin": "345358623951509919", "eg-nid": "29307305698002", "eg-tn": "٣٢٤-٤١٦-٦٥٩", "et-fin": "362717479604", "gh-tin": "C0006538053",
    "gh-card": "GHA445179698-6", "gn-nifp": "509-930-616", "ke-pin": "A203438058R", "ke-id": "73808770", "ma-ice": "346367237914326",
    "ma-cin": "U780230", "mu-nid": "T0912176722690", "mz-nuit": "423593 857", "ng-nin": "18933552631", "ng-bvn": "22998265852",
    "ng-tin": "946824220021", "rw-id": "320280 1374786 4 39", "sn-ninea": "4258085", "sn-cni": "2095 2091 09850",
    "tn-mf": "2286355L/DE/361", "tn-cin": "18979411", "tz-nida": "20538468052860550223", "ug-nin": "CF47547254S75E",
    "za-id": "9402038126057", "za-tin": "2211891805", "zm-nrc": "743156/85/6", "zw-id": "22-416511W69",
}
ALONE = [
    ("ar-cuit", "30-95190875-0"), ("br-cpf", "146.037.251-40"), ("br-cnpj", "I9.LRT.RZT/CUC5-90"), ("cl-rut", "55.340.086-4"),
    ("do-cedula", "381-1021212-3"), ("mx-curp", "BHFW650413HMNVVSQ1"), ("mx-rfc", "ILTB690119-7B3"), ("mx-voter", "LPAUDJ84994971M333"),
    ("ni-cedula", "596-707652-1214M"), ("sv-nit", "9153-048069-898-0"), ("ve-rif", "V-92768731-0"), ("eu-vat", "EL145490230"),
    ("ad-nrt", "D-115145-C"), ("be-nn", "28.12.21-828.87"), ("ch-ahv", "756.3046.8422.78"), ("ch-uid", "CHE-630.126.554"),
    ("es-dni", "13558093F"), ("es-nie", "Y0398916H"), ("es-cif", "A-8591064-D"), ("fi-hetu", "170900D9263"),
    ("fr-nir", "118012A874770 02"), ("gb-nino", "JB191132B"), ("it-cf", "SEERFH 15T85 H629R"), ("pt-cc", "31939744 8 PR6"),
    ("by-id", "4328196M731BI6"), ("cz-rc", "585429/3060"), ("lv-pk", "021145-17715"), ("ru-snils", "351-403-881-50"),
    ("ae-emirates", "784-2011-2579928-4"), ("cn-ric", "899738187710129962"), ("cn-uscc", "53192293AXJF13QFXR"),
    ("id-npwp", "54.990.506.5-286.911"), ("in-aadhaar", "6512 8459 3927"), ("in-pan", "BLFTZ4792V"), ("in-gstin", "27DHHFP4156LRZN"),
    ("kr-rrn", "301122-4956038"), ("my-nric", "540923-21-0338"), ("pk-cnic", "13171-3650070-6"), ("sg-nric", "F6063332X"),
    ("sg-uen", "T12PF6230K"), ("th-pin", "6-3807-70504-55-4"), ("tw-id", "G156327360"), ("gh-card", "GHA-763506044-2"),
    ("ke-pin", "A022998495Y"), ("zm-nrc", "464040/19/2"), ("zw-id", "97-461968C37"),
]
# fmt: on

SCANNER = Scanner(RULES)
BESIDE = {
    "label": "{name}: {number}",
    "prose": "Please note that my {name} is {number}, thank you.",
    "key": "name\x02Ann\x03{key}\x02{number}\x03",
    "json": '{{"{key}": "{number}", "n": 1}}',
    "yaml": "person:\n  {key}: {number}\n  age: 30\n",
    "csv": "first,{key},city\nAnn-Katrin of the very long name that fills the line,x,Rome\nBob,{number},Rome\n",
}


def name_of(row: IdRule) -> str:
    return next(word.removesuffix(":") for word in (row.names or row.hints).split("|"))


def found(text: str) -> list[str]:
    return [text[one.start : one.end] for one in SCANNER.scan(text)]


@pytest.mark.parametrize("shape", BESIDE)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_number_is_found_beside_its_name(row, shape):
    """
    In prose, forms and data: whole, and nothing else with it.
    """
    name, number = name_of(row), SAMPLES[row.name]
    text = BESIDE[shape].format(name=name, key=name.replace(" ", "_"), number=number)

    assert found(text) == [number]


def test_every_number_has_a_sample_that_is_right():
    """
    A check that refuses right numbers would hide behind the name, beside which the shape is enough.
    """
    assert set(SAMPLES) == {row.name for row in ROWS}
    assert not [row.name for row in ROWS if row.check is not None and not row.check(SAMPLES[row.name])]


@pytest.mark.parametrize(("name", "number"), ALONE)
def test_an_unmistakable_number_needs_no_name(name, number):
    """
    Anywhere in a text, with what is no ASCII around it.
    """
    alone = Scanner([rule for rule in RULES if isinstance(rule, Unmistakable)])
    for text in (number, f"so {number}, then", f"是{number}的", f"a\x02{number}\x03b\x02é\x03", f"😀 {number} \ud800", f"x,{number},5\n"):
        assert [text[one.start : one.end] for one in alone.scan(text)] == [number]


def test_every_unmistakable_shape_is_shown():
    """
    So that none is switched off unseen.
    """
    assert {name for name, _ in ALONE} == {row.name for row in ROWS if row.alone}


@pytest.mark.parametrize(
    "text",
    [
        "146.037.251-41", "12 345 678", "4929 1234 5678 9012", "2345 6789 0124 1111", "sha256-RSSMRA85T10A562S",
        "deadbeefAB123456Ccafe", "id 13558093A", "2024-05-06-12345678Z1", "899738187710129963", "v1.756.3046.8422.78", "1.756.3046.8422.78",
    ],
)  # fmt: skip
def test_without_a_name_the_check_must_be_right(text):
    """
    Wrong check digits, longer numbers and pieces of tokens are left.
    """
    assert not found(text)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("CPF: 146.037.251-41", "146.037.251-41"),
        ("his PESEL was 44051401358", "44051401358"),
        ("943 476 5871 (NHS number)", None),
        ("943 476 5870 (NHS number)", "943 476 5870"),
        ("NHS no. 943 476 5871", "943 476 5871"),
        ("our SIN is 123 456 783", "123 456 783"),
        ("math.sin(123456783)", None),
        ("using 123456782 settings", None),
    ],
)
def test_beside_an_unmistakable_name_the_shape_is_enough(text, number):
    """
    People type samples with wrong check digits; a word with other meanings, or a name behind the number, needs a right one.
    """
    assert found(text) == ([number] if number else [])


@pytest.mark.parametrize(
    "text",
    [
        "userCpf=14603725140", "user_cpf: 14603725140", "CPF_NUMBER=14603725140", "cpfNumber: 14603725140", "RODNÉ ČÍSLO 585429/3060",
        "Rodne cislo: 5854293060", "cpfs\x0214603725140\x03cpfs\x02x\x03", "type\x02CPF\x03value\x0214603725140\x03",
        "<td>CPF</td><td>14603725140</td>",
        "| name | CPF |\n|---|---|\n| Ann | 14603725140 |\n", "National ID: 14603725140", "his Latvian tax number 02114517715",
        "ИНН 7707083893",
    ],
)  # fmt: skip
def test_names_are_known_however_they_are_written(text):
    """
    Humps, underscores, capitals, lost accents, tables, a type in the element before, no more than the country's name.
    """
    assert len(found(text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "cpf\x02none\x03amount\x0214603725140\x03", "setting 1234567890", "the national id of 2024-05-06 or 1.3.6.1.4.1.1466.115",
        "the national id of 2.16.840.1.113730.3.1.2143",
        "builtin 123456789",
        "latin 123456789 pancake 1234567890", "VAT 20 % of 1234.56",
    ],
)  # fmt: skip
def test_what_only_looks_so_is_left(text):
    """
    The next element's number, words inside words, dates and object identifiers.
    """
    assert not found(text)


def test_a_name_counts_for_a_short_way():
    """
    About forty characters before, twenty behind.
    """
    assert found("the CPF of my neighbour, whom you met, is 14603725140")
    assert not found("the CPF of my neighbour, whom you met at the party of the year, is 14603725140")


def test_numbers_in_a_row_share_a_name():
    """
    The others must be right.
    """
    assert found("CPFs: 14603725140, 39053344705 and 13227836912, 11111111112") == ["14603725140", "39053344705", "13227836912"]


@pytest.mark.parametrize(
    "text",
    [
        "VAT number\n# Copyright (C) 2012-2015 A. Body", "tax id: none, Boston MA 02110-1301",
        "national_number_pattern='90', example_number='900123456'",
        "52B4 6794 8951 9414 5309", "BIP nits [#13536]", "Benjamin Coe [#22527]",
    ],
)  # fmt: skip
def test_years_code_points_and_names_of_people_are_left(text):
    """
    Beside words that sound like the name of a number.
    """
    assert not found(text)
