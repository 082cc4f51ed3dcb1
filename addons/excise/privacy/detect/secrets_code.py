"""
Credentials of code hosting, packages, builds, tests, and the desks around them.

Shapes as the services document or issue them, collected 2026-11.
"""

from __future__ import annotations

from excise.privacy.detect.checksums_secret import crc32_base62
from excise.privacy.detect.detector import Detector
from excise.privacy.detect.secrets_shape import (
    A_UUID,
    ALNUM,
    BASE64,
    CLOSED,
    ESCAPED,
    HEX,
    LONE,
    LOWER,
    UPPER,
    UUID,
    WIDE,
    WORD,
    sample,
    shaped,
    token,
)

_GITHUB = (
    token("github-token", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "ghb_", "ghv_"), ALNUM, (36, 255)),
    shaped(
        "github-long-token",
        r"gh[us]_(?P<body>[0-9]{1,12}_eyJ[\w-]{10,2000}\.[\w-]{10,3000}\.[\w-]{20,1000})",
        ("ghs_", "ghu_"),
        "gh" + "s_123456_eyJ" + sample(WORD, 20) + "." + sample(WORD, 60) + "." + sample(WORD, 86),
        right=r"(?![\w-])",
    ),
    shaped("github-old-server-token", r"v1\.(?P<body>[0-9a-f]{40})", "v1.", "v1" + "." + sample(HEX, 40), left=CLOSED),
    shaped(
        "github-fine-grained-token",
        r"github_pat_(?P<body>[A-Za-z0-9_]{36,255})",
        "github_pat_",
        "github" + "_pat_" + sample(ALNUM, 22) + "_" + sample(ALNUM, 59),
        right="(?![A-Za-z0-9_])",
        words=True,
    ),
    # Glued to other text its shape says nothing: then the checksum must be right.
    Detector(
        name="checked-token",
        entity="API_KEY",
        pattern=r"(?:gh[pousr]|npm)_(?P<body>[A-Za-z0-9]{36})",
        keywords=("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "npm_"),
        validate=lambda match: crc32_base62(match["body"]),
        weight=85,
        hits=(
            (
                "tokenis" + "ghp" + "_" + "k7Qz9Xv8M3tW1pH0dS2rJ4bY5fG6nL" + "1mPSVL" + "andmore",
                "ghp" + "_" + "k7Qz9Xv8M3tW1pH0dS2rJ4bY5fG6nL" + "1mPSVL",
            ),
        ),
        misses=("tokenis" + "ghp" + "_" + sample(ALNUM, 30) + "000000andmore",),
    ),
)

_GITLAB = (
    token(
        "gitlab-token",
        (
            *(
                "glpat-",
                "gldt-",
                "glrt-",
                "glcbt-",
                "glptt-",
                "glft-",
                "glsoat-",
                "glimt-",
                "glagent-",
                "gloas-",
                "glffct-",
                "glrtr-",
                "glwt-",
                "gluat-",
            ),
            *("glrt-t1_", "glrt-t2_", "glrt-t3_", "glcbt-64_", "glcbt-6a_"),
        ),
        WORD,
        (20, 80),
    ),
    shaped(
        "gitlab-routable-token",
        r"gl[a-z]{2,6}-(?:t[0-9]_)?(?P<body>[\w-]{15,400}\.[0-9a-z]{2}\.?[0-9a-z]{7,9})",
        ("glpat-", "glrt-", "gldt-", "glcbt-", "glagent-", "glft-", "glptt-"),
        "gl" + "pat-" + sample(WORD, 27) + ".01." + sample(LOWER, 9),
        "gl" + "rt-t1_" + sample(WORD, 27) + ".0w" + sample(LOWER, 7),
        right=r"(?![\w-])",
    ),
    token("gitlab-old-runner-token", "GR1348941", WORD, 20),
    shaped(
        "gitlab-session",
        r"_gitlab_session=(?P<value>[0-9a-z]{32})",
        "_gitlab_session=",
        ("_gitlab" + "_session=" + sample(LOWER, 32), sample(LOWER, 32)),
    ),
)

