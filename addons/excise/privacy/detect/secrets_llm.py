"""
Keys of model providers, gateways, and the tools around them.

Shapes as the services document or issue them, collected 2026-11. Keys without a shape of their own (Mistral, Cohere,
Deepgram, …) are in `secrets_named`.
"""

from __future__ import annotations

from excise.privacy.detect.detector import Detector
from excise.privacy.detect.secrets_shape import A_UUID, ALNUM, CLOSED, HEX, LETTERS, LOWER, UUID, WORD, sample, shaped, token

_INFIX = "T3Blbk" + "FJ"  # base64 of "OpenAI"

_OPENAI = (
    shaped(
        "openai-key",
        rf"sk-(?:[a-z]{{3,12}}-)?(?P<body>[\w-]{{16,110}}{_INFIX}[\w-]{{16,110}})",
        _INFIX.lower(),
        "sk-" + sample(ALNUM, 20) + _INFIX + sample(ALNUM, 20),
        "sk-" + "proj-" + sample(WORD, 74) + _INFIX + sample(WORD, 74),
        "sk-" + "svcacct-" + sample(WORD, 58) + _INFIX + sample(WORD, 58),
        "sk-" + "admin-" + sample(WORD, 58) + _INFIX + sample(WORD, 58),
        right=r"(?![\w-])",
        reach=(130, 130),
        misses=("sk-proj-" + "x" * 40, "task-" + sample(ALNUM, 20) + _INFIX + sample(ALNUM, 20)),
    ),
    # Older ones of projects, and those of services that speak the same dialect.
    token("openai-project-key", ("sk-proj-", "sk-svcacct-", "sk-admin-", "sk-service-", "sk-None-"), WORD, (32, 220), words=True),
    token("openai-session", "sess-", ALNUM, (38, 64), left=CLOSED, words=True),
    # DeepSeek and Qwen 32 hexadecimal, Moonshot 48, LiteLLM 22, Stability 48, …
    shaped(
        "sk-key",
        r"sk-(?P<body>[A-Za-z0-9]{30,100}(?![\w-])|[\w-]{22}(?![\w-]))",
        "sk-",
        "sk-" + sample(HEX, 32),
        "sk-" + sample(ALNUM, 48),
        "sk-" + sample(WORD, 22),
        left=CLOSED,
        right="",
        words=True,
        misses=(
            "sk-" + "spinnerDoubleBounceAnimationDark",
            "sk-fading-circle-dark-mode",
            "sk-cube-grid-animation-x1",
            "disk-" + sample(HEX, 32),
        ),
    ),
    token("openai-client-secret", "ek_", HEX, 32, left=CLOSED),
)

_ANTHROPIC = (
    token(
        "anthropic-key",
        ("sk-ant-api03-", "sk-ant-admin01-", "sk-ant-oat01-", "sk-ant-ort01-", "sk-ant-sid01-", "sk-ant-sid02-", "sk-ant-api02-"),
        WORD,
        (80, 130),
        words=True,
    ),
    shaped(
        "anthropic-old-key", r"sk-ant-(?P<body>[\w-]{36,160})", "sk-ant-", "sk-" + "ant-" + sample(WORD, 86), right=r"(?![\w-])", words=True
    ),
)

_SK = (
    token("openrouter-key", ("sk-or-v1-", "sk-or-"), HEX, 64),
    shaped("langfuse-key", rf"[sp]k-lf-(?P<body>{UUID})", ("sk-lf-", "pk-lf-"), "sk-" + "lf-" + A_UUID, "pk-" + "lf-" + A_UUID),
    shaped(
        "helicone-key",
        r"[sp]k-helicone-(?:eu-|cp-)?(?P<body>[a-z0-9]{7}(?:-[a-z0-9]{7}){3}|[a-z0-9-]{20,64})",
        ("sk-helicone-", "pk-helicone-"),
        "sk-" + "helicone-" + "-".join([sample(LOWER, 7)] * 4),
        words=True,
    ),
    token("minimax-key", ("sk-cp-", "sk-api-"), WORD, (60, 160), words=True),
    token("kimi-key", "sk-kimi-", ALNUM, (40, 100), words=True),
    token("letta-key", "sk-let-", WORD, (40, 160), words=True),
    token(
        "sk-service-key",
        ("sk-sp-", "sk-ws-", "sk-ws-01-", "sk-bf-", "sk-v1-", "sk-user-", "sk-tinfoil-", "sk-unify-"),
        WORD,
        (24, 120),
        words=True,
    ),
    token("braintrust-key", "bt-st-", ALNUM, 48, words=True),
    token("youcom-key", "ydc-sk-", WORD, (24, 90), words=True),
    token("context7-key", "ctx7sk-", WORD, (30, 60), words=True),
)

