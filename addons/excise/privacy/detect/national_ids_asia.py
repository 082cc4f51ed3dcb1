"""
Identity and tax numbers of Asia and the Middle East.
"""

from __future__ import annotations

from excise.privacy.detect import national_ids_checks as check
from excise.privacy.detect.national_ids_checks import Std
from excise.privacy.detect.national_ids_rules import IdRule

_PERSON, _TAX = "NATIONAL_ID", "TAX_ID"

# fmt: off
ASIA = (
    IdRule(
        "ae-emirates", _PERSON, "784~9999~9{7}~9", check.emirates,
        "emirates id|eid number|emirates identity|رقم الهوية الإماراتية|الهوية الإماراتية|بطاقة الهوية|uae id|رقم الهوية", "",
        "784[- ](19|20)99[- ]9{7}[- ]9|784(19|20)9{10}",
    ),
    IdRule("ae-trn", _TAX, "[1]009{12}", None, "trn|tax registration number|uae vat|رقم التسجيل الضريبي"),
    IdRule("bd-nid", _PERSON, "9{10}|9{13}|9{17}", None, "জাতীয় পরিচয়পত্র|জাতীয় পরিচয়|bangladesh nid|bangladeshi nid|এনআইডি"),
    IdRule("bh-cpr", _PERSON, "9{9}", None, "bahrain cpr|الرقم الشخصي|الرقم السكاني|bahrain id|bahrain personal|cpr number"),
    IdRule(
        "cn-ric", _PERSON, "[1-9]9{5}[ ]?(18|19|20)9{6}[ ]?9{3}[0-9X]", check.chinese_identity,
        "身份证|身份證|居民身份证|公民身份号码|身份号码|resident identity card|chinese id|resident identity|shenfenzheng|idcard|china id"
        "|ric number|sfzh", "ric", "[1-9]9{5}(18|19|20)99[01]9[0-3]9{4}[0-9X]",
    ),
    IdRule(
        "cn-uscc", _TAX, "[0-9A-HJ-NPQRTUWXY]{2}9{6}[0-9A-HJ-NPQRTUWXY]{10}", Std("cn", "uscc"),
        "统一社会信用代码|社会信用代码|統一社會信用代碼|unified social credit|uscc|信用代码|纳税人识别号|税号", "",
        "[159Y][1-39]9{6}[0-9A-HJ-NPQRTUWXY]{9}[A-HJ-NPQRTUWXY]",
    ),
    IdRule(
        "hk-hkid", _PERSON, "[A-Z]{1,2}9{6}[ ]?([(][0-9A][)]|[0-9A])", check.hong_kong,
        "hkid|hong kong id|hong kong identity|香港身份证|香港身份證|身份證號碼|身份證|hkic|hk id",
    ),
    IdRule(
        "id-nik", _PERSON, "9{6}[ .]?9{6}[ .]?9{4}", check.indonesian,
        "nik|nomor induk kependudukan|no. ktp|no ktp|nomor ktp|ktp|nomor identitas|indonesian id",
    ),
    IdRule(
        "id-npwp", _TAX, "99.?999.?999.?9-?999.?999|9{16}",
        lambda n: Std("id", "npwp")(n) or check.indonesian(n) if len(check.compact(n)) == 16 else Std("id", "npwp")(n),
        "npwp|nomor pokok wajib pajak", "", "99.999.999.9-999.999",
    ),
    IdRule(
        "il-id", _PERSON, "9{7,8}-?9|9{1,2} ?9{7}", Std("il", "idnr"),
        "תעודת זהות|ת.ז.|ת\"ז|ת״ז|מספר זהות|teudat zehut|mispar zehut|israeli id|israel id|teudat-zehut", "t.z.|tz|idnr|זהות",
    ),
    IdRule("il-hp", _TAX, "[5] ?9{8}|[5]9-?9{6}-?9", Std("il", "hp"), "ח.פ.|ח\"פ|ח״פ|מספר חברה|חברה|israeli company", "hp"),
    IdRule(
        "in-aadhaar", _PERSON, "9999~9999~9999", check.aadhaar, "aadhaar|aadhar|adhaar|uidai|आधार|आधार संख्या|आधार नंबर|adhar|aadhaar card",
        "uid:", "[2-9]999 9999 9999|[2-9]999-9999-9999",
    ),
    IdRule("in-vid", _PERSON, "[2-9]999~9999~9999~9999", Std("in", "vid"), "virtual id|aadhaar vid|aadhaar virtual", "vid"),
    IdRule(
        "in-pan", _TAX, "[A-Z]{3}[ABCEFGHJKLPT][A-Z]~9999~[A-Z]", None,
        "pan:|pan number|pan card|pan no|pan #|permanent account number|पैन", "", "[A-Z]{3}[ABCFGHJLPT][A-Z]9{4}[A-Z]",
    ),
    IdRule(
        "in-gstin", _TAX, "[0-3]9[A-Z]{5}9{4}[A-Z][0-9A-Z]Z[0-9A-Z]", Std("in", "gstin"), "gstin|gst|gst number|gst no|gst in", "",
        "[0-3]9[A-Z]{5}9{4}[A-Z][0-9A-Z]Z[0-9A-Z]",
    ),
    IdRule(
        "in-epic", _PERSON, "[A-Z]{3}~9{7}", Std("in", "epic"),
        "voter id|epic number|epic no|elector photo|voter card|मतदाता|voter's id|electoral card", "epic|voter",
    ),
    IdRule("iq-id", _PERSON, "(19|20)9{10}", None, "iraqi national|البطاقة الوطنية"),
    IdRule(
        "ir-melli", _PERSON, "9{3}-?9{6}-?9", lambda n: _melli(check.compact(n)),
        "کد ملی|كد ملي|شماره ملی|code melli|kode melli|codemelli|melli code|national code iran|iranian national",
    ),
    IdRule("jo-id", _PERSON, "[29]9{9}", None, "jordanian national|الرقم الوطني"),
    IdRule(
        "jp-mynumber", _PERSON, "9999~9999~9999", Std("jp", "in_"),
        "マイナンバー|個人番号|my number|mynumber|kojin bangō|individual number",
    ),
    IdRule("jp-cn", _TAX, "9[ -]?9999[ -]?9999[ -]?9999", Std("jp", "cn"), "法人番号|hōjin bangō|cn:|corporate number|houjin bangou"),
    IdRule("jp-residence", _PERSON, "[A-Z]{2}9{8}[A-Z]{2}", None, "在留カード|residence card|zairyu"),
    IdRule(
        "kr-rrn", _PERSON, "9{6}[ -]?[0-9]9{6}", check.korean_resident,
        "주민등록번호|주민번호|주민 등록 번호|외국인등록번호|resident registration|rrn|korean id|jumin", "alien registration",
        "9{6}-[1-8]9{6}",
    ),
    IdRule("kr-brn", _TAX, "999-?99-?99999", Std("kr", "brn"), "사업자등록번호|사업자 등록 번호|사업자번호|korean business", "brn"),
    IdRule(
        "kw-civil", _PERSON, "[1-3]9{11}", check.kuwaiti,
        "kuwait civil id|الرقم المدني|البطاقة المدنية|civil id|civil number|kuwaiti civil",
    ),
    IdRule(
        "kz-iin", _PERSON, "9{12}", check.kazakh,
        "иин|жсн|индивидуальный идентификационный номер|iin|бин|bin kz|бизнес-идентификационный|жеке сәйкестендіру", "бсн",
    ),
    IdRule("lk-nic", _PERSON, "9{9}[VX]|(19|20)9{10}", None, "sri lanka nic|sri lankan|nic number|nic no|හැඳුනුම්පත|nic:"),
    IdRule("mo-bir", _PERSON, "[1578]/?9{6}/?[(]?9[)]?", None, "macau id|macao id|澳門居民身份證|澳门身份证|macau resident|bir number"),
    IdRule(
        "my-nric", _PERSON, "9{6}[ -]?99[ -]?9{4}", check.malaysian,
        "nric|mykad|kad pengenalan|no. kad pengenalan|no kp|no. kp|malaysian ic|ic number|ic no|i/c no|myprid|no ic|mykid", "",
        "9{6}-99-9{4}",
    ),
    IdRule(
        "my-tin", _TAX, "(IG|SG|OG|C|CS|D|F|FA|PT|TA|TC|TN|TR|TP|J|LE)9{9,12}", None,
        "malaysian tax|nombor cukai|no. cukai|cukai pendapatan",
    ),
    IdRule("om-id", _PERSON, "9{7,9}", None, "omani id|oman civil|oman id|الرقم المدني"),
    IdRule("ph-psn", _PERSON, "9999-?9999-?9999-?9999", None, "philsys|philid|psn|pcn|philippine national id|phil id"),
    IdRule("ph-tin", _TAX, "999-?999-?999(-?9{3,5})?", None, "philippine tin|tin ph|bir tin|bir no"),
    IdRule("ph-sss", _PERSON, "99-?9{7}-?9", None, "sss number|sss no|social security system|umid|crn|sss id|sss:"),
    IdRule(
        "pk-cnic", _PERSON, "9{5}[ -]?9{7}[ -]?9", Std("pk", "cnic"),
        "cnic|nicop|شناختی کارڈ|قومی شناختی|computerised national identity|computerized national identity|nadra|pakistani id", "",
        "[1-7]9{4}-9{7}-9",
    ),
    IdRule("pk-ntn", _TAX, "9{7}-?9", None, "ntn|national tax number"),
    IdRule("qa-qid", _PERSON, "[23]9{10}", None, "qid|qatar id|qatari id|رقم البطاقة الشخصية|qatar residence"),
    IdRule(
        "sa-id", _PERSON, "[12]9{9}", check.luhn_digits,
        "saudi id|saudi national|iqama|رقم الهوية|الهوية الوطنية|رقم الإقامة|إقامة|هوية مقيم|السجل المدني|saudi iqama|ksa id|muqeem",
    ),
    IdRule("sa-vat", _TAX, "[3]9{13}[3]", None, "الرقم الضريبي|saudi vat|zatca|ksa vat|vat number|vat registration|vat no"),
    IdRule(
        "sg-nric", _PERSON, "[STFGM]~9{7}~[A-Z]", check.singapore,
        "nric|fin|nric/fin|singapore ic|fin number|fin no|singapore id|identification card|nric no", "", "[STFGM]9{7}[A-Z]",
    ),
    IdRule(
        "sg-uen", _TAX, "9{8,9}[A-Z]|[TSR]9{2}[A-Z]{2}9{4}[A-Z]", Std("sg", "uen"), "uen|unique entity number|acra|unique entity", "",
        "[TSR]9{2}[A-Z]{2}9{4}[A-Z]",
    ),
    IdRule(
        "th-pin", _PERSON, "9[ -]?9999[ -]?99999[ -]?99[ -]?9", Std("th", "tin"),
        "เลขประจำตัวประชาชน|บัตรประชาชน|เลขบัตรประชาชน|หมายเลขบัตรประชาชน|บัตรประจำตัวประชาชน|thai id|thai national|เลขประจำตัว"
        "|thailand id|thai citizen", "citizen id|pin:", "[1-9]-9999-99999-99-9",
    ),
    IdRule(
        "th-tin", _TAX, "9[ -]?9999[ -]?99999[ -]?99[ -]?9|9-99-9-999-99999-9", Std("th", "tin"),
        "เลขประจำตัวผู้เสียภาษี|เลขผู้เสียภาษี|ทะเบียนนิติบุคคล|thai tax|thai tin|memorandum of association|moa:", "moa",
    ),
    IdRule(
        "tw-id", _PERSON, "[A-Z][1289A-D]9{8}", check.taiwan,
        "身分證|身分證字號|身份證字號|國民身分證|統一證號|居留證|taiwan id|taiwanese id|taiwan national|中華民國身分證|roc id|arc number"
        "|身分證統一編號", "", "[A-Z][12]9{8}",
    ),
    IdRule(
        "tw-ubn", _TAX, "9{8}", Std("tw", "ubn"),
        "統一編號|統編|公司統編|ubn|營利事業統一編號|taiwan business|unified business number|gui number",
    ),
    IdRule("tw-nhi", "MEDICAL_ID", "9{12}", None, "健保卡|健保卡號|nhi card"),
    IdRule("uz-pinfl", _PERSON, "[3-6]9{13}", None, "пинфл|pinfl|жшшир|jshshir|пинфл номер"),
    IdRule("uz-inn", _TAX, "[2-9]9{8}", None, "стир|stir raqami|stir:"),
    IdRule(
        "vn-mst", _TAX, "9{10}([ -]{0,3}9{3})?|99.99.999.999", Std("vn", "mst"),
        "mã số thuế|mst|ma so thue|mã số doanh nghiệp|vietnam tax|msdn",
    ),
    IdRule(
        "vn-cccd", _PERSON, "0[0-9]{11}|9{3} ?9{3} ?9{3}", None,
        "căn cước công dân|cccd|chứng minh nhân dân|cmnd|số căn cước|số định danh|căn cước|can cuoc",
    ),
    IdRule("np-nid", _PERSON, "9{3}-?9{3}-?9{3}-?9", None, "राष्ट्रिय परिचयपत्र|nepal national|nepali id|नागरिकता"),
    IdRule("kg-pin", _PERSON, "[12]9{13}", None, "персональный идентификационный номер|пин:|жеке номер"),
    IdRule("lb-id", _PERSON, "9{8,12}", None, "رقم السجل|lebanese id"),
)
# fmt: on


def _melli(digits: str) -> bool:
    remainder = sum(int(digit) * weight for digit, weight in zip(digits[:9], range(10, 1, -1), strict=True)) % 11
    return len(set(digits)) > 1 and int(digits[9]) == (remainder if remainder < 2 else 11 - remainder)