_FORGES = (
    token("bitbucket-app-password", "ATBB", ALNUM, 32, left=CLOSED),
    shaped(
        "atlassian-token",
        r"AT(?:ATT3|CTT3|SCTT3|OATT3)(?P<body>[\w=-]{60,400})",
        ("atatt3", "atctt3", "atsctt3", "atoatt3"),
        "ATA" + "TT3" + "xFfGF0" + sample(WORD, 170) + "=" + "1A2B3C4D",
        "ATC" + "TT3" + "xFfGN0" + sample(WORD, 170) + "=1A2B3C4D",
        right=r"(?![\w=-])",
    ),
    token("gitea-token", ("gta_", "gto_"), HEX, 40, left=CLOSED),
    shaped(
        "sourcegraph-token",
        r"sgp_(?:(?:[0-9a-f]{16}|local)_)?(?P<body>[0-9a-f]{40})",
        "sgp_",
        "sg" + "p_" + sample(HEX, 40),
        "sg" + "p_" + sample(HEX, 16) + "_" + sample(HEX, 40),
        "sg" + "p_local_" + sample(HEX, 40),
    ),
    token("sourcegraph-product-token", ("slk_", "sgd_", "sgph_", "sgs_"), HEX, (40, 64), left=CLOSED),
    shaped(
        "phabricator-token",
        r"(?:cli|api)-(?P<body>[a-z0-9]{28})",
        ("cli-", "api-"),
        "api" + "-" + sample(LOWER, 28),
        left=CLOSED,
        words=True,
    ),
    shaped(
        "jetbrains-token",
        r"perm[:-](?P<body>[A-Za-z0-9+/=_-]{6,80}\.[A-Za-z0-9+/=_-]{4,80}\.[A-Za-z0-9]{30,50})",
        ("perm:", "perm-"),
        "per" + "m:" + "cm9vdA==" + ".dG9rZW4=." + sample(ALNUM, 34),
        left=CLOSED,
    ),
)

_PACKAGES = (
    token("npm-token", "npm_", ALNUM, (36, 64)),
    shaped(
        "npm-old-token",
        rf"_(?:authToken|password|auth)\s?=\s?[\"']?(?P<value>{UUID}|[A-Za-z0-9+/=_-]{{20,400}})",
        ("_authtoken", "_password", "_auth"),
        ("//registry.npmjs.org/:_auth" + "Token=" + A_UUID, A_UUID),
        left="",
        right="(?![A-Za-z0-9+/=_-])",
        words=True,
    ),
    token("pypi-token", ("pypi-AgEIcHlwaS5vcmc", "pypi-AgENdGVzdC5weXBpLm9yZw"), WORD, (50, 1000)),
    token("pypi-other-token", "pypi-", WORD, (85, 400), words=True),
    token("rubygems-key", "rubygems_", HEX, 48),
    token("crates-token", ("cio", "ciotp"), ALNUM, 32, left=CLOSED, words=True),
    token("nuget-key", "oy2", LOWER, 43, left=CLOSED, words=True),
    token(
        "packagist-token",
        ("packagist_ort_", "packagist_ack_", "packagist_aut_", "packagist_out_", "packagist_uut_", "packagist_"),
        ALNUM,
        (60, 80),
    ),
    token("clojars-token", "CLOJARS_", ALNUM, 60),
    token("docker-token", ("dckr_pat_", "dckr_oat_"), WORD, (24, 64)),
    token("artifactory-key", "AKCp", ALNUM, (60, 90), left=CLOSED),
    shaped(
        "artifactory-password",
        r"(?P<value>AP[0-9A-F](?P<body>[A-Za-z0-9]{16,100}))",
        ("artifactory", "jfrog"),
        ("ARTIFACTORY" + "_PASSWORD=AP5" + sample(ALNUM, 33), "AP5" + sample(ALNUM, 33)),
        reach=(0, 160),
        left=LONE,
        words=True,
    ),
    token("artifactory-reference-token", "cmVmd", ALNUM, (50, 64), left=CLOSED, words=True),
    shaped(
        "sidekiq-credential",
        r"CONTRIBSYS__COM[\"'\\]{0,3}\s{0,3}[=:\x02,\s]\s{0,3}[\"'\\]{0,3}(?P<value>[0-9a-f]{8}:[0-9a-f]{8})",
        "contribsys__com",
        ("BUNDLE_ENTERPRISE__CONTRIB" + "SYS__COM=" + "3f9a0c7e:1b8d5a2f", "3f9a0c7e:1b8d5a2f"),
        left="",
    ),
    shaped(
        "sidekiq-url",
        r"https?://(?P<value>[0-9a-f]{8}:[0-9a-f]{8})@(?:gems|enterprise)\.contribsys\.com",
        ("@gems.contribsys.com", "@enterprise.contribsys.com"),
        ("https://" + "3f9a0c7e:1b8d5a2f" + "@gems.contribsys.com/", "3f9a0c7e:1b8d5a2f"),
        reach=(26, 30),
    ),
)

