"""
Credentials of payments, shops, shipping, banks and exchanges.

Shapes as the services document or issue them, collected 2026-11.
"""

from __future__ import annotations

from excise.privacy.detect.detector import Detector
from excise.privacy.detect.secrets_shape import A_UUID, ALNUM, CLOSED, HEX, LOWER, UUID, WIDE, WORD, sample, shaped, token

_PAYMENTS = (
    shaped(
        "stripe-key",
        r"(?:sk|rk|pk)_(?:live|test|prod)_(?P<body>[A-Za-z0-9]{10,255})",
        ("sk_live_", "rk_live_", "pk_live_", "sk_test_", "rk_test_", "pk_test_", "sk_prod_", "rk_prod_", "pk_prod_"),
        "sk" + "_live_" + sample(ALNUM, 24),
        "rk" + "_test_" + sample(ALNUM, 99),
        "sk" + "_prod_" + sample(ALNUM, 30),
        misses=("sk" + "_live_" + "x" * 24, "task" + "_test_" + sample(ALNUM, 24)),
    ),
    shaped(
        "stripe-client-secret",
        r"(?:pi|seti|cs|src)_[A-Za-z0-9]{14,32}_secret_(?P<body>[A-Za-z0-9]{20,32})",
        ("pi_", "seti_", "cs_", "src_"),
        "pi" + "_" + sample(ALNUM, 24) + "_secret_" + sample(ALNUM, 25),
        left=CLOSED,
    ),
    token("stripe-webhook-secret", "whsec_", ALNUM, (24, 72)),
    shaped(
        "signing-secret",
        r"whsec_(?P<body>[A-Za-z0-9+/]{24,90}={0,2})",
        "whsec_",
        "whs" + "ec_" + sample(ALNUM, 30) + "+/==",
        right="(?![A-Za-z0-9+/=])",
    ),
    token("square-token", "EAAA", WORD, (22, 64), left=CLOSED, words=True),
    token("square-application-secret", ("sq0csp-", "sandbox-sq0csb-", "sq0csb-"), WORD, (40, 50)),
    token("square-personal-token", ("sq0atp-", "sandbox-sq0atb-", "sq0atb-"), WORD, (22, 60)),
    token("square-application-id", ("sq0idp-", "sq0idb-", "sq0ids-"), WORD, (22, 60)),
    shaped(
        "braintree-token",
        r"access_token\$(?:production|sandbox)\$(?P<body>[0-9a-z]{16}\$[0-9a-f]{32})",
        "access_token$",
        "access_token" + "$production$" + sample(LOWER, 16) + "$" + sample(HEX, 32),
    ),
    shaped(
        "braintree-tokenization-key",
        r"(?:production|sandbox)_(?P<body>[0-9a-z]{8}_[0-9a-z]{16})",
        ("production_", "sandbox_"),
        "sandbox" + "_" + sample(LOWER, 8) + "_" + sample(LOWER, 16),
        left=CLOSED,
    ),
    shaped("paypal-token", r"A21AA(?P<body>[\w-]{80,120})", "a21aa", "A21" + "AA" + sample(WORD, 92), left=CLOSED, right=r"(?![\w-])"),
    shaped(
        "plaid-token",
        rf"(?:access|public|link)-(?:sandbox|development|production)-(?P<body>{UUID})",
        ("access-", "public-", "link-"),
        "access" + "-sandbox-" + A_UUID,
    ),
    shaped(
        "adyen-key",
        r"AQE[a-z]h[A-Za-z0-9+/]{20,60}={0,2}(?P<body>(?:(?!</)[A-Za-z0-9+/=:;<>?!@#$%^&*(){}\[\]|.,~_-]){60,240})",
        "aqe",
        "AQE" + "mh" + sample(ALNUM, 60) + "-" + sample(ALNUM, 44) + "=-" + sample(ALNUM, 24),
        left=CLOSED,
        right="",
    ),
    shaped(
        "flutterwave-key",
        r"FLW(?:PUBK|SECK)(?:_TEST)?-(?P<body>[0-9a-zA-Z]{32,36})(?:-[0-9a-z]{1,16})?-X",
        ("flwpubk", "flwseck"),
        "FLW" + "SECK_TEST-" + sample(HEX, 32) + "-X",
        "FLW" + "PUBK-" + sample(HEX, 32) + "-X",
    ),
    shaped(
        "flutterwave-encryption-key",
        r"FLWSECK_TEST-?(?P<body>[0-9a-z]{12})",
        "flwseck_test",
        "FLWSECK" + "_TEST" + sample(HEX, 12),
        "FLWSECK" + "_TEST-" + sample(HEX, 12),
    ),
    token("razorpay-key", ("rzp_live_", "rzp_test_"), ALNUM, (14, 20)),
    token("mollie-key", ("live_", "test_"), ALNUM, (28, 34), left=CLOSED, words=True),
    token("mollie-access-token", "access_", ALNUM, (30, 40), left=CLOSED, words=True),
    token("gocardless-token", ("live_", "sandbox_"), WIDE, 40, left=CLOSED, words=True),
    token("lob-key", ("live_", "test_"), HEX, 35, left=CLOSED),
    token("lob-publishable-key", ("live_pub_", "test_pub_"), HEX, 31, left=CLOSED),
    shaped(
        "checkout-key",
        rf"[sp]k_(?:sbox|test)?_?(?P<body>[a-z2-7]{{26}}[a-z2-7*#$=]|{UUID})",
        ("sk_", "pk_"),
        "sk" + "_sbox_" + "k7qzxv3mtwphdsrjb2yfgnlc4e=",
        "sk" + "_test_" + A_UUID,
        left=CLOSED,
        right="(?![A-Za-z0-9=])",
        words=True,
    ),
    shaped(
        "paddle-key",
        r"(?:pdl_(?:live|sdbx)_apikey|apikey)_(?P<body>01[a-z0-9]{24}_[A-Za-z0-9]{22}_[A-Za-z0-9]{3})",
        ("pdl_", "apikey_01"),
        "pdl" + "_live_apikey_01" + sample(LOWER, 24) + "_" + sample(ALNUM, 22) + "_A1b",
    ),
    token("paddle-webhook-secret", "pdl_ntfset_01", WORD, (40, 80)),
    token("chargebee-key", ("live_", "test_"), ALNUM, (35, 60), left=CLOSED, words=True),
    token("paystack-key", ("sk_live_", "sk_test_", "pk_live_"), HEX, 40),
    token("omise-key", ("skey_", "skey_test_", "skey_live_", "pkey_test_"), LOWER, (19, 24)),
    token("xendit-key", ("xnd_development_", "xnd_production_", "xnd_public_"), ALNUM, (40, 100)),
    token("midtrans-key", "Mid-server-", WORD, (20, 40)),
    token("cashfree-key", ("cfsk_ma_test_", "cfsk_ma_prod_"), WORD, (40, 64)),
    token("polar-token", ("polar_oat_", "polar_pat_", "polar_whs_", "polar_rst_"), ALNUM, (40, 64)),
    token("mercury-token", ("secret-token:mercury_production_", "secret-token:mercury_sandbox_"), WORD, (40, 120)),
)

