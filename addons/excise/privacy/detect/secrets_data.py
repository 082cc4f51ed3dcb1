"""
Credentials of databases, observability, analytics, maps, content and identity services.

Shapes as the services document or issue them, collected 2026-11.
"""

from __future__ import annotations

from excise.privacy.detect.detector import Detector
from excise.privacy.detect.secrets_shape import A_UUID, ALNUM, BASE64, CLOSED, HEX, LONE, LOWER, UPPER, UUID, WORD, sample, shaped, token

_DATABASES = (
    shaped(
        "databricks-token",
        r"d(?:api|ose|sapi|kea)(?P<body>[0-9a-f]{32}(?:-[0-9]{1,2})?)",
        ("dapi", "dose", "dsapi", "dkea"),
        "da" + "pi" + sample(HEX, 32),
        "do" + "se" + sample(HEX, 32),
        "da" + "pi" + sample(HEX, 32) + "-2",
        left=CLOSED,
    ),
    shaped(
        "planetscale-token",
        r"pscale_(?:tkn|oauth|pw|api|svc)_(?P<body>[A-Za-z0-9_=.-]{32,64})",
        ("pscale_tkn_", "pscale_oauth_", "pscale_pw_", "pscale_api_", "pscale_svc_"),
        "pscale" + "_tkn_" + sample(WORD, 43),
        "pscale" + "_pw_" + sample(WORD, 64),
        right="(?![A-Za-z0-9_=-])",
    ),
    token("mongodb-atlas-secret", "mdb_sa_sk_", WORD, (36, 60)),
    token("mongodb-atlas-id", "mdb_sa_id_", HEX, 24),
    token("cockroach-key", ("CCDB1_", "CCDB2_"), ALNUM, (40, 80)),
    token("xata-key", ("xau_", "xaa_"), ALNUM, (30, 64)),
    token("clickhouse-key", "4b1d", ALNUM, 38, left=CLOSED, words=True),
    token("aiven-token", ("AVNS_", "aivenv1"), WORD, (14, 400), left=CLOSED),
    token("fauna-key", ("fnAE", "fnAF", "fnAD", "fnAC"), WORD, (34, 48), left=CLOSED, words=True),
    token("materialize-key", "mzp_", HEX, 64),
    shaped(
        "tinybird-token",
        r"p\.eyJ(?P<body>[\w-]{20,300}\.[\w-]{40,48})",
        "p.eyj",
        "p" + ".eyJ" + sample(WORD, 90) + "." + sample(WORD, 43),
        left=CLOSED,
        right=r"(?![\w-])",
    ),
    shaped(
        "elastic-key",
        r"ess?u_(?P<body>[A-Za-z0-9+/]{60,120}={0,2})",
        ("essu_", "esu_"),
        "es" + "su_" + sample(ALNUM, 80),
        left=CLOSED,
        right="(?![A-Za-z0-9+/=])",
    ),
    token("elastic-service-token", "AAEAAWVsYXN0aWM", BASE64, (40, 120), left=CLOSED),
    shaped(
        "convex-key",
        r"(?:prod|dev|preview|project):[a-z0-9:-]{3,80}\|(?P<body>[A-Za-z0-9+/=_-]{40,400})",
        ("prod:", "dev:", "preview:", "project:"),
        "pro" + "d:happy-animal-123|" + sample(ALNUM, 80),
        right="(?![A-Za-z0-9+/=_-])",
    ),
    token("confluent-secret", "cflt", BASE64, 60, left=CLOSED),
    token("dbt-token", ("dbtc_", "dbtu_", "dbts_"), WORD, (40, 64)),
    token("prefect-key", ("pnu_", "pnb_"), ALNUM, 36, left=CLOSED),
    token("hex-api-token", ("hxtp_", "hxtw_"), HEX, (64, 128)),
    token("kaggle-token", "KGAT_", HEX, 32),
    token("inngest-key", ("signkey-prod-", "signkey-test-", "signkey-branch-"), HEX, (32, 64)),
    token("trigger-key", ("tr_dev_", "tr_prod_", "tr_stg_", "tr_pat_", "tr_preview_"), ALNUM, (20, 48)),
    token("settlemint-token", ("sm_aat_", "sm_pat_", "sm_sat_"), ALNUM, (16, 48)),
)