_BUILDS = (
    shaped(
        "circleci-token",
        r"CCI(?:PAT|PRJ)_(?P<body>[A-Za-z0-9]{20,24}_[0-9a-f]{40})",
        ("ccipat_", "cciprj_"),
        "CCI" + "PAT_" + sample(ALNUM, 22) + "_" + sample(HEX, 40),
    ),
    token("buildkite-token", ("bkua_", "bkct_", "bkaj_", "bkat_", "bkar_", "bkpt_", "bkpi_", "bkps_"), ALNUM, (40, 64)),
    token("octopus-key", "API-", UPPER, (25, 36), left=CLOSED),
    shaped(
        "harness-token",
        r"[ps]at\.(?P<body>[\w-]{22}\.[0-9A-Fa-f]{24}\.[A-Za-z0-9]{20})",
        ("pat.", "sat."),
        "pa" + "t." + sample(WORD, 22) + "." + sample(HEX, 24) + "." + sample(ALNUM, 20),
    ),
    shaped(
        "teamcity-token",
        r"eyJ0eXAiOiAiVENWMiJ9\.(?P<body>[\w-]{32,44}\.[\w-]{32,64})",
        "eyj0exaioiaivenwmij9",
        "eyJ0eXAiOiAiVENW" + "MiJ9." + sample(WORD, 36) + "." + sample(WORD, 48),
        right=r"(?![\w-])",
    ),
    shaped(
        "jenkins-token",
        r"(?P<value>11[0-9a-f]{32})",
        "jenkins",
        ("JENKINS" + "_TOKEN=11" + sample(HEX, 32), "11" + sample(HEX, 32)),
        reach=(0, 80),
        left=CLOSED,
    ),
    token("socket-key", "sktsec_", WORD, (32, 90)),
    token("sonar-token", ("squ_", "sqp_", "sqa_", "sqco_", "sqb_"), HEX, 40),
    shaped(
        "snyk-token",
        r"snyk_(?:uat|sat)\.[0-9a-f]{8}\.(?P<body>[\w.-]{40,400})",
        ("snyk_uat.", "snyk_sat."),
        "snyk" + "_uat." + sample(HEX, 8) + "." + sample(WORD, 80),
        right=r"(?![\w-])",
    ),
    shaped("snyk-service-token", rf"snyk_(?P<body>{UUID})", "snyk_", "snyk" + "_" + A_UUID),
    token("depot-token", ("depot_", "depot_org_", "depot_project_", "depot_user_"), HEX, (48, 80)),
    token("chromatic-token", "chpt_", LOWER, (12, 32), words=True),
    token("percy-token", ("web_", "app_", "auto_", "ss_", "vmw_", "res_"), HEX, 64, left=CLOSED),
    shaped(
        "stackhawk-key",
        r"hawk\.(?P<body>[\w-]{20}\.[\w-]{20})",
        "hawk.",
        "ha" + "wk." + sample(WORD, 20) + "." + sample(WORD, 20),
        right=r"(?![\w-])",
    ),
    shaped(
        "launchable-token",
        r"v1:(?P<body>[A-Za-z0-9_.-]{3,60}/[A-Za-z0-9_.-]{3,60}:[0-9a-f]{40,64})",
        "v1:",
        "v1" + ":acme/app:" + sample(HEX, 40),
        left=CLOSED,
    ),
    shaped("veracode-key", r"vera01e[is]-(?P<body>[0-9a-f-]{32,160})", "vera01e", "vera" + "01ei-" + A_UUID, right=r"(?![\w-])"),
    shaped(
        "configcat-key",
        r"configcat-(?:sdk-1|proxy)/(?P<body>[\w-]{22}/[\w-]{22})",
        "configcat-",
        "configcat" + "-sdk-1/" + sample(WORD, 22) + "/" + sample(WORD, 22),
        right=r"(?![\w-])",
    ),
    token("devcycle-key", ("dvc_server_", "dvc_client_", "dvc_mobile_"), WORD, (24, 64)),
    token("flagsmith-key", "ser.", ALNUM, 22, left=CLOSED, words=True),
    shaped(
        "launchdarkly-key",
        rf"(?:sdk|api|mob|rel|reltok)-(?P<body>{UUID})",
        ("sdk-", "api-", "mob-", "rel-", "reltok-"),
        "sd" + "k-" + A_UUID,
        "ap" + "i-" + A_UUID,
        left=CLOSED,
    ),
    shaped(
        "unleash-token",
        r"(?:\*|default|[a-z0-9-]{1,40}):[a-z0-9-]{1,40}\.(?P<body>[0-9a-f]{56,64})",
        (":development.", ":production.", ":default.", ":*."),
        "*" + ":production." + sample(HEX, 60),
        reach=(2, 90),
        left="",
    ),
    token("statsig-key", ("secret-", "console-", "client-"), ALNUM, (40, 48), left=CLOSED, words=True),
    shaped(
        "postman-key", r"PMAK-(?P<body>[0-9A-Fa-f]{24}-[0-9A-Fa-f]{34})", "pmak-", "PM" + "AK-" + sample(HEX, 24) + "-" + sample(HEX, 34)
    ),
    shaped("postman-collection-key", r"PMAT-(?P<body>[0-9A-Z]{26})", "pmat-", "PM" + "AT-" + sample(UPPER, 26)),
    token("readme-key", "rdme_", LOWER, 70),
    token("retool-token", ("retool_", "retool_01"), LOWER, (26, 80), words=True),
)

