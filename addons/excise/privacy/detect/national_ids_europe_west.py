"""
Identity and tax numbers of western, southern and northern Europe.
"""

from __future__ import annotations

from excise.privacy.detect import national_ids_checks as check
from excise.privacy.detect.national_ids_checks import Std
from excise.privacy.detect.national_ids_rules import IdRule

_PERSON, _TAX, _HEALTH = "NATIONAL_ID", "TAX_ID", "MEDICAL_ID"
_VAT = (
    "vat number|vat no|vat id|vat reg|vat registration|vatin|vat nr|eu vat|ust-idnr|ust-id-nr|ustid|ust-id"
    "|umsatzsteuer-identifikationsnummer|umsatzsteuer-id|uid-nummer|uid-nr|uid:|numéro de tva|n° tva|no tva|nº tva|tva intracommunautaire"
    "|tva intra|partita iva|p. iva|p.iva|piva|btw-nummer|btw nummer|btw-id|btw nr|btw-nr|btw-identificatienummer|momsnummer|momsnr"
    "|momsregistreringsnummer|moms nr|mva-nummer|alv-numero|alv-tunnus|número de iva|nif-iva|nif iva|nip ue|vat ue|numer vat|dič|ič dph"
    "|dph číslo|adószám|közösségi adószám|cod tva|cod de tva|cod fiscal|kmkr|käibemaksukohustuslase|pvn reģistrācijas|pvm kodas"
    "|pvm mokėtojo|id za ddv|ddv številka|id številka za ddv|pdv id|pdv broj|ддс номер|ддс №|αφμ|ΦΠΑ|αριθμός φπα"
)
_EU = (
    "ATU99999999|BE[01]9{9}|BG9{9,10}|CY99999999a|CZ9{8,10}|DE999999999|DK99999999|EE999999999|EL999999999|ESx9999999x|FI99999999"
    "|FRxx999999999|HR9{11}|HU99999999|IE9x99999[A-Z]{1,2}|IT9{11}|LT(9{9}|9{12})|LU99999999|LV9{11}|MT99999999|NL9{9}B99|PL9{10}|PT9{9}"
    "|RO9{6,10}|SE9{12}|SI99999999|SK9{10}|(GB|XI)9{9}(999)?"
)
_EU_WRITTEN = (
    "((AT ?)?U|BE|BG|CZ|DE|DK|EE|EL|GR|FI|HR|HU|IT|LT|LU|LV|MT|PL|PT|RO|SE|SI|SK|GB|XI)[ -]?9([ .-]?9){6,12}|CY[ -]?9{8}a"
    "|ES[ -]?x[ -]?9{7}[ -]?x|FR ?xx ?999 ?999 ?999|IE ?9x99999[A-Z]{1,2}|NL ?9{9}B99|CHE[ -]?999.?999.?999( ?(MWST|TVA|IVA|VAT))?"
)