_WATCHING = (
    shaped(
        "new-relic-key",
        r"NR(?:AK|AA|RA|BR|SP|AL|IQ)-(?P<body>[A-Za-z0-9]{27,42})",
        ("nrak-", "nraa-", "nrra-", "nrbr-", "nrsp-", "nriq-", "nral-"),
        "NR" + "AK-" + sample(UPPER, 27),
    ),
    token("new-relic-browser-key", "NRJS-", HEX, 19),
    token("new-relic-insert-key", "NRII-", WORD, 32),
    shaped(
        "new-relic-licence",
        r"(?:eu01xx)?[0-9a-f]{30,36}(?:FFFF)?NRAL",
        "nral",
        sample(HEX, 36) + "NR" + "AL",
        "eu01xx" + sample(HEX, 30) + "NR" + "AL",
        reach=(52, 6),
        left=CLOSED,
    ),
    shaped(
        "grafana-service-account-token",
        r"glsa_(?P<body>[A-Za-z0-9]{32}_[A-Fa-f0-9]{8})",
        "glsa_",
        "gl" + "sa_" + sample(ALNUM, 32) + "_3f9a0c7e",
    ),
    shaped(
        "grafana-cloud-token",
        r"glc_(?P<body>[A-Za-z0-9+/]{32,400}={0,3})",
        "glc_",
        "gl" + "c_eyJvIjoi" + sample(ALNUM, 90) + "==",
        right="(?![A-Za-z0-9+/=])",
    ),
    shaped(
        "grafana-key",
        r"eyJrIjoi(?P<body>[A-Za-z0-9]{60,400}={0,3})",
        "eyjrijoi",
        "eyJr" + "Ijoi" + sample(ALNUM, 80) + "==",
        right="(?![A-Za-z0-9+/=])",
    ),
    shaped(
        "sentry-organisation-token",
        r"sntrys_eyJ(?P<body>[A-Za-z0-9+/]{30,300}={0,2}_[A-Za-z0-9+/]{40,48})",
        "sntrys_eyj",
        "sntr" + "ys_eyJpYXQiO" + sample(ALNUM, 100) + "==_" + sample(ALNUM, 43),
        right="(?![A-Za-z0-9+/])",
    ),
    token("sentry-user-token", ("sntryu_", "sntrya_", "sntryi_"), HEX, 64),
    shaped(
        "sentry-dsn",
        r"https?://(?P<value>[0-9a-f]{32}(?::[0-9a-f]{32})?)@[\w.-]{0,60}(?:sentry|ingest)[\w.-]{0,60}/",
        ("sentry.io/", ".ingest."),
        ("https://" + sample(HEX, 32) + "@o123.ingest.sentry.io/456", sample(HEX, 32)),
        reach=(130, 60),
        right="",
    ),
    shaped(
        "dynatrace-token",
        r"dt0[a-z][0-9]{2}\.(?P<body>[A-Za-z0-9]{8,24}\.[A-Za-z0-9]{64})",
        ("dt0c01.", "dt0s01.", "dt0s02.", "dt0s03.", "dt0s04.", "dt0s08.", "dt0s16.", "dt0a01.", "dt0e01."),
        "dt0" + "c01." + sample(UPPER, 24) + "." + sample(UPPER, 64),
    ),
    token("honeycomb-key", ("hcaik_", "hcbik_", "hcaic_", "hcxik_", "hcalk_", "hcamk_", "hcxlk_", "hcxmk_"), ALNUM, (58, 64)),
    token("posthog-key", ("phc_", "phx_", "phs_", "pha_", "phr_"), ALNUM, (32, 56)),
    token("axiom-token", ("xaat-", "xapt-", "xait-"), WORD, 36),
    token("logfire-token", ("pylf_v1_us_", "pylf_v1_eu_", "pylf_v2_us_", "pylf_v2_eu_"), ALNUM, (40, 64)),
    token("segment-token", "sgp_", ALNUM, 64, words=True),
    shaped(
        "pagerduty-key",
        r"(?P<value>[uy]\+[\w-]{17,20})",
        ("pagerduty", "pager_duty", "pd_token", "token token="),
        ("PAGERDUTY" + "_TOKEN=u+" + sample(WORD, 18), "u+" + sample(WORD, 18)),
        reach=(0, 80),
        left=LONE,
        right=r"(?![\w-])",
    ),
    token("datadog-key", ("ddap_", "ddpat_"), ALNUM, (30, 80), words=True),
    shaped("splunk-token", rf"Splunk[ +](?P<value>{UUID})", "splunk", ("Authorization: Splunk " + A_UUID, A_UUID)),
    token("infracost-key", "ico-", ALNUM, 32, left=CLOSED),
    token("healthchecks-key", ("hcr_", "hcw_"), ALNUM, 28, left=CLOSED, words=True),
    token("openrouteservice-key", "5b3ce3597851110001cf6248", ALNUM, (30, 36)),
)