_DESKS = (
    token("linear-key", "lin_api_", ALNUM, 40),
    token("linear-oauth-token", ("lin_oauth_", "lin_wh_"), ALNUM, (40, 64)),
    token("notion-token", "ntn_", ALNUM, (40, 60)),
    token("notion-old-token", "secret_", ALNUM, 43, left=CLOSED, words=True),
    shaped(
        "airtable-token",
        r"pat[A-Za-z0-9]{14}\.(?P<body>[0-9a-f]{64})",
        "pat",
        "pa" + "t" + sample(ALNUM, 14) + "." + sample(HEX, 64),
        left=CLOSED,
    ),
    shaped(
        "airtable-oauth-token",
        r"(?:oaa|oar|[a-z]{3})[A-Za-z0-9]{14}\.v1\.(?P<body>[A-Za-z0-9+/=._-]{60,2000})",
        ".v1.",
        "oa" + "a" + sample(ALNUM, 14) + ".v1." + sample(ALNUM, 120),
        left=CLOSED,
        reach=(18, 200),
    ),
    shaped(
        "asana-token",
        r"[0-2]/(?P<body>[0-9]{10,20}(?:/[0-9]{10,20})?:[0-9a-f]{32})",
        ("0/", "1/", "2/"),
        "1" + "/1201234567890123:" + sample(HEX, 32),
        "2" + "/1201234567890123/1209876543210987:" + sample(HEX, 32),
        left=rf"(?:(?<![\w/.])|{ESCAPED})",
    ),
    token("figma-token", ("figd_", "figor_", "figoh_", "figo_", "figu_", "figdr_", "figdh_"), WORD, (38, 64)),
    shaped(
        "figma-old-token",
        r"figma[^\n\x03]{0,40}?[=:\x02\s\"'](?P<value>[0-9]{4,8}-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})",
        "figma",
        ("figma" + "_token=123456-" + A_UUID, "123456-" + A_UUID),
        left="",
    ),
    shaped("clickup-token", r"pk_[0-9]{6,9}_(?P<body>[A-Z0-9]{32})", "pk_", "pk" + "_12345678_" + sample(UPPER, 32), left=CLOSED),
    token("trello-token", "ATTA", HEX, (60, 80), left=CLOSED),
    shaped(
        "typeform-token",
        r"tfp_(?P<body>[A-Za-z0-9_=.-]{40,64})",
        "tfp_",
        "tf" + "p_" + sample(WORD, 44) + "_" + sample(WORD, 14),
        right="(?![A-Za-z0-9_=-])",
    ),
    token("frameio-token", "fio-u-", WIDE, 64),
    token("cal-key", "cal_", HEX, 32, left=CLOSED),
    token("canva-secret", ("cnvca", "cnvap"), WORD, (40, 80), words=True),
    shaped(
        "miro-monday-signing",
        r"eyJtaXJvLm9yaWdpbiI6ImV1MDEifQ_(?P<body>[\w-]{27})",
        "eyjtaxjvlm9yawdpbii6imv1mdeifq_",
        "eyJtaXJvLm9yaWdpbiI6" + "ImV1MDEifQ_" + sample(WORD, 27),
        right=r"(?![\w-])",
    ),
    token("intra42-secret", ("s-s4t2ud-", "s-s4t2af-"), HEX, 64),
    token("adobe-secret", ("p8e-", "p8-"), WORD, (32, 36), left=CLOSED, words=True),
    token("dropbox-token", "sl.", WIDE, (100, 2000), left=CLOSED, words=True),
    token("dropbox-user-token", "sl.u.", WORD, (60, 2000)),
    shaped(
        "dropbox-old-token",
        r"(?P<value>[A-Za-z0-9]{11}AAAAAAAAAA[A-Za-z0-9_=-]{43})",
        "dropbox",
        ("dropbox" + "_token=" + sample(ALNUM, 11) + "A" * 10 + sample(WORD, 43), sample(ALNUM, 11) + "A" * 10 + sample(WORD, 43)),
        reach=(0, 130),
        left=CLOSED,
        right=r"(?![\w-])",
        words=True,
    ),
    token("github-token-in-base64", ("Z2hwXz", "Z2hvXz", "Z2hzXz", "Z2l0aHViX3BhdF"), BASE64, (40, 200), left=CLOSED, words=True),
)

RULES: tuple[Detector, ...] = (*_GITHUB, *_GITLAB, *_FORGES, *_PACKAGES, *_BUILDS, *_DESKS)
