"""
Credentials of services that fit nowhere else, and of files of infrastructure: NuGet, WireGuard; with those of
`secrets_frames`.

Shapes as the services document or issue them, collected 2026-11.
"""

from __future__ import annotations

from excise.privacy.detect import secrets_frames
from excise.privacy.detect.detector import Rule
from excise.privacy.detect.secrets_shape import A_UUID, ALNUM, BASE64, CLOSED, HEX, UUID, WORD, sample, shaped, token

_SERVICES = (
    token("asaas-key", ("$aact_", "aact_prod_", "aact_hmlg_"), WORD, (60, 200)),
    shaped(
        "datastax-token",
        r"AstraCS:(?P<body>[A-Za-z]{24}:[0-9a-f]{64})",
        "astracs:",
        "Astra" + "CS:" + "kQzXvMtWpHdSrJbYfGnLcDgR" + ":" + sample(HEX, 64),
    ),
    token("chief-tools-token", "ctp_", ALNUM, 36),
    token("hop-token", ("ptk_", "leap_token_"), WORD, (30, 140), left=CLOSED, words=True),
    token("lichess-token", ("lip_", "lio_"), ALNUM, 20, left=CLOSED, words=True),
    shaped(
        "logicmonitor-token",
        r"lm[bv]1?_(?P<body>[A-Za-z0-9+/=_-]{40,200})",
        ("lmb_", "lmv1_"),
        "lm" + "b_" + sample(ALNUM, 80),
        left=CLOSED,
        words=True,
    ),
    shaped(
        "oculus-token",
        r"OC\|(?P<body>[0-9]{15,17}\|[A-Za-z0-9_-]{20,140})",
        "oc|",
        "O" + "C|123456789012345|" + sample(WORD, 30),
        left=CLOSED,
    ),
    shaped(
        "onfido-token",
        r"api_(?:live|sandbox)(?:_us|_ca)?\.(?P<body>[\w-]{11}\.[\w-]{32})",
        ("api_live", "api_sandbox"),
        "api" + "_live." + sample(WORD, 11) + "." + sample(WORD, 32),
        right=r"(?![\w-])",
    ),
    token("persona-key", ("persona_production_", "persona_sandbox_"), ALNUM, (30, 64)),
    token("pinterest-token", ("pina_", "pinr."), WORD, (32, 200), words=True),
    token("samsara-token", "samsara_api_", ALNUM, 30),
    token("sindri-token", "sindri_", ALNUM, (32, 64), words=True),
    token("unkey-key", "unkey_", ALNUM, (20, 40), words=True),
    shaped("wakatime-key", rf"waka_(?P<body>(?:sec_|tok_)?(?:{UUID}|[A-Za-z0-9]{{40,90}}))", "waka_", "wa" + "ka_" + A_UUID),
    token("zuplo-key", ("zpka_", "zpcs_"), WORD, (32, 80)),
    token("aviator-token", ("av_user_", "av_uat_", "av_int_"), HEX, (40, 64)),
    token("dfuse-key", ("server_", "web_", "mobile_"), HEX, 32, left=CLOSED),
    token("iterative-token", "isat_", ALNUM, (48, 60)),
    shaped(
        "localstack-token",
        r"ls-(?P<body>[A-Za-z0-9]{8}(?:-[A-Za-z0-9]{4}){3}-[A-Za-z0-9]{12})",
        "ls-",
        "l" + "s-kQzXvMtW-9209-3474-kAto-faXUpetu092e",
        left=CLOSED,
    ),
    token("sumup-key", ("sup_sk_", "sup_pk_"), ALNUM, (30, 60)),
    shaped(
        "mercadopago-token",
        r"(?:APP_USR|TEST)-(?P<body>[0-9]{13,17}-[0-9]{6}-[0-9a-f]{32}-[0-9]{6,12})",
        ("app_usr-", "test-"),
        "APP" + "_USR-1234567890123456-010203-" + sample(HEX, 32) + "-123456789",
    ),
    shaped(
        "zoho-token",
        r"1000\.(?P<body>[0-9a-f]{32}\.[0-9a-f]{32})",
        "1000.",
        "10" + "00." + sample(HEX, 32) + "." + sample(HEX, 32),
        left=CLOSED,
    ),
    token("ramp-secret", ("ramp_sec_", "ramp_id_"), ALNUM, (40, 64)),
    token("vanta-token", ("vat_", "vcs_"), HEX, (32, 80), left=CLOSED),
    shaped(
        "sumologic-access-id",
        r"su(?=[a-z]{0,11}[A-Z0-9])[A-Za-z0-9]{12}",
        "sumo",
        ("SUMOLOGIC" + "_ACCESS_ID=sukmJrMTHMCMfX", "sukmJrMTHMCMfX"),
        reach=(0, 60),
        left=CLOSED,
        misses=("sumologic supportability", "SUMOLOGIC_ACCESS_ID=su1"),
    ),
    token("kolide-key", ("k2sk_v1_",), ALNUM, (20, 64)),
    token("gitbook-token", "gb_api_", ALNUM, (36, 50)),
    token("fullstory-key", ("na1.", "eu1."), BASE64, (40, 120), left=CLOSED, words=True),
    token("dependency-track-key", "odt_", ALNUM, (32, 48), left=CLOSED),
    shaped(
        "dependency-track-long-key",
        r"odt_(?P<body>[A-Za-z0-9]{8}_[A-Za-z0-9]{32,40})",
        "odt_",
        "od" + "t_" + sample(ALNUM, 8) + "_" + sample(ALNUM, 32),
        left=CLOSED,
    ),
    shaped(
        "truenas-key",
        r"(?P<value>[0-9]{1,3}-[A-Za-z0-9]{64})",
        ("truenas", "freenas", "bearer", "api_key", "apikey"),
        ("TRUENAS" + "_API_KEY=1-" + sample(ALNUM, 64), "1-" + sample(ALNUM, 64)),
        reach=(0, 110),
        left=CLOSED,
        words=True,
    ),
    token("canadian-digital-service-key", "gcntfy-", WORD, (60, 160), words=True),
    token("thunderstore-token", "tss_", ALNUM, 40, left=CLOSED, words=True),
    token("rootly-key", "rootly_", HEX, 64),
    token("firehydrant-key", "fhb-", HEX, 32, left=CLOSED),
    token("tally-key", "tly-", ALNUM, (24, 48), left=CLOSED, words=True),
    token("cal-com-key", ("cal_live_", "cal_test_"), HEX, 32),
    token("svix-key", ("testsk_", "sk_svix_"), WORD, (24, 60), words=True),
    token("hookdeck-key", "hkdk_", ALNUM, (20, 64), words=True),
    token("wix-key", "IST.eyJ", WORD, (60, 3000)),
)

_FILES = (
    shaped(
        "nuget-password",
        r"(?i:key=[\"'](?:clear_?text)?password[\"']\s{1,4}value=[\"'])(?P<value>[^\"'\x02\x03\n]{3,120})(?=[\"'])",
        'key="',
        ('<add key="ClearTextPassword" value="' + "hunter" + '2!x" />', "hunter" + "2!x"),
        left="",
        right="",
        entity="PASSWORD",
        misses=('<add key="ClearTextPassword" value="xxxxxxxx" />',),
    ),
    shaped(
        "wireguard-key",
        r"(?i:private_?key|preshared_?key)[\"']?\s{0,3}[=:\x02]\s{0,3}[\"']?(?P<value>[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=)",
        ("privatekey", "private_key", "presharedkey", "preshared_key"),
        ("PrivateKey = " + sample(BASE64, 42) + "A=", sample(BASE64, 42) + "A="),
        left="",
        right="(?![A-Za-z0-9+/=])",
        entity="PRIVATE_KEY",
    ),
)

RULES: tuple[Rule, ...] = (*_SERVICES, *_FILES, *secrets_frames.RULES)
