"""
Credentials of hosts, networks, vaults and clusters.

Shapes as the services document or issue them, collected 2026-11.
"""

from __future__ import annotations

from excise.privacy.detect.checksums_secret import crc32_hex
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
    OPEN,
    UPPER,
    UUID,
    WORD,
    sample,
    shaped,
    token,
)

_CLOUDFLARE = (
    token("cloudflare-token", ("cfk_", "cfut_", "cfat_", "cfoat_", "cfort_", "cfsc_"), ALNUM, (40, 64)),
    Detector(
        name="cloudflare-checked-token",
        entity="API_KEY",
        pattern=r"(?:cfk|cfut|cfat)_(?P<body>[A-Za-z0-9]{40}[0-9a-f]{8})",
        keywords=("cfk_", "cfut_", "cfat_"),
        validate=lambda match: crc32_hex(match["body"]),
        weight=85,
        hits=(("x" + "cfut" + "_" + sample(ALNUM, 40) + "fce93601" + "yz", "cfut" + "_" + sample(ALNUM, 40) + "fce93601"),),
        misses=("x" + "cfut" + "_" + sample(ALNUM, 40) + "00000000",),
    ),
    shaped(
        "cloudflare-origin-key",
        r"v1\.0-(?P<body>[0-9a-f]{24}-[0-9a-f]{146})",
        "v1.0-",
        "v1" + ".0-" + sample(HEX, 24) + "-" + sample(HEX, 146),
    ),
)

_HOSTING = (
    token("digitalocean-token", ("dop_v1_", "doo_v1_", "dor_v1_"), HEX, 64),
    token("digitalocean-model-key", "sk-do-", WORD, (40, 100), words=True),
    token("digitalocean-spaces-id", "DO00", UPPER, 16, left=CLOSED, words=True),
    token("alibaba-key-id", "LTAI", ALNUM, (12, 26), left=CLOSED, words=True),
    token("alibaba-sts-id", "STS.", ALNUM, (20, 40), left=CLOSED, words=True),
    token("tencent-secret-id", "AKID", ALNUM, (32, 64), left=CLOSED, words=True),
    token("volcengine-key-id", ("AKLT", "AKTP"), ALNUM, (40, 70), left=CLOSED, words=True),
    token("baidu-key-id", "ALTAK", WORD, (20, 24), left=CLOSED, words=True),
    shaped(
        "baidu-model-key",
        r"bce-v3/ALTAK-(?P<body>[A-Za-z0-9]{16,24}/[0-9a-f]{40})",
        "bce-v3/",
        "bce-v3/" + "ALTAK-" + sample(ALNUM, 21) + "/" + sample(HEX, 40),
    ),
    token("yandex-key", "AQVN", WORD, (34, 40), left=CLOSED),
    token("yandex-static-key-id", "YCAJE", WORD, 20, left=CLOSED),
    shaped(
        "yandex-iam-token",
        r"t1\.(?P<body>[A-Z0-9a-z_-]{1,400}=?=?\.[A-Z0-9a-z_-]{86}=?=?)",
        "t1.",
        "t1" + "." + sample(WORD, 60) + "." + sample(WORD, 86),
        left=CLOSED,
        right=r"(?![\w=-])",
    ),
    shaped(
        "yandex-oauth-token",
        r"y[0-3]_(?P<body>[A-Za-z0-9_-]{50,70})",
        ("y0_", "y1_", "y2_", "y3_"),
        "y0" + "_" + sample(WORD, 55),
        left=CLOSED,
        right=r"(?![\w-])",
        words=True,
    ),
    token("scaleway-key-id", "SCW", UPPER, 17, left=CLOSED, words=True),
    token("exoscale-key-id", "EXO", HEX, 24, left=CLOSED),
    token("linode-token", ("lin_pat_", "linode_"), HEX, 64),
    token("heroku-key", "HRKU-", WORD, (36, 70), words=True, misses=("HRKU-" + "some-documentation-page-about-heroku-x",)),
    shaped("heroku-uuid-key", rf"HRKU-(?P<body>{UUID})", "hrku-", "HRKU" + "-" + A_UUID),
    token("netlify-token", ("nfp_", "nfc_", "nfo_", "nfu_", "nfb_"), ALNUM, (36, 48)),
    token("render-key", "rnd_", ALNUM, (26, 40), left=CLOSED, words=True),
    shaped(
        "flyio-token",
        r"(?:FlyV1[ +])?fm[12][ar]?_(?P<body>[A-Za-z0-9+/_-]{60,3000}={0,3}(?:,fm[12][ar]?_[A-Za-z0-9+/_-]{60,3000}={0,3})?)",
        ("flyv1 ", "flyv1+", "fm1_", "fm1a_", "fm1r_", "fm2_"),
        "FlyV1 " + "fm2" + "_" + sample(BASE64, 200),
        "fm1" + "r_" + sample(BASE64, 120),
        left=CLOSED,
        right="(?![A-Za-z0-9+/_-])",
    ),
    token("flyio-access-token", "fo1_", WORD, 43),
    token("supabase-key", ("sbp_", "sbp_v0_", "sbp_oauth_"), HEX, 40),
    token("supabase-api-key", ("sb_secret_", "sb_publishable_"), WORD, (22, 60)),
    token("neon-key", "napi_", LOWER, (60, 70)),
    token("deno-token", ("ddp_", "ddw_", "ddo_"), ALNUM, 36),
    shaped(
        "akamai-edgegrid", r"akab-(?P<body>[a-z0-9]{16}-[a-z0-9]{16})", "akab-", "ak" + "ab-" + sample(LOWER, 16) + "-" + sample(LOWER, 16)
    ),
    token("backblaze-key", "K00", BASE64, (28, 28), left=CLOSED, words=True),
    token("dnsimple-token", ("dnsimple_a_", "dnsimple_u_"), WORD, (24, 64)),
    token("porkbun-key", ("pk1_", "sk1_"), HEX, 64),
    shaped(
        "cloudinary-url",
        r"cloudinary://[0-9]{10,18}:(?P<value>[\w-]{20,40})@[\w.-]{2,60}",
        "cloudinary://",
        ("cloudinary://123456789012345:" + sample(WORD, 27) + "@demo", sample(WORD, 27)),
    ),
    token("imagekit-key", ("private_", "public_"), BASE64, 27, suffix="=", left=CLOSED, words=True),
)