_HOSTS = (
    token("groq-key", "gsk_", ALNUM, (48, 64)),
    token("xai-key", ("xai-", "xai-token-"), ALNUM, (64, 120), words=True),
    token("perplexity-key", "pplx-", ALNUM, (40, 64), words=True),
    token("huggingface-token", "hf_", ALNUM, (30, 48), left=CLOSED, words=True, misses=("hf_hub_download_with_retry_and_cache",)),
    # Letters alone, which words are too: their case changes at random.
    token("huggingface-letters", "hf_", LETTERS, 34, left=CLOSED),
    token("huggingface-organisation-token", "api_org_", ALNUM, (30, 48)),
    token("huggingface-oauth", ("hf_oauth_", "hf_jwt_"), WORD, (40, 400), words=True),
    token("replicate-token", "r8_", ALNUM, 37, left=CLOSED, words=True),
    token("together-key", ("tgp_v1_", "tgpk_v1_"), WORD, (40, 64)),
    token("cerebras-key", "csk-", ALNUM, (40, 64), words=True),
    token("nvidia-key", ("nvapi-", "nvapi-stg-"), WORD, (55, 80), words=True),
    token("fireworks-key", "fw_", ALNUM, (20, 48), left=CLOSED, words=True),
    token("anyscale-key", ("esecret_", "aph0_"), ALNUM, (20, 80), words=True),
    token("runpod-key", "rpa_", ALNUM, (30, 60), left=CLOSED, words=True),
    token("friendli-token", "flp_", ALNUM, (36, 80), left=CLOSED, words=True),
    token("featherless-key", ("rc_", "flatkey_"), HEX, 64, left=CLOSED),
    shaped(
        "chutes-long-key",
        r"cpk_(?P<body>[0-9a-f]{32}\.[0-9a-f]{32}\.[A-Za-z0-9]{24,48})",
        "cpk_",
        "cpk" + "_" + ".".join([sample(HEX, 32)] * 2) + "." + sample(ALNUM, 32),
        left=CLOSED,
    ),
    token("upstage-key", "up_", ALNUM, 29, left=CLOSED, words=True),
    token("modal-token", ("ak-", "as-", "wk-", "ws-"), ALNUM, 22, left=CLOSED, words=True),
    token("parasail-key", "psk-", ALNUM, (22, 64), left=CLOSED, words=True),
    token("openpipe-key", "opk_", ALNUM, (30, 64), left=CLOSED, words=True),
    token("lambda-key", "secret_", ALNUM, (28, 60), left=CLOSED, words=True, misses=("secret_" + "manager_access_policy_document",)),
    shaped(
        "lambda-cloud-key",
        r"secret_(?P<body>[A-Za-z0-9-]{16,40}_[0-9a-f]{32}\.[A-Za-z0-9]{32})",
        "secret_",
        "secret" + "_" + sample(LOWER, 18) + "_" + sample(HEX, 32) + "." + sample(ALNUM, 32),
        left=CLOSED,
    ),
    shaped(
        "vercel-gateway-key",
        r"vc[kpaicr]_(?P<body>[A-Za-z0-9]{24,80})",
        ("vck_", "vcp_", "vca_", "vci_", "vcr_", "vcc_"),
        "vck" + "_" + sample(ALNUM, 56),
        "vcp" + "_" + sample(ALNUM, 56),
        left=CLOSED,
        words=True,
    ),
    shaped(
        "luma-key",
        rf"luma-{UUID}(?P<body>-[\w-]{{36,80}})",
        "luma-",
        "lu" + "ma-" + A_UUID + "-" + A_UUID,
        right=r"(?![\w-])",
    ),
    shaped(
        "baseten-key",
        r"(?P<value>[A-Za-z0-9]{8}\.[A-Za-z0-9]{32})",
        "baseten",
        ("BASETEN" + "_API_KEY=" + sample(ALNUM, 8) + "." + sample(ALNUM, 32), sample(ALNUM, 8) + "." + sample(ALNUM, 32)),
        reach=(0, 80),
        words=True,
        left=CLOSED,
    ),
    token("elevenlabs-key", "sk_", HEX, 48, left=CLOSED),
    token("cartesia-key", "sk_car_", WORD, (18, 60)),
    # Novita, Sarvam, PlayHT, Clerk of old, RevenueCat, …: the same head, bodies of their own.
    token("sk-underscore-key", "sk_", ALNUM, (22, 100), left=CLOSED, words=True, misses=("sk_" + "computeBackPressureThreshold",)),
    shaped(
        "sarvam-key",
        r"sk_(?P<body>[a-z0-9]{8}_[A-Za-z0-9]{20,40})",
        "sk_",
        "sk" + "_" + sample(LOWER, 8) + "_" + sample(ALNUM, 24),
        left=CLOSED,
        words=True,
    ),
    token("retell-key", "key_", HEX, (28, 128), left=CLOSED, misses=("key_" + sample(HEX, 20),)),
    token("cursor-key", "crsr_", HEX, 64),
)

