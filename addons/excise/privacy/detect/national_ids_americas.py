"""
Identity and tax numbers of Canada, Latin America and the Caribbean.
"""

from __future__ import annotations

from excise.privacy.detect.national_ids_checks import Std
from excise.privacy.detect.national_ids_rules import IdRule

_CEDULA = "cédula de identidad|número de cédula|cédula nº|cédula"
_PERSON, _TAX = "NATIONAL_ID", "TAX_ID"

# fmt: off
AMERICAS = (
    IdRule("ar-cuit", _TAX, "99~99999999~9", Std("ar", "cuit"), "cuit|cuil|cuit/cuil|clave única de identificación", "", "99-99999999-9"),
    IdRule(
        "ar-dni", _PERSON, "9?9.999.999|9?9999999", None,
        "dni|documento nacional de identidad|documento de identidad|nro de documento|nº de documento",
    ),
    IdRule("bo-nit", _TAX, "9{6,10}-?x?", None, "nit bolivia"),
    IdRule(
        "br-cpf", _PERSON, "999~999~999~99", Std("br", "cpf"), "cpf|cadastro de pessoas físicas|cadastro de pessoa física", "",
        "999.999.999-99",
    ),
    IdRule(
        "br-cnpj", _TAX, "xx~xxx~xxx/?xxxx~99", Std("br", "cnpj"),
        "cnpj|cadastro nacional da pessoa jurídica|cadastro nacional de pessoas jurídicas", "", "99.999.999/9999-99|xx.xxx.xxx/xxxx-99",
    ),
    IdRule("br-rg", _PERSON, "9?9.999.999-?[0-9X]|9{7,8}-[0-9X]", None, "registro geral|carteira de identidade|rg nº|rg:|rg número"),
    IdRule("br-pis", _PERSON, "999~99999~99~9", None, "pis/pasep|pis pasep|nit/pis|número do pis|pis-pasep|pis:|nis:"),
    IdRule("br-voter", _PERSON, "9999 ?9999 ?9999", None, "título de eleitor|título eleitoral|inscrição eleitoral"),
    IdRule("br-cns", "MEDICAL_ID", "999 ?9999 ?9999 ?9999", None, "cartão nacional de saúde|cartão sus|cns:|cartão do sus"),
    IdRule(
        "ca-sin", _PERSON, "999~999~999", Std("ca", "sin"),
        "social insurance number|social insurance no|social insurance|sin number|sin no|sin #|numéro d'assurance sociale"
        "|numéro d’assurance sociale|assurance sociale|canadian sin|canada sin|sin:", "sin|nas",
    ),
    IdRule(
        "ca-bn", _TAX, "99999~9999( ?[A-Z]{2} ?9999)?", Std("ca", "bn"), "canadian business number|cra business number|gst/hst|bn:",
        "business number|gst|hst",
    ),
    IdRule(
        "ca-bc-phn", "MEDICAL_ID", "9999~999~999", Std("ca", "bc_phn"), "personal health number|bc phn|bc services card|carecard",
        "phn|health card",
    ),
    IdRule("ca-ohip", "MEDICAL_ID", "9999~999~999~[A-Z]{0,2}", None, "ohip|ontario health card|health card number|health card no"),
    IdRule("ca-ramq", "MEDICAL_ID", "aaaa ?9999 ?9999", None, "ramq|numéro d'assurance maladie|carte d'assurance maladie"),
    IdRule(
        "cl-rut", _PERSON, "9?9~999~999~[0-9K]", Std("cl", "rut"),
        "rol único tributario|rol único nacional|rut chileno|rut nº|rut/run|rut:|run:|chilean rut", "rut|r.u.t.", "9?9.999.999-[0-9Kk]",
    ),
    IdRule(
        "co-nit", _TAX, "9{3}.?9{3}.?9{3}-?9|9{8,10}-9", Std("co", "nit"), "número de identificación tributaria|nit nº|nit colombia|nit:",
        "nit",
    ),
    IdRule(
        "co-cedula", _PERSON, "9{1,3}.999.999|9.999.999.999|9{6,10}", None,
        f"cédula de ciudadanía|cédula ciudadanía|cédula de extranjería|c.c. no|{_CEDULA}",
    ),
    IdRule(
        "cr-cpf", _PERSON, "0?9-?9{4}-?9{4}", Std("cr", "cpf"), "cédula de persona física|cédula física|cédula costa rica",
        f"{_CEDULA}|cpf",
    ),
    IdRule("cr-cpj", _TAX, "9-?999-?999999", Std("cr", "cpj"), "cédula de persona jurídica|cédula jurídica", "cpj|cédula"),
    IdRule("cr-dimex", _PERSON, "[1]9{10,11}", Std("cr", "cr"), "dimex|cr:|cédula de residencia", "cédula"),
    IdRule(
        "cu-ni", _PERSON, "9{11}", Std("cu", "ni"), "número de identidad permanente|carné de identidad|carnet de identidad",
        "número de identidad|identidad|ni:",
    ),
    IdRule(
        "do-cedula", _PERSON, "999-?9999999-?9", Std("do", "cedula"), f"cédula de identidad y electoral|cédula dominicana|{_CEDULA}", "",
        "999-9999999-9",
    ),
    IdRule(
        "do-rnc", _TAX, "9-?99-?99999-?9", Std("do", "rnc"), "rnc|registro nacional del contribuyente|registro nacional de contribuyentes",
    ),
    IdRule("ec-ci", _PERSON, "9{9}-?9", Std("ec", "ci"), f"cédula ecuatoriana|{_CEDULA}|cédula de ciudadanía", "ci:|c.i.|identificación"),
    IdRule(
        "ec-ruc", _TAX, "9{10}-?9{3}", Std("ec", "ruc"), "registro único de contribuyentes|ruc nº|número de ruc|ruc ecuador|ruc:", "ruc",
    ),
    IdRule(
        "gt-nit", _TAX, "9{5,8}-?[0-9K]", Std("gt", "nit"),
        "número de identificación tributaria|nit guatemala|guatemala tax|guatemalan tax|nit nº", "nit",
    ),
    IdRule("gt-cui", _PERSON, "9999 ?99999 ?9999", None, "código único de identificación|documento personal de identificación|dpi|cui"),
    IdRule(
        "hn-id", _PERSON, "9999-?9999-?99999", None, "documento nacional de identificación|tarjeta de identidad|número de identidad|rtn",
    ),
    IdRule(
        "mx-curp", _PERSON, "[A-Z]{4}9{6}[HMX][A-Z]{5}x9", Std("mx", "curp"), "curp|clave única de registro de población", "",
        "[A-Z]{4}9{6}[HMX][A-Z]{5}x9",
    ),
    IdRule(
        "mx-rfc", _TAX, "[A-ZÑ&]{3,4}[ -]?9{6}[ -]?(xxx)?", Std("mx", "rfc"),
        "rfc:|rfc del|clave de rfc|registro federal de contribuyentes", "rfc|r.f.c.|mexican tax|tax id|tax number",
        "[A-Z]{4}-?9{6}-?x[0-9A-Z][0-9A]",
    ),
    IdRule(
        "mx-nss", _PERSON, "99-?99-?99-?9999-?9", None, "número de seguridad social|número de seguro social|nss|imss|nº de seguro social",
    ),
    IdRule(
        "mx-voter", _PERSON, "[A-Z]{6}9{8}[HM]999", None, "clave de elector|credencial para votar|credencial ine", "",
        "[A-Z]{6}9{8}[HM]999",
    ),
    IdRule("ni-cedula", _PERSON, "999-?9{6}-?9999a", None, f"cédula nicaragüense|{_CEDULA}", "", "999-9{6}-9999a"),
    IdRule("pa-ruc", _PERSON, "(9{1,2}|PE|E|N)-9{2,4}-9{3,6}", None, f"cédula panameña|{_CEDULA}|ruc panamá"),
    IdRule("pe-cui", _PERSON, "9{8}-?9?", Std("pe", "cui"), "dni|documento nacional de identidad|cédula única de identidad|cui"),
    IdRule(
        "pe-ruc", _TAX, "[12][0-9]{10}", Std("pe", "ruc"), "registro único de contribuyentes|ruc nº|número de ruc|ruc perú|sunat|ruc:",
        "ruc",
    ),
    IdRule("py-ruc", _TAX, "9{4,8}-?9", Std("py", "ruc"), "registro único de contribuyentes|ruc nº|ruc paraguay|ruc:", "ruc"),
    IdRule(
        "sv-nit", _TAX, "9999-?9{6}-?999-?9", Std("sv", "nit"), "número de identificación tributaria|nit el salvador|nit nº", "nit",
        "9999-9{6}-999-9",
    ),
    IdRule("sv-dui", _PERSON, "9{8}-?9", None, "documento único de identidad|dui"),
    IdRule("uy-rut", _TAX, "99~9{6}~999~9", Std("uy", "rut"), "registro único tributario|rut uruguay|rut nº", "rut"),
    IdRule("uy-ci", _PERSON, "9.?999.?999-?9", None, f"cédula uruguaya|{_CEDULA}|c.i."),
    IdRule("ve-rif", _TAX, "[VEJPG]-?9{8}-?9", Std("ve", "rif"), "rif|registro de información fiscal", "", "[VEJPG]-9{8}-9"),
    IdRule("ve-cedula", _PERSON, "[VE]-?9{1,2}.?999.?999", None, _CEDULA),
)
# fmt: on
