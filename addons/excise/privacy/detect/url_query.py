"""
Secrets in the query, or the fragment, of a URL: the values of parameters that grant something.
"""

from __future__ import annotations

import re

from excise.privacy.detect.assignment_value import is_placeholder, is_stop_word
from excise.privacy.detect.detector import Detector
from excise.privacy.detect.naturalness import surprise

# Whatever their value is, if it is not a placeholder.
_GRANTING = """
    access_token accesstoken refresh_token id_token auth_token authtoken api_key apikey api-key api_token client_secret clientsecret
    app_secret appsecret password passwd pwd secret sig signature x-amz-signature x-amz-security-token x-goog-signature
    x-oss-signature x-cos-security-token x-tos-signature sharedaccesssignature subscription-key private_key private_token access_key
    accesskey secret_key sas_token sastoken jwt bearer oauth_token oauth_signature session_token sessionid session_id sid jsessionid
    phpsessid magic magic_token reset_token invite_token verification_token hmac sv_sig auth authkey auth_key assertion saml_response
    samlresponse key-pair-signature h-signature webhook_token bot_token credential client_assertion code_verifier
"""
_GRANTS = tuple(_GRANTING.split())
# Names that mean many things: the value must look random.
_AMBIGUOUS = "token key code ticket otp hash_key login_token s_token confirmation license x-api-key appid app_key appkey ak sk"
_MAY_GRANT = tuple(_AMBIGUOUS.split())
_NAMES = frozenset(_GRANTS)

_READ = 200  # characters of a value are enough to judge it

_CAPITAL_OR_DIGIT = re.compile(r"[A-Z0-9]")


def _grants(match: re.Match[str]) -> bool:
    value = match["value"][:_READ]
    if is_placeholder(value) or is_stop_word(value):
        return False
    bits = surprise(value)
    if match["name"].lower() in _NAMES:
        return bits > -4 and _CAPITAL_OR_DIGIT.search(value) is not None
    return len(value) >= 10 and bits > 6 and "//" not in value and _CAPITAL_OR_DIGIT.search(value) is not None


_SIGNATURE = "3f9a0c7e1b8d5a2f6c4e9b0d7a1c5e3f" * 2

RULES = (
    Detector(
        name="url-query",
        entity="URL_SECRET",
        keywords=tuple(f"{mark}{name}=" for name in (*_GRANTS, *_MAY_GRANT) for mark in ("?", "&", "&amp;", "#", "\\u0026")),
        pattern=r"(?:[?&#]|&amp;|\\u0026)(?P<name>[\w-]{2,32})=(?P<value>[^\s&#?\"'`<>\\;,(){}\[\]|\x02\x03]{6,4096}+)",
        validate=_grants,
        weight=60,
        hits=(
            ("https://h.example/x?a=1&sig=k7Qz9Xv8M3tW1pH0%3D&b=2", "k7Qz9Xv8M3tW1pH0%3D"),
            ("https://b.s3.amazonaws.com/k?X-Amz-Expires=60&X-Amz-Signature=" + _SIGNATURE, _SIGNATURE),
            ("https://h.example/cb#access_token=k7Qz9Xv8M3tW1pH0dS2rJ4&x=1", "k7Qz9Xv8M3tW1pH0dS2rJ4"),
            ("https://h.example/?token=k7Qz9Xv8M3tW1pH0dS2rJ4", "k7Qz9Xv8M3tW1pH0dS2rJ4"),
            ("GET /maps?key=k7Qz9Xv8M3tW1pH0dS2rJ4 HTTP/1.1", "k7Qz9Xv8M3tW1pH0dS2rJ4"),
        ),
        misses=(
            "https://h.example/?key=created_at&code=200",
            "https://h.example/?token=YOUR_TOKEN",
            "https://h.example/?api_key=${API_KEY}",
            "https://h.example/?auth=basic&sid=main-page",
            "https://h.example/?code=utf-8&secret=example",
            "a && key=other",
        ),
    ),
)