_SEARCH = (
    token("brave-key", "BSA", WORD, (24, 32), left=CLOSED, words=True),
    token("voyage-key", "pa-", WORD, 43, left=CLOSED, words=True),
    token("mongodb-model-key", "al-", WORD, 43, left=CLOSED, words=True),
    token("jina-key", "jina_", WORD, (40, 80), words=True),
    token("tavily-key", ("tvly-", "tvly-dev-", "tvly-prod-"), WORD, (28, 64), words=True),
    token("firecrawl-key", "fc-", HEX, 32, left=CLOSED),
    token("pinecone-key", "pcsk_", WORD, (50, 90)),
    shaped(
        "langsmith-key",
        r"(?:ls__|lsv2_[a-z]{2}_)(?P<body>[0-9a-f]{32}(?:_[0-9a-f]{10})?)",
        ("ls__", "lsv2_"),
        "lsv2" + "_pt_" + sample(HEX, 32) + "_" + sample(HEX, 10),
        "ls" + "__" + sample(HEX, 32),
    ),
    token("llamacloud-key", "llx-", ALNUM, (40, 64), words=True),
    token("vectara-key", ("zut_", "zqt_", "zwt_"), WORD, (36, 64), words=True),
    token("ragie-key", "tnt_", ALNUM, (20, 80), left=CLOSED, words=True),
    token("chroma-key", "ck-", ALNUM, (40, 64), left=CLOSED, words=True),
    token("turbopuffer-key", "tpuf_", ALNUM, (24, 64), words=True),
)

_TOOLS = (
    token("weights-and-biases-key", ("wandb_v1_", "local-wandb_v1_"), WORD, (60, 100), words=True),
    shaped("wandb-local-key", r"local-(?P<body>[0-9a-f]{40})", "local-", "lo" + "cal-" + sample(HEX, 40), left=CLOSED),
    token("e2b-key", ("e2b_", "sk_e2b_"), HEX, (32, 64)),
    token("daytona-key", "dtn_", HEX, 64),
    token("browserbase-key", ("bb_live_", "bb_test_"), WORD, (24, 64), words=True),
    token("apify-token", ("apify_api_", "apify_proxy_"), ALNUM, (30, 50)),
    token("scrapfly-key", ("scp-live-", "scp-test-"), HEX, 32),
    token("composio-key", ("ak_", "uak_", "oak_"), WORD, 20, left=CLOSED, words=True),
    token("mem0-key", "m0-", ALNUM, (36, 64), left=CLOSED, words=True),
    token("zep-key", ("z_1dWlk", "z_1dWlkI"), WORD, (40, 200), left=CLOSED),
    token("promptlayer-key", "pl_", HEX, 32, left=CLOSED),
    token("humanloop-key", "hl_sk_", HEX, (40, 100)),
    token("traceloop-key", ("tl_", "tlk_"), HEX, (32, 96), left=CLOSED),
    token("dify-key", ("app-", "dataset-"), ALNUM, 24, left=CLOSED, words=True),
    token("coze-token", ("pat_", "sat_", "cztei_"), ALNUM, (60, 70), left=CLOSED, words=True),
    token("fastgpt-key", "fastgpt-", ALNUM, (40, 80), words=True),
    token("sourcegraph-amp-key", "sgamp_user_", WORD, (26, 160), words=True),
    token("mintlify-key", ("mint_", "mint_dsc_"), ALNUM, (22, 64), words=True),
    shaped(
        "fal-key",
        rf"(?P<value>{UUID}:[0-9a-f]{{32}})",
        ("fal_", "fal-", "fal.", "fal ", "falkey"),
        ("FAL" + "_KEY=" + A_UUID + ":" + sample(HEX, 32), A_UUID + ":" + sample(HEX, 32)),
        left=CLOSED,
        reach=(0, 130),
    ),
    shaped(
        "zhipu-key",
        r"(?P<value>[0-9a-f]{32}\.[A-Za-z0-9]{16})",
        ("zhipu", "bigmodel", "glm", "zai", "z.ai", "z_ai"),
        ("ZAI" + "_API_KEY=" + sample(HEX, 32) + "." + sample(ALNUM, 16), sample(HEX, 32) + "." + sample(ALNUM, 16)),
        left=CLOSED,
        reach=(0, 80),
    ),
    shaped(
        "ollama-key",
        r"(?P<value>[0-9a-f]{32}\.[A-Za-z0-9_-]{24})",
        "ollama",
        ("OLLAMA" + "_API_KEY=" + sample(HEX, 32) + "." + sample(WORD, 24), sample(HEX, 32) + "." + sample(WORD, 24)),
        left=CLOSED,
        right=r"(?![\w-])",
        reach=(0, 80),
    ),
)

RULES: tuple[Detector, ...] = (*_OPENAI, *_ANTHROPIC, *_SK, *_HOSTS, *_SEARCH, *_TOOLS)