_NETWORK = (
    shaped(
        "tailscale-key",
        r"tskey-(?:auth-|api-|client-|webhook-|scim-|oauth-)?(?P<body>[A-Za-z0-9]{8,24}-[A-Za-z0-9]{20,48})",
        "tskey-",
        "ts" + "key-auth-" + sample(ALNUM, 17) + "-" + sample(ALNUM, 32),
        "ts" + "key-api-" + sample(ALNUM, 12) + "-" + sample(ALNUM, 33),
    ),
    token("headscale-key", ("hskey-api-", "hskey-auth-"), WORD, (40, 100)),
    shaped(
        "defined-networking-key",
        r"dnkey-(?P<body>[A-Za-z0-9_=-]{26}-[A-Za-z0-9_=-]{52})",
        "dnkey-",
        "dn" + "key-" + sample(WORD, 26) + "-" + sample(WORD, 52),
        right="(?![A-Za-z0-9_=-])",
    ),
    token("netbird-token", "nbp_", ALNUM, 36),
)

_VAULTS = (
    token(
        "vault-token",
        ("hvs.", "hvb.", "hvr.", "b.AAAA"),
        WORD,
        (20, 300),
        words=True,
        misses=("hvs." + "some_object_attribute_names_here",),
    ),
    token(
        "vault-old-token",
        "s.",
        ALNUM,
        24,
        left=rf"(?:(?<![A-Za-z0-9_.$)\]-])|{ESCAPED})",
        words=True,
        misses=("s." + "getElementsByTagNameNSxyz",),
    ),
    shaped(
        "terraform-cloud-token",
        r"[A-Za-z0-9]{14}\.atlasv1\.[\w=-]{60,70}",
        ".atlasv1.",
        sample(ALNUM, 14) + ".atlas" + "v1." + sample(WORD, 67),
        reach=(15, 85),
        left=CLOSED,
        right=r"(?![\w=-])",
    ),
    token("doppler-token", ("dp.pt.", "dp.ct.", "dp.scim.", "dp.audit.", "dp.said.", "dp.sa."), ALNUM, (40, 44)),
    shaped(
        "doppler-service-token",
        r"dp\.(?:st|sa)\.(?:[a-z0-9_-]{2,35}\.)?(?P<body>[A-Za-z0-9]{40,44})",
        ("dp.st.", "dp.sa."),
        "dp" + ".st.prd_backend." + sample(ALNUM, 43),
    ),
    shaped(
        "infisical-token",
        rf"st\.(?P<body>(?:{UUID}|[0-9a-f]{{24}})\.[0-9a-f]{{32}}\.[0-9a-f]{{32,64}})",
        "st.",
        "st" + "." + sample(HEX, 24) + "." + sample(HEX, 32) + "." + sample(HEX, 32),
        left=CLOSED,
    ),
    shaped(
        "onepassword-service-token",
        r"ops_eyJ(?P<body>[A-Za-z0-9+/_-]{200,4000}={0,3})",
        "ops_eyj",
        "ops" + "_eyJ" + sample(ALNUM, 300),
        right="(?![A-Za-z0-9+/_-])",
    ),
    shaped(
        "onepassword-secret-key",
        r"A3-(?P<body>[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})-[A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{5})",
        "a3-",
        "A3" + "-" + "-".join(sample(UPPER, size) for size in (6, 6, 5, 5, 5, 5)),
        "A3" + "-" + "-".join(sample(UPPER, size) for size in (6, 11, 5, 5, 5)),
        left=CLOSED,
    ),
    shaped(
        "bitwarden-secret-token",
        rf"0\.{UUID}\.(?P<body>[A-Za-z0-9]{{30}}:[A-Za-z0-9+/]{{22}}==)",
        "0.",
        "0" + "." + A_UUID + "." + sample(ALNUM, 30) + ":" + sample(BASE64, 22) + "==",
        left=LONE,
    ),
    Detector(
        name="age-identity",
        entity="PRIVATE_KEY",
        pattern=rf"{OPEN}AGE-SECRET-KEY-(?:PQ-)?1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{{58,80}}(?![A-Z0-9])",
        keywords=("age-secret-key-",),
        hits=("AGE-SECRET" + "-KEY-1" + ("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L" * 2)[:58],),
        misses=("AGE-SECRET" + "-KEY-1" + "QPZRY9",),
    ),
    token("pulumi-token", "pul-", HEX, 40),
    shaped(
        "docker-swarm-key",
        r"SWM(?:TKN|KEY)-1-(?P<body>[a-z0-9]{50}-[a-z0-9]{25}|[A-Za-z0-9+/]{43})",
        ("swmtkn-1-", "swmkey-1-"),
        "SWM" + "TKN-1-" + sample(LOWER, 50) + "-" + sample(LOWER, 25),
        "SWM" + "KEY-1-" + sample(BASE64, 43),
    ),
    token("openshift-token", "sha256~", WORD, 43),
    shaped(
        "kubeadm-token",
        r"(?P<value>[a-z0-9]{6}\.[a-z0-9]{16})",
        ("--token", "bootstrap-token", "kubeadm"),
        ("kubeadm join --tok" + "en k7q2z9." + "x4v8m3t6w1p5h0d7", "k7q2z9." + "x4v8m3t6w1p5h0d7"),
        reach=(0, 100),
        left=CLOSED,
        words=True,
    ),
    shaped("rancher-token", r"token-[a-z0-9]{5}:(?P<body>[a-z0-9]{54})", "token-", "tok" + "en-k7q2z:" + sample(LOWER, 54)),
    shaped(
        "rancher-cluster-token",
        r"K10(?P<body>[0-9a-f]{64}::(?:server:|node:)?[A-Za-z0-9.]{16,64})",
        "k10",
        "K" + "10" + sample(HEX, 64) + "::server:" + sample(HEX, 32),
        left=CLOSED,
    ),
    shaped(
        "argocd-token",
        r"argocd\.token=(?P<value>[\w.-]{40,400})",
        "argocd.token=",
        ("argocd" + ".token=" + sample(WORD, 80), sample(WORD, 80)),
        right=r"(?![\w.-])",
    ),
    token("portainer-key", "ptr_", BASE64, 43, suffix="="),
)

RULES: tuple[Detector, ...] = (*_CLOUDFLARE, *_HOSTING, *_NETWORK, *_VAULTS)