_SHOPS = (
    token("shopify-token", ("shpat_", "shpca_", "shppa_", "shpss_", "shpua_", "shptka_", "shpit_", "shprt_"), HEX, 32),
    token("shopify-app-token", ("atkn_", "prtapi_"), HEX, (32, 64)),
    token("woocommerce-key", ("ck_", "cs_"), HEX, 40, left=CLOSED),
    token("easypost-key", ("EZAK", "EZTK"), ALNUM, 54, left=CLOSED),
    token("shippo-token", ("shippo_live_", "shippo_test_"), HEX, 40),
    token("shipengine-key", ("TEST_", "LIVE_"), WORD, 43, left=CLOSED, words=True),
    token("duffel-token", ("duffel_test_", "duffel_live_"), WIDE, 43),
    token("freemius-key", "sk_", WORD, 29, left=CLOSED, words=True),
    shaped(
        "freemius-secret",
        r"secret_key[\"']?\s{0,4}=>\s{0,4}[\"'](?P<value>sk_\S{29})[\"']",
        "secret_key",
        ("'secret_key' => 'sk" + "_" + sample(ALNUM, 26) + "}^!'", "sk" + "_" + sample(ALNUM, 26) + "}^!"),
        right="",
    ),
    shaped(
        "ebay-token",
        r"v\^1\.1#i\^1#[^\s<>\"'\x02\x03]{60,4000}",
        "v^1.1#i^1#",
        "v^1.1" + "#i^1#p^3#f^0#r^1#t^Ul4x" + sample(ALNUM, 60),
        left="",
        right="",
    ),
    shaped(
        "ebay-key",
        r"(?:SBX|PRD)-(?P<body>[0-9a-f]{12}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4})",
        ("sbx-", "prd-"),
        "PR" + "D-" + "3f9a0c7e1b8d-5a2f-6c4e-9b0d-7a1c",
        left=CLOSED,
    ),
    token("revenuecat-key", ("appl_", "goog_", "strp_", "amzn_", "rcb_"), ALNUM, (24, 34), left=CLOSED, words=True),
)

_CHAINS = (
    token("alchemy-key", ("alch_", "alcht_"), ALNUM, (20, 48), words=True),
    shaped(
        "coinbase-platform-key",
        rf"organizations/{UUID}/apiKeys/(?P<body>{UUID})",
        "organizations/",
        "organizations" + "/" + A_UUID + "/apiKeys/" + A_UUID,
    ),
    token("blockfrost-key", ("mainnet", "testnet", "preprod", "preview", "ipfs"), ALNUM, 32, left=CLOSED, words=True),
    shaped(
        "node-url-key",
        r"(?:infura\.io/v3|infura\.io/ws/v3|alchemy\.com/v2|alchemyapi\.io/v2|quiknode\.pro)/(?P<value>[A-Za-z0-9_-]{32,64})",
        ("infura.io/", "alchemy.com/v2/", "alchemyapi.io/", "quiknode.pro/"),
        ("https://mainnet.infura.io/v3/" + sample(HEX, 32), sample(HEX, 32)),
        left="",
        right=r"(?![\w-])",
        words=True,
    ),
)

RULES: tuple[Detector, ...] = (*_PAYMENTS, *_SHOPS, *_CHAINS)
