"""
What sort of failure a provider's status and words mean.

The same cause has another status with every provider, and the same status another cause: a bad key is 400 with Gemini, an empty account is
429 with OpenAI. A word that names one cause says most, then the status, then words that say little.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

type Sort = Literal[
    "bad_request",
    "auth",
    "permission",
    "not_found",
    "too_large",
    "rate",
    "billing",
    "overload",
    "timeout",
    "internal",
    "filter",
    "conflict",
]

# Lower case, without `_`, `-`, dots, spaces and a closing "exception" or "error".
# Source: the providers' error pages and recordings, read 2026-11.
_NAMES: dict[Sort, str] = {
    "auth": """
        authentication invalidapikey apikeyinvalid unauthenticated unauthorized invalidauthentication incorrectapikey missingapikey
        unrecognizedclient invalidsignature expiredtoken incompletesignature missingauthenticationtoken authfailure apikeymissing
        invalidtoken tokenexpired accountdeactivated invalidaccesstoken signaturedoesnotmatch
    """,
    "permission": "permission permissiondenied insufficientpermissions accessdenied forbidden iamdenied modelaccessdenied",
    "not_found": """
        notfound modelnotfound resourcenotfound deploymentnotfound modeldecommissioned modelnotavailable invalidmodel nosuchmodel
    """,
    "too_large": """
        contextlengthexceeded requesttoolarge toomanytokens toomanyprompttokens contextwindowexceeded inputtoolong payloadtoolarge
        stringabovemaxlength contextlength maxtokensexceeded requestentitytoolarge
    """,
    "rate": """
        ratelimit ratelimitexceeded ratelimitreached throttling throttled toomanyrequests requestlimitexceeded limitexceeded limitrequests
        limitburstrate enginerateexceeded ratelimited
    """,
    "billing": """
        insufficientquota billing billingnotactive billinghardlimitreached arrearage accountoverdue insufficientbalance
        servicequotaexceeded paymentrequired creditbalance quotaexhausted exceededcurrentquota insufficientcredits quotanotenough
    """,
    "overload": """
        overloaded engineoverloaded serviceunavailable unavailable modelnotready capacityexceeded
        servicetiercapacityexceeded modeloverloaded slowdown
        serviceoverloaded flexunavailable modelcapacityexceeded serveroverloaded
    """,
    "timeout": "timeout deadlineexceeded modeltimeout requesttimeout gatewaytimeout",
    "internal": "api server internal internalserver modelstream model internalfailure badgateway",
    "filter": """
        contentfilter contentpolicyviolation responsibleaipolicyviolation datainspectionfailed safety moderation prohibitedcontent
        sensitive invalidprompt contentmoderation flagged
    """,
    "conflict": "conflict aborted locktimeout alreadyexists",
}
_WORDS: dict[str, Sort] = {word: sort for sort, words in _NAMES.items() for word in words.split()}

# Say no more than the status does; where there is none, they decide.
_VAGUE: dict[str, Sort] = dict.fromkeys(
    ("invalidrequest", "invalidargument", "validation", "badrequest", "failedprecondition", "outofrange", "unsupportedvalue"), "bad_request"
)
_VAGUE["resourceexhausted"] = "rate"  # Google: of a quota that may be per minute or for good

_STATUS: dict[int, Sort] = {
    400: "bad_request",
    401: "auth",
    402: "billing",
    403: "permission",
    404: "not_found",
    407: "auth",
    408: "timeout",
    409: "conflict",
    410: "not_found",
    413: "too_large",
    422: "bad_request",
    424: "internal",  # Bedrock: of the model itself
    425: "conflict",
    429: "rate",
    498: "overload",  # Groq: flex capacity
    499: "timeout",
    503: "overload",
    504: "timeout",
    522: "timeout",
    524: "timeout",
    529: "overload",
}
_SURE = frozenset({401, 402, 413, 529})  # statuses that say more than any word

CANONICAL: dict[Sort, int] = {
    "bad_request": 400,
    "auth": 401,
    "permission": 403,
    "not_found": 404,
    "too_large": 400,
    "rate": 429,
    "billing": 402,
    "overload": 503,
    "timeout": 504,
    "internal": 500,
    "filter": 400,
    "conflict": 409,
}
"""The status of a sort for which no status was said."""

# Causes that stand in the text alone, of answers with a status that could be anything.
_TOO_LONG = re.compile(
    r"(?i)maximum context length|context (?:length|window)|prompt is too long|input is too long|too many (?:input |total )?tokens"
    r"|input token count|total length of all messages is too long|exceeds the (?:maximum|max|model).{0,40}tokens|maximum prompt length"
)
_BAD_KEY = re.compile(r"(?i)\b(?:incorrect|invalid|missing|no|wrong) (?:or missing )?(?:x-)?api[ _-]?key\b|api key not (?:valid|found)")
_NO_MONEY = re.compile(r"(?i)credit balance is too low|insufficient (?:balance|credits?|funds|quota)|out of credits")
_FILTERED = re.compile(r"(?i)violates? usage guidelines|content management policy|violates? our (?:usage|content) polic")


_TOLD: tuple[tuple[Sort, re.Pattern[str], tuple[int | None, ...]], ...] = (
    ("auth", _BAD_KEY, (None, 400)),
    ("billing", _NO_MONEY, (None, 400, 403, 429)),
    ("filter", _FILTERED, (None, 400, 403, 422)),
    ("too_large", _TOO_LONG, (None, 400, 422, 500)),
)
_READ = 2000  # characters of a text


def plain_word(word: str) -> str:
    """
    A code, type or class name as the tables have it.
    """
    word = word.lower().replace("_", "").replace("-", "").replace(" ", "").replace(".", "")
    for ending in ("exception", "error"):
        if word.endswith(ending) and word != ending:
            word = word.removesuffix(ending)
    return word


def sort_of(status: int | None, words: Iterable[str], text: str) -> Sort:
    """
    The sort of a failure.

    Args:
        status: Of HTTP, or what the body says it would have been; `None` where neither does.
        words: Codes, types, reasons, most telling first.
        text: For the reader. Looked at only where status and words say little.
    """
    if status in _SURE:
        return _STATUS[status]
    plain = [plain_word(word) for word in words]
    for word in plain:
        sort = _WORDS.get(word)
        if sort is not None and (sort != "internal" or status in (None, 500)):
            return sort
    for sort, pattern, statuses in _TOLD:
        if status in statuses and pattern.search(text, 0, _READ):
            return sort
    if status is not None:
        return _STATUS.get(status) or ("internal" if status >= 500 else "bad_request")
    return next((_VAGUE[word] for word in plain if word in _VAGUE), "internal")