_MAPS_AND_CONTENT = (
    shaped(
        "mapbox-token",
        r"[pst]k\.(?P<body>eyJ[\w-]{40,120}\.[\w-]{20,24})",
        ("pk.eyj", "sk.eyj", "tk.eyj"),
        "pk" + ".eyJ" + sample(WORD, 60) + "." + sample(WORD, 22),
        right=r"(?![\w-])",
    ),
    shaped(
        "mapbox-published-token",
        r"pk\.[a-z0-9]{60}\.[a-z0-9]{22}",
        "pk.",
        "pk" + "." + sample(LOWER, 60) + "." + sample(LOWER, 22),
        left=CLOSED,
    ),
    shaped(
        "maxmind-key",
        r"[A-Za-z0-9]{6}_[A-Za-z0-9]{29}_mmk",
        "_mmk",
        sample(ALNUM, 6) + "_" + sample(ALNUM, 29) + "_m" + "mk",
        reach=(37, 6),
        left=CLOSED,
    ),
    token("contentful-token", "CFPAT-", WORD, 43),
    shaped(
        "ghost-key",
        r"(?P<value>[0-9a-f]{24}:[0-9a-f]{64})",
        "ghost",
        ("GHOST" + "_ADMIN_KEY=" + sample(HEX, 24) + ":" + sample(HEX, 64), sample(HEX, 24) + ":" + sample(HEX, 64)),
        reach=(0, 130),
        left=CLOSED,
    ),
    shaped(
        "rapidapi-key",
        r"[a-z0-9]{10}msh[a-z0-9]{15}p1[a-z0-9]{6}jsn[a-z0-9]{12}",
        ("jsn",),
        sample(HEX, 10) + "ms" + "h" + sample(HEX, 15) + "p1" + sample(HEX, 6) + "js" + "n" + sample(HEX, 12),
        reach=(38, 16),
        left=CLOSED,
    ),
    token("recaptcha-key", ("6Lc", "6Ld", "6Le", "6Lf"), WORD, 37, left=CLOSED, words=True),
    token("captcha-secret", ("0x4AAAAAA", "ES_"), WORD, (20, 40), left=CLOSED, words=True),
)

_IDENTITY = (
    shaped(
        "salesforce-token",
        r"00D[A-Za-z0-9]{12,15}(?:!|%21)(?P<body>[A-Za-z0-9._]{90,130})",
        "00d",
        "00" + "D" + sample(ALNUM, 12) + "!" + sample(ALNUM, 96),
        left=CLOSED,
        right="(?![A-Za-z0-9._])",
    ),
    token("salesforce-refresh-token", "5Aep861", WORD, (60, 120), left=CLOSED),
    token("salesforce-consumer-key", "3MVG9", WORD, (70, 120), left=CLOSED, words=True),
    token("clerk-key", ("sk_live_", "sk_test_"), ALNUM, (40, 64), words=True),
    token("workos-key", ("sk_live_", "sk_test_", "sk_a2V5X"), WORD, (60, 140), words=True),
    token("stytch-secret", ("secret-test-", "secret-live-"), WORD, (34, 48)),
    shaped(
        "authress-token",
        r"(?:sc|ext|scauth|authress)_(?P<body>[A-Za-z0-9]{5,30}\.[A-Za-z0-9]{4,6}\.acc[_-][A-Za-z0-9-]{10,32}\.[A-Za-z0-9+/_=-]{30,120})",
        ("sc_", "ext_", "scauth_", "authress_"),
        "sc" + "_" + sample(ALNUM, 10) + ".abcd.acc-" + sample(ALNUM, 12) + "." + sample(ALNUM, 40),
        left=CLOSED,
        right="(?![A-Za-z0-9+/_=-])",
    ),
    token("scalingo-token", "tk-us-", WORD, 48),
    token("nylas-key", ("nyk_v0_", "nylas_"), ALNUM, (40, 80), words=True),
)

RULES: tuple[Detector, ...] = (*_DATABASES, *_WATCHING, *_MAPS_AND_CONTENT, *_IDENTITY)
