"""
Secrets of frameworks, devices, games and mailboxes: what their own generators write.

Shapes as each documents or writes them, collected 2026-11.
"""

from __future__ import annotations

from excise.privacy.detect.detector import Detector
from excise.privacy.detect.secrets_shape import A_UUID, ALNUM, BASE64, CLOSED, HEX, UUID, WORD, sample, shaped, token

_APPLICATIONS = (
    shaped(
        "django-secret-key",
        r"django-insecure-(?P<body>[A-Za-z0-9!@#$%^&*()_=+-]{40,60})",
        "django-insecure-",
        "django" + "-insecure-" + sample(ALNUM, 42) + "$%^&*(=+",
        right="",
    ),
    shaped(
        "laravel-key",
        r"base64:(?P<value>[A-Za-z0-9+/]{42,43}={1,2})",
        ("app_key", "appkey", "app.key"),
        ("APP" + "_KEY=base64:" + sample(BASE64, 43) + "=", sample(BASE64, 43) + "="),
        left="",
        right="(?![A-Za-z0-9+/=])",
        reach=(0, 90),
    ),
    shaped(
        "rails-secret",
        r"(?:secret_key_base|SECRET_KEY_BASE|RAILS_MASTER_KEY|rails_master_key)[\"']?\s{0,3}(?:[=:]|=>|\x02)\s{0,3}[\"']?(?P<value>[0-9a-f]{128}|[0-9a-f]{32})",
        ("secret_key_base", "rails_master_key"),
        ("secret_key" + "_base: " + sample(HEX, 128), sample(HEX, 128)),
        ("RAILS_MASTER" + "_KEY=" + sample(HEX, 32), sample(HEX, 32)),
    ),
    shaped(
        "machine-key",
        r"(?:validation|decryption)Key=[\"'](?P<value>[0-9A-Fa-f]{40,256})(?=[\",'])",
        ("validationkey=", "decryptionkey="),
        ('<machineKey validationKey="' + sample(HEX, 128).upper() + '"', sample(HEX, 128).upper()),
        right="",
    ),
    shaped(
        "openvpn-static-key",
        r"-----BEGIN OpenVPN Static key V1-----(?P<value>[0-9a-f\s\\rn]{520,800})-----END",
        "-----begin openvpn",
        ("-----BEGIN OpenVPN" + " Static key V1-----\n" + (sample(HEX, 32) + "\n") * 16 + "-----END", "\n" + (sample(HEX, 32) + "\n") * 16),
        left="",
        right="",
        entity="PRIVATE_KEY",
    ),
    shaped(
        "vault-unseal-key",
        r"(?i:unseal key)(?: ?[0-9]{1,2})?\s?[:=]\s?(?P<value>[A-Za-z0-9+/]{43,44}={0,2}|[0-9a-f]{64,66})",
        "unseal key",
        ("Unseal Key 1: " + sample(BASE64, 44), sample(BASE64, 44)),
        right="(?![A-Za-z0-9+/=])",
    ),
    shaped(
        "boundary-token",
        r"at_[A-Za-z0-9]{10}_(?P<body>[A-Za-z0-9]{60,400})",
        "at_",
        "a" + "t_" + sample(ALNUM, 10) + "_" + sample(ALNUM, 120),
        left=CLOSED,
    ),
    shaped(
        "copilot-token",
        r"tid=[0-9a-f]{32};(?:[a-z0-9_]{1,24}=[^;:\s\x02\x03]{0,80};?){1,20}:(?P<body>[0-9a-f]{64})",
        "tid=",
        "ti" + "d=" + sample(HEX, 32) + ";exp=1766000000;sku=free;st=dotcom:" + sample(HEX, 64),
    ),
    shaped(
        "microsoft-refresh-token",
        r"[01]\.A[A-Z][\w-]{2,4}(?P<body>[\w-]{100,1800}(?:\.[\w-]{20,1800}){0,2})",
        ("0.a", "1.a"),
        "0" + ".AXo" + "A" + sample(WORD, 200),
        left=CLOSED,
        right=r"(?![\w-])",
        words=True,
    ),
    shaped(
        "microsoft-account-token",
        r"M\.[CR][0-9]{1,3}_[A-Z0-9]{2,4}\.(?P<body>[A-Za-z0-9.!*$-]{80,1500})",
        ("m.c", "m.r"),
        "M" + ".C5" + "31_BAY.0.U.-" + sample(ALNUM, 160),
        left=CLOSED,
    ),
    shaped(
        "okta-token",
        r"SSWS (?P<value>00[\w-]{40})",
        "ssws ",
        ("Authorization: SSWS 00" + sample(WORD, 40), "00" + sample(WORD, 40)),
        right=r"(?![\w-])",
    ),
    shaped(
        "snowflake-session",
        r"ver:[0-9]-hint:[0-9]{5,20}-(?P<body>[A-Za-z0-9+/=]{80,600})",
        "ver:",
        "ver" + ":1-hint:12345678-ETMsDg" + sample(BASE64, 160),
        right="",
    ),
    token("neon-password", "npg_", ALNUM, (12, 20), left=CLOSED, words=True, entity="PASSWORD"),
    token("gel-token", ("nbwt_", "nbwt1_", "edbt_", "edbt1_"), WORD, (60, 2000)),
    token("coralogix-key", ("cxtp_", "cxup_", "cxsp_"), ALNUM, (28, 40)),
    shaped("deepl-key", rf"(?P<body>{UUID}):fx", ":fx", A_UUID + ":f" + "x", reach=(37, 4)),
    shaped("locationiq-token", r"pk\.[0-9a-f]{32}", "pk.", "p" + "k." + sample(HEX, 32), left=CLOSED),
)

_DEVICES_AND_GAMES = (
    token("ubidots-token", ("BBFF-", "BBUS-"), ALNUM, 30),
    shaped("riot-key", rf"RGAPI-(?P<body>{UUID})", "rgapi-", "RGA" + "PI-" + A_UUID),
    shaped(
        "roblox-cookie",
        r"_\|WARNING:-DO-NOT-SHARE-THIS[^|\x02\x03]{0,200}\|_(?P<body>[0-9A-F]{100,1500})",
        "_|warning:-do-not-share-this",
        "_|WARNING:-DO-NOT-" + "SHARE-THIS.--Sharing-this-will-allow-someone-to-log-in.|_" + sample(HEX, 200).upper(),
    ),
    shaped(
        "apple-app-password",
        r"(?P<value>[a-z]{4}-[a-z]{4}-[a-z]{4}-[a-z]{4})",
        ("app-specific", "app_specific", "apple_id", "appleid", "altool", "notarytool", "icloud"),
        ("APPLE_APP" + "_SPECIFIC_PASSWORD=kqzx-vmtw-phdr-jbfy", "kqzx-vmtw-phdr-jbfy"),
        reach=(0, 90),
        left=CLOSED,
        right=r"(?![\w-])",
        entity="PASSWORD",
    ),
    shaped(
        "google-app-password",
        r"(?i:app[ _-]?password)[\"']?\s{0,3}[=:\x02]\s{0,3}[\"']?(?P<value>[a-z]{4} [a-z]{4} [a-z]{4} [a-z]{4})",
        ("app password", "app_password", "apppassword", "app-password"),
        ("gmail app password: " + "kqzx vmtw phdr jbfy", "kqzx vmtw phdr jbfy"),
        entity="PASSWORD",
    ),
)

RULES: tuple[Detector, ...] = (*_APPLICATIONS, *_DEVICES_AND_GAMES)