# fmt: off
WEST = (
    IdRule("eu-oss", _TAX, "(EU|IM) ?9{9,10}", Std("eu", "oss"), "one stop shop|import one stop|ioss|oss number"),
    IdRule("eu-vat", _TAX, _EU_WRITTEN, check.vat, _VAT, "mwst|tva|iva|btw|moms|mva|alv|nip|dph|pvn|pvm|ddv|pdv|ddc", _EU),
    IdRule("ad-nrt", _TAX, "[ACDEFGLOPU][ -]?9{6}[ -]?a", Std("ad", "nrt"), "nrt|número de registre tributari", "", "[ACDEFGLOPU]-9{6}-a"),
    IdRule(
        "at-vnr", _PERSON, "9999[ -]?9{6}", Std("at", "vnr"),
        "sozialversicherungsnummer|svnr|sv-nummer|sv-nr|svnummer|vsnr|versicherungsnummer|e-card", "vnr",
    ),
    IdRule("at-tin", _TAX, "99[ -]?999[/ ]?9999", Std("at", "tin"), "abgabenkontonummer|steuernummer|abgabenkonto", "st.nr"),
    IdRule(
        "be-nn", _PERSON, "99[. ]?99[. ]?99[ -]?999[. ]?99", Std("be", "ssn"),
        "rijksregisternummer|numéro de registre national|numéro national|registre national|niss|insz|nationalregisternummer|rijksregister"
        "|numéro niss|belgian national|national register number", "nn:|bis|sécurité sociale|ssn|rrn", "99.99.99-999.99",
    ),
    IdRule(
        "be-vat", _TAX, "([01]|[(]0[)])?999.?999.?999", Std("be", "vat"),
        "ondernemingsnummer|numéro d'entreprise|btw|kbo nummer|kbo-nummer|bce|nwst|enterprise number|numéro de tva", "kbo|tva|bce",
    ),
    IdRule(
        "be-eid", _PERSON, "999-?9999999-?99", Std("be", "eid"), "identiteitskaart|carte d'identité|eid number|eid nummer|kaartnummer",
        "eid",
    ),
    IdRule(
        "ch-ahv", _PERSON, "756.?9999.?9999.?99", Std("ch", "ssn"),
        "ahv|ahv-nummer|ahvn13|ahv-nr|numéro avs|n° avs|avs|numero avs|sozialversicherungsnummer|oasi|nss", "",
        "756.9999.9999.99|756 9999 9999 99",
    ),
    IdRule(
        "ch-uid", _TAX, "CHE[ -]?999.?999.?999( ?(MWST|TVA|IVA|VAT))?", Std("ch", "uid"),
        "uid|unternehmens-identifikationsnummer|mwst-nummer|mwst-nr|mwst", "", "CHE-999.999.999",
    ),
    IdRule("cy-tic", _TAX, "9{8}a", Std("cy", "vat"), "cyprus tax|αριθμός εγγραφής φ.π.α|fpa:|φπα|tax identification code|cyprus tic"),
    IdRule(
        "de-idnr", _TAX, "99[ /]?999[ /]?999[ /]?999", Std("de", "idnr"),
        "steuer-id|steuerid|steueridentifikationsnummer|steuer-identifikationsnummer|steuer-idnr|steuer-id-nr"
        "|steuerliche identifikationsnummer|identifikationsnummer|steuer identifikationsnummer|idnr|tax id germany|german tax",
        "steuernummer",
    ),
    IdRule(
        "de-stnr", _TAX, "9{2,3}[ /]?9{3,4}[ /]?9{4,5}([ /]?9)?|9{13}", check.german_tax,
        "steuernummer|steuer-nr|steuernr|st.-nr|st-nr|stnr|st.nr", "finanzamt",
    ),
    IdRule("de-vat", _TAX, "9{9}", Std("de", "vat"), "", "ust-idnr|ust-id|ustid|umsatzsteuer-identifikationsnummer|umsatzsteuer-id"),
    IdRule(
        "de-kvnr", _HEALTH, "a999~999~999", check.kvnr,
        "krankenversichertennummer|versichertennummer|kvnr|krankenversicherungsnummer|krankenkassennummer|versicherten-nr|versichertennr"
        "|krankenkasse|gesundheitskarte|egk|kv-nummer|health insurance number", "krankenversicherung|versicherung|insurance",
    ),
    IdRule(
        "de-rvnr", _PERSON, "99~9{6}~a~999", check.german_pension,
        "rentenversicherungsnummer|sozialversicherungsnummer|rvnr|sv-nummer|sv-nr|svnr|versicherungsnummer|rv-nummer|vsnr",
    ),
    IdRule(
        "de-ausweis", _PERSON, "[LMNPRTVWXY][0-9CFGHJKLMNPRTVWXYZ]{8}9?D?", None,
        "personalausweisnummer|ausweisnummer|personalausweis-nr|personalausweis nr|ausweis-nr|personalausweis",
    ),
    IdRule("dk-cpr", _PERSON, "999999[ -]?9999", check.danish, "cpr|cpr-nummer|cpr-nr|cprnr|cpr nummer|personnummer|danish personal"),
    IdRule(
        "dk-cvr", _TAX, "99 ?99 ?99 ?99", Std("dk", "cvr"), "cvr|cvr-nummer|cvr-nr|se-nummer|momsnummer|momsregistreringsnummer", "moms",
    ),
    IdRule("ee-ik", _PERSON, "[1-8]9{10}", Std("ee", "ik"), "isikukood|isikukoodi|estonian id", "ik"),
    IdRule(
        "ee-kmkr", _TAX, "9{9}|9{8}", lambda n: Std("ee", "kmkr")(n) or Std("ee", "registrikood")(n),
        "kmkr|käibemaksukohuslase|käibemaksukohustuslase|registrikood|registrikoodi", "registry code",
    ),
    IdRule(
        "es-dni", _PERSON, "99.?999.?999~a", Std("es", "dni"),
        "dni|nif|documento nacional de identidad|número de identificación fiscal|d.n.i.", "documento|identificación", "99999999-?a",
    ),
    IdRule(
        "es-nie", _PERSON, "[XYZ]~9{7}~a", Std("es", "nie"),
        "nie|número de identidad de extranjero|número de identificación de extranjero|n.i.e.|extranjero", "nif|dni|documento",
        "[XYZ]-?9{7}-?a",
    ),
    IdRule(
        "es-cif", _TAX, "a~9{7}~x", Std("es", "nif"), "cif|código de identificación fiscal|c.i.f.|nif|número de identificación fiscal",
        "iva|empresa", "[ABEGHJNPQRSUVW]-9{7}-?x|[BJG]9{7}x",
    ),
    IdRule(
        "es-nss", _PERSON, "99[ /-]?9{8}[ /-]?99|99[ /-]?9{10}", None,
        "número de la seguridad social|número de seguridad social|nº seguridad social|número de afiliación|naf|nuss|nss|seguridad social",
    ),
    IdRule(
        "fi-hetu", _PERSON, "9{6}[-+A-FU-Y]999[0-9A-Y]", check.hetu,
        "hetu|henkilötunnus|henkilötunnukseni|henkilötunnukse|personbeteckning|sotu|sosiaaliturvatunnus|finnish personal", "",
        "9{6}[-+A-FU-Y]999[0-9A-FHJ-NPR-Y]",
    ),
    IdRule(
        "fi-ytunnus", _TAX, "9{7}-?9", Std("fi", "ytunnus"), "y-tunnus|ytunnus|y-tunnuk|fo-nummer|business id finland|alv-numero", "alv",
    ),
    IdRule("fi-veronumero", _TAX, "9{12}", Std("fi", "veronumero"), "veronumero|skattenummer"),
    IdRule("fo-vn", _TAX, "999 ?999", Std("fo", "vn"), "vinnutal|faroe islands|v-number|v-tal|faroese tax|vn-number"),
    IdRule(
        "fr-nir", _PERSON, "[1-478]~99~99~(99|2[AB])~999~999(~99)?", Std("fr", "nir"),
        "numéro de sécurité sociale|n° de sécurité sociale|sécurité sociale|numéro de sécu|nir|insee|n° sécu|no sécu|numéro insee"
        "|numéro d'inscription au répertoire|numéro ss|carte vitale|french social security|nss|n° ss|numéro secu", "sécu",
        "[12] 99 (0[1-9]|1[0-2]|[2-9]9) (99|2[AB]) 999 999 99|[12]99(0[1-9]|1[0-2])(99|2[AB])999999 99|[12]99(0[1-9]|1[0-2])2[AB]9{8}",
    ),
    IdRule(
        "fr-nif", _TAX, "[0-3]9[ ]?99 ?999 ?999 ?999", Std("fr", "nif"),
        "numéro fiscal|numéro d'immatriculation fiscale|référence fiscale|n° fiscal|spi|identifiant fiscal|nif|french tax",
    ),
    IdRule("fr-siret", _TAX, "999~999~999~99999", Std("fr", "siret"), "siret|n° siret|numéro siret"),
    IdRule("fr-siren", _TAX, "999~999~999", Std("fr", "siren"), "siren:|n° siren|numéro siren|siren number|rcs", "siren"),
    IdRule(
        "fr-tva", _TAX, "FR ?xx ?999 ?999 ?999|xx ?999 ?999 ?999", Std("fr", "tva"), "tva intracommunautaire|numéro de tva|n° tva", "tva",
    ),
    IdRule(
        "fr-cni", _PERSON, "9{12}|[A-Z0-9]{2}9{2}[A-Z0-9]{5}", None,
        "carte nationale d'identité|carte d'identité n°|numéro de carte d'identité|cni:|cni n°|numéro cni",
    ),
    IdRule(
        "gb-nhs", _HEALTH, "999~999~9999", Std("gb", "nhs"), "nhs number|nhs no|nhs num|nhs #|nhs id|nhs:|national health service|nhs",
        "chi number|patient|health",
    ),
    IdRule(
        "gb-nino", _PERSON, "[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]~99~99~99~[A-D]?", check.nino,
        "nino|national insurance|ni number|ni no|nat ins|ni num|n.i. number", "ni",
        "[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] 99 99 99 [A-D]|[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]9{6}[A-D]",
    ),
    IdRule(
        "gb-utr", _TAX, "99999~99999|999~999~9999", Std("gb", "utr"),
        "unique taxpayer reference|unique tax reference|utr number|utr:|utr no|taxpayer reference|self assessment", "utr",
    ),
    IdRule("gb-vat", _TAX, "(GB ?)?999 ?9999 ?99( ?999)?", Std("gb", "vat"), "vat registration|vat number|vat reg|vat no|uk vat"),
    IdRule("gb-upn", _PERSON, "a9{11}x", Std("gb", "upn"), "unique pupil number|upn", "pupil"),
    IdRule(
        "gr-amka", _PERSON, "9{6}[ -]?9{5}", Std("gr", "amka"),
        "amka|αμκα|α.μ.κ.α|αριθμός μητρώου κοινωνικής ασφάλισης|greek social security",
    ),
    IdRule("gr-afm", _TAX, "9{9}", Std("gr", "vat"), "αφμ|α.φ.μ|afm|αριθμός φορολογικού μητρώου|greek tax|a.f.m", "φπα"),
    IdRule("gr-adt", _PERSON, "[A-ZΑ-Ω]{1,2}[ -]?9{6}", None, "αριθμός δελτίου ταυτότητας|αδτ|δελτίο ταυτότητας|αριθμός ταυτότητας|α.δ.τ"),
    IdRule("ie-pps", _PERSON, "9{7}~[A-W][A-IWT]?", Std("ie", "pps"), "pps|ppsn|pps number|personal public service|pps no"),
    IdRule("is-kennitala", _PERSON, "9{6}-?9{4}", Std("is", "kennitala"), "kennitala|kennitölu|kennitalan|icelandic id|kt.", "kt"),
    IdRule("is-vsk", _TAX, "9{5,6}", Std("is", "vsk"), "vsk númer|icelandic vat|iceland vat|vsk nr|virðisaukaskattsnúmer|vsk-númer|vsk:"),
    IdRule(
        "it-cf", _PERSON, "[A-Z]{6}~[0-9LMNP-V]{2}~[A-EHLMPRST][0-9LMNP-V]{2}~[A-Z][0-9LMNP-V]{3}~[A-Z]", Std("it", "codicefiscale"),
        "codice fiscale|cod. fiscale|cod fiscale|codicefiscale|c.f.|cod. fisc|fiscal code|cf:|tessera sanitaria", "cf",
        "[A-Z]{6}9[0-9LMNP-V][A-EHLMPRST]9[0-9LMNP-V][A-Z][0-9LMNP-V]{3}[A-Z]|[A-Z]{6}99[A-EHLMPRST]99[A-Z]999[A-Z]"
        "|[A-Z]{6} 99[A-EHLMPRST]99 [A-Z]999[A-Z]",
    ),
    IdRule(
        "it-iva", _TAX, "9{11}", Std("it", "iva"), "partita iva|p. iva|p.iva|piva|p. i.v.a|partita i.v.a|italian vat",
        "iva|codice fiscale|cf",
    ),
    IdRule(
        "it-cie", _PERSON, "[A-Z]{2} ?(9{5} ?[A-Z]{2}|9{7})", None,
        "carta d'identità|carta di identità|carta d’identità|carta identità|numero carta d'identità|cie",
    ),
    IdRule("li-peid", _TAX, "9{4,12}", Std("li", "peid"), "peid"),
    IdRule(
        "lu-matricule", _PERSON, "(19|20)99~99~99~99999|(19|20)9{11}", None,
        "matricule|numéro d'identification national|luxembourg id|sozialversicherungsnummer|matricule nationale|numéro de matricule",
    ),
    IdRule("lu-tva", _TAX, "9{8}", Std("lu", "tva"), "", "tva"),
    IdRule("mc-tva", _TAX, "(FR ?)?99 ?9999 ?99999|(FR ?)?99 ?999 ?999 ?999", Std("mc", "tva"), "", "tva"),
    IdRule("mt-vat", _TAX, "9999-?9999", Std("mt", "vat"), "", "taxxa"),
    IdRule("mt-id", _PERSON, "9{3,7}[APGMLHBZ]", None, "maltese id|karta tal-identità|numru tal-karta|id card malta"),
    IdRule(
        "nl-bsn", _PERSON, "9999.?99.?999|999[ .-]?999[ .-]?999|99 ?99 ?99 ?99 ?9", Std("nl", "bsn"),
        "burgerservicenummer|bsn|bsn-nummer|bsn nummer|sofinummer|sofi-nummer|sofi nummer|citizen service number|burger service nummer",
        "bsn|onderwijsnummer",
    ),
    IdRule(
        "nl-btw", _TAX, "(NL ?)?9{8,9} ?B ?99", Std("nl", "btw"),
        "btw-nummer|btw nummer|btw-id|btw|btw-identificatienummer|omzetbelastingnummer",
    ),
    IdRule("nl-onderwijs", _PERSON, "[1]099.?99.?999", Std("nl", "onderwijsnummer"), "onderwijsnummer"),
    IdRule("nl-kvk", _TAX, "9{8}", None, "kvk-nummer|kvk nummer|kvk nr|kvk:|kvknummer|kamer van koophandel"),
    IdRule(
        "nl-document", _PERSON, "[A-NP-Z]{2}[0-9A-NP-Z]{6}9", Std("nl", "identiteitskaartnummer"),
        "identiteitskaartnummer|identiteitskaart|documentnummer",
    ),
    IdRule(
        "no-fnr", _PERSON, "9{6}[ -]?9{5}", Std("no", "fodselsnummer"),
        "fødselsnummer|fnr|fødselsnr|personnummer|d-nummer|dnr|norwegian national|norwegian id|birth number",
    ),
    IdRule(
        "no-orgnr", _TAX, "999 ?999 ?999( ?MVA)?", lambda n: Std("no", "orgnr")(n.upper().replace("MVA", "")),
        "organisasjonsnummer|orgnr|org.nr|org nr|org.nummer|mva-nummer|mva nummer", "mva",
    ),
    IdRule(
        "pt-nif", _TAX, "999 ?999 ?999", Std("pt", "nif"),
        "nif|número de identificação fiscal|número de contribuinte|contribuinte|nipc|n.i.f.|nif:", "iva",
    ),
    IdRule(
        "pt-cc", _PERSON, "99999999 ?9 ?xx9", Std("pt", "cc"),
        "cartão de cidadão|cartão do cidadão|número do cartão de cidadão|número do cc|bilhete de identidade", "",
        "99999999 9 [A-Z]{2}9|99999999 9[A-Z]{2}9",
    ),
    IdRule("pt-bi", _PERSON, "9{8}( ?9)?", None, "bilhete de identidade|cartão de cidadão|número de identificação civil|nic:"),
    IdRule(
        "pt-niss", _PERSON, "[12]9{2} ?9{3} ?9{3} ?9{2}|[12]9{10}", None,
        "niss|número de identificação de segurança social|número da segurança social|segurança social",
    ),
    IdRule(
        "se-pnr", _PERSON, "(99)?9{6}[-+ ]?9{4}", check.personnummer,
        "personnummer|personnumret|samordningsnummer|svenskt personnummer|swedish personal|personnr|pnr:|pers.nr|personal identity number",
        "pnr",
    ),
    IdRule(
        "se-orgnr", _TAX, "(16)?9{6}-?9{4}", Std("se", "orgnr"), "organisationsnummer|organisationsnr|org.nr|orgnr|org nr|org.nummer",
        "moms",
    ),
    IdRule("se-vat", _TAX, "(SE ?)?9{12}", lambda n: Std("se", "vat")(n), "momsregistreringsnummer|vat-nummer", "moms"),
    IdRule("sm-coe", _TAX, "(SM ?)?9{5}", Std("sm", "coe"), "codice operatore economico|coe:|c.o.e.", "coe:"),
)
# fmt: on
