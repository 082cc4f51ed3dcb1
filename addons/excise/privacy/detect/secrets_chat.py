"""
Credentials of messengers, mail and telephone services, and social networks.

Shapes as the services document or issue them, collected 2026-11.
"""

from __future__ import annotations

from excise.privacy.detect.detector import Detector
from excise.privacy.detect.secrets_shape import (
    A_UUID,
    ALNUM,
    CLOSED,
    ESCAPED,
    HEX,
    LETTERS,
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

# The first part of a bot's token is the base64 of its number: three digits of it make four characters.
_BOT_HEADS = tuple(
    head + third + fourth
    for head in ("mt", "mj", "mz", "nd", "nt", "nj", "nz", "od", "ot")
    for third in "aeimquycgk"
    for fourth in "wxyz012345"
)

_SLACK = (
    shaped(
        "slack-token",
        r"xox(?:[bpaersco]|e\.xox[bp])-(?P<body>(?=[\w-]{0,40}[0-9])[A-Za-z0-9-]{10,400})",
        ("xoxb-", "xoxp-", "xoxa-", "xoxe-", "xoxe.xox", "xoxr-", "xoxs-", "xoxc-", "xoxo-"),
        "xo" + "xb-1234567890123-1234567890124-" + sample(ALNUM, 24),
        "xo" + "xe.xoxp-1-" + sample(ALNUM, 166),
        "xo" + "xa-2-" + sample(ALNUM, 12),
        right=r"(?![\w-])",
        misses=("xoxb-" + "your-slack-bot-token", "xoxb-" + "x" * 30),
    ),
    shaped(
        "slack-cookie",
        r"xoxd-(?P<body>[A-Za-z0-9%+/=_-]{40,400})",
        "xoxd-",
        "xo" + "xd-" + sample(ALNUM, 100),
        right="(?![A-Za-z0-9%+/=_-])",
        words=True,
    ),
    shaped(
        "slack-app-token",
        r"xapp-[0-9]-(?P<body>[A-Z0-9]{6,16}-[0-9]{8,16}-[A-Za-z0-9]{30,100})",
        "xapp-",
        "xa" + "pp-1-A0123456789-1234567890123-" + sample(HEX, 64),
    ),
    token("slack-workflow-token", "xwfp-", WORD, (30, 200), words=True),
    shaped(
        "slack-webhook",
        r"hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/(?P<body>[A-Za-z0-9+/]{16,100})",
        ("hooks.slack.com/", "hooks.slack-gov.com/"),
        "hooks.slack" + ".com/services/T0123ABCD/B0123ABCD/" + sample(ALNUM, 24),
        right="(?![A-Za-z0-9+/])",
        left="",
        entity="API_KEY",
        words=True,
    ),
)

_MESSENGERS = (
    shaped(
        "discord-bot-token",
        r"[MNO][A-Za-z0-9_-]{22,27}\.[\w-]{6}\.(?P<body>[\w-]{27,40})",
        _BOT_HEADS,
        "MTIz" + "NDU2Nzg5MDEyMzQ1Njc4" + "." + "G" + "k7Qz9" + "." + sample(WORD, 38),
        left=CLOSED,
        right=r"(?![\w.-])",
    ),
    token("discord-mfa-token", "mfa.", WORD, (80, 95)),
    shaped(
        "telegram-bot-token",
        r"[0-9]{5,16}:(?P<body>A[\w-]{34})",
        tuple(f"{number:02}:a" for number in range(100)),
        "123456789" + ":AA" + sample(WORD, 33),
        left=rf"(?:(?<![A-Za-z0-9_+-])|(?<=/bot)|{ESCAPED})",
        right=r"(?![\w-])",
        reach=(15, 40),
        words=True,
    ),
    shaped(
        "discord-webhook",
        r"discord(?:app)?\.com/api/(?:v[0-9]{1,2}/)?webhooks/(?P<body>[0-9]{17,20}/[\w-]{60,72})",
        ("discord.com/api/", "discordapp.com/api/"),
        "discord" + ".com/api/webhooks/123456789012345678/" + sample(WORD, 68),
        left="",
        right=r"(?![\w-])",
    ),
    shaped(
        "teams-webhook",
        rf"[\w-]{{1,60}}\.webhook\.office(?:365)?\.com/webhook(?:b2)?/(?P<body>{UUID}@{UUID}/[A-Za-z]{{4,30}}/[0-9a-z]{{32}}/{UUID}(?:/[\w-]{{20,60}})?)",
        ".webhook.office",
        "acme.webhook" + ".office.com/webhookb2/" + A_UUID + "@" + A_UUID + "/IncomingWebhook/" + sample(HEX, 32) + "/" + A_UUID,
        reach=(60, 260),
        left="",
    ),
    shaped(
        "google-chat-webhook",
        r"chat\.googleapis\.com/v1/spaces/[\w-]{6,40}/messages\?(?P<value>key=[\w-]{30,60}&token=[\w%=-]{30,120})",
        "chat.googleapis.com/",
        (
            "https://chat.googleapis.com/v1/spaces/AAAAk7Qz9Xv/messages?key=" + sample(WORD, 39) + "&token=" + sample(WORD, 43),
            "key=" + sample(WORD, 39) + "&token=" + sample(WORD, 43),
        ),
        left="",
        right=r"(?![\w%=-])",
    ),
    shaped(
        "dingtalk-webhook",
        r"oapi\.dingtalk\.com/robot/send\?access_token=(?P<value>[0-9a-f]{64})",
        "oapi.dingtalk.com/",
        ("https://oapi.dingtalk.com/robot/send?access_token=" + sample(HEX, 64), sample(HEX, 64)),
        left="",
    ),
    shaped(
        "feishu-webhook",
        rf"open\.(?:feishu\.cn|larksuite\.com)/open-apis/bot/(?:v2/)?hook/(?P<value>{UUID}|[A-Za-z0-9]{{32}})",
        ("open.feishu.cn/", "open.larksuite.com/"),
        ("https://open.feishu.cn/open-apis/bot/v2/hook/" + A_UUID, A_UUID),
        left="",
    ),
    shaped(
        "wecom-webhook",
        rf"qyapi\.weixin\.qq\.com/cgi-bin/webhook/send\?key=(?P<value>{UUID})",
        "qyapi.weixin.qq.com/",
        ("https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=" + A_UUID, A_UUID),
        left="",
    ),
    shaped(
        "zapier-webhook",
        r"hooks\.zapier\.com/hooks/(?:catch|standard)/(?P<value>[0-9]{5,12}/[A-Za-z0-9]{5,10})",
        "hooks.zapier.com/",
        ("https://hooks.zapier" + ".com/hooks/catch/1234567/ab12cd3/", "1234567/ab12cd3"),
        left="",
    ),
    shaped(
        "make-webhook",
        r"hook\.(?:eu[12]\.|us[12]\.)?(?:make|integromat)\.com/(?P<value>[a-z0-9]{28,40})",
        ("hook.",),
        ("https://hook.eu1.make.com/" + sample(LOWER, 32), sample(LOWER, 32)),
        left=rf"(?:(?<![A-Za-z0-9.])|{ESCAPED})",
    ),
    shaped(
        "matrix-token",
        r"syt_[A-Za-z0-9+/=_-]{1,100}_[A-Za-z]{20}_[A-Za-z0-9]{6}",
        "syt_",
        "sy" + "t_YWxpY2U_" + sample(LETTERS, 20) + "_k7Qz9X",
        left=CLOSED,
    ),
    token("matrix-macaroon", ("MDAxOGxvY2F0aW9u", "MDAxY2xvY2F0aW9u", "MDAyOGxvY2F0aW9u"), WORD, (80, 600)),
)

_MAIL = (
    shaped(
        "sendgrid-key",
        r"SG\.(?P<body>[\w-]{16,24}\.[\w-]{39,50}|[\w=.-]{66})",
        "sg.",
        "S" + "G." + sample(WORD, 22) + "." + sample(WORD, 43),
        left=CLOSED,
        right=r"(?![\w-])",
        words=True,
    ),
    token("mailgun-key", ("key-", "pubkey-"), HEX, 32, left=CLOSED),
    shaped("mailchimp-key", r"[0-9a-f]{32}-us[0-9]{1,2}", "-us", sample(HEX, 32) + "-us" + "12", reach=(33, 6), left=CLOSED),
    token("mandrill-key", "md-", WORD, 22, left=CLOSED, words=True),
    shaped(
        "brevo-key",
        r"x(?:key|smtp)sib-(?P<body>[0-9a-f]{64}-[A-Za-z0-9]{16})",
        ("xkeysib-", "xsmtpsib-"),
        "xkey" + "sib-" + sample(HEX, 64) + "-" + sample(ALNUM, 16),
    ),
    shaped(
        "resend-key",
        r"re_(?P<body>[A-Za-z0-9]{6,10}_[A-Za-z0-9]{18,28})",
        "re_",
        "re" + "_" + sample(ALNUM, 8) + "_" + sample(ALNUM, 24),
        left=CLOSED,
        words=True,
    ),
    token("mailersend-token", "mlsn.", HEX, 64),
    token("smtp2go-key", "api-", HEX, 32, left=CLOSED),
    token("smtp2go-long-key", "api-", UPPER, (32, 40), left=CLOSED, words=True),
    token("klaviyo-key", "pk_", HEX, 34, left=CLOSED),
    token("convertkit-key", "kit_", HEX, 32, left=CLOSED),
    token("onesignal-key", ("os_v2_app_", "os_v2_org_"), LOWER, (90, 120)),
    token("beamer-key", "b_", WIDE, (43, 46), left=CLOSED, words=True),
)

_TELEPHONE = (
    shaped(
        "intercom-token",
        r"dG9rO[jT](?P<body>[A-Za-z0-9+/]{40,90}={0,2})",
        "dg9ro",
        "dG9" + "rOj" + sample(ALNUM, 54) + "=",
        left=CLOSED,
        right="(?![A-Za-z0-9+/=])",
    ),
    shaped("twilio-key", r"SK[0-9A-Fa-f]{32}", tuple(f"sk{digit}" for digit in "0123456789abcdef"), "S" + "K" + sample(HEX, 32), left=LONE),
    shaped(
        "twilio-account",
        r"(?P<value>AC[0-9a-f]{32})",
        ("twilio", "account_sid", "accountsid"),
        ("TWILIO" + "_ACCOUNT_SID=AC" + sample(HEX, 32), "AC" + sample(HEX, 32)),
        reach=(0, 110),
        left=LONE,
    ),
    shaped(
        "telnyx-key",
        r"KEY(?P<body>[0-9A-F]{32}_[A-Za-z0-9]{22}|01[0-9A-F]{30}_[A-Za-z0-9]{20,24})",
        tuple(f"key{digit}" for digit in "0123456789abcdef"),
        "KE" + "Y" + sample(HEX, 32).upper() + "_" + sample(ALNUM, 22),
        left=CLOSED,
    ),
    shaped(
        "infobip-key",
        r"[0-9a-f]{32}-(?P<body>[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})",
        "infobip",
        ("INFOBIP" + "_API_KEY=" + sample(HEX, 32) + "-" + A_UUID, sample(HEX, 32) + "-" + A_UUID),
        reach=(0, 120),
        left=CLOSED,
    ),
    shaped(
        "pubnub-key",
        rf"(?:pub|sub|sec)-c-(?P<body>{UUID}|[A-Za-z0-9+/=]{{40,64}})",
        ("pub-c-", "sub-c-", "sec-c-"),
        "pub" + "-c-" + A_UUID,
        "sec" + "-c-" + sample(ALNUM, 48),
        right="(?![A-Za-z0-9+/=-])",
    ),
    shaped(
        "ably-key",
        r"[\w-]{6}\.[\w-]{6}:[\w-]{43}",
        "ably",
        ("ABLY" + "_API_KEY=k7Qz9X.v8M3tW:" + sample(WORD, 43), "k7Qz9X.v8M3tW:" + sample(WORD, 43)),
        reach=(0, 110),
        left=CLOSED,
        right=r"(?![\w-])",
    ),
    shaped(
        "livekit-key",
        r"(?P<value>API[A-Za-z0-9]{12,14})",
        "livekit",
        ("LIVEKIT" + "_API_KEY=API" + sample(ALNUM, 12), "API" + sample(ALNUM, 12)),
        reach=(0, 60),
        left=LONE,
        words=True,
    ),
    shaped("hubspot-token", rf"pat-(?:na|eu|ap)[0-9]-(?P<body>{UUID})", "pat-", "pa" + "t-na1-" + A_UUID),
    token("knock-key", ("sk_prod_", "sk_dev_"), WORD, (24, 64), words=True),
)

_SOCIAL = (
    shaped(
        "facebook-app-token",
        r"[0-9]{13,17}(?:\||%7[Cc]|%)(?P<body>[\w-]{26,40})",
        tuple(f"{number:02}{bar}" for number in range(100) for bar in "|%"),
        "123456789012345" + "|" + sample(WORD, 27),
        reach=(16, 46),
        left=rf"(?:(?<![A-Za-z0-9.])|{ESCAPED})",
        right=r"(?![\w-])",
        words=True,
    ),
    shaped(
        "facebook-token",
        # Zeros further in are a picture's: `EAAA…` is how base64 writes small numbers.
        r"EAA(?!A{0,5}[B-Za-z0-9][A-Za-z0-9]{0,400}AAAA)(?P<body>[A-Za-z0-9]{60,400})",
        "eaa",
        "E" + "AA" + sample(ALNUM, 60),
        "E" + "AACEdEose0cBA" + sample(ALNUM, 150),
        left=LONE,
        words=True,
        misses=("EAA" + sample(ALNUM, 50), "EAA" + sample(ALNUM, 40) + "AAAAAAAA" + sample(ALNUM, 40)),
    ),
    token("instagram-token", ("IGQV", "IGQW", "IGAA"), WORD, (100, 300), left=CLOSED, words=True),
    shaped(
        "twitter-bearer-token",
        r"A{20,24}(?P<body>[A-Za-z0-9%]{60,120})",
        ("twitter", "bearer", "tweepy"),
        ("twitter_bearer = '" + "A" * 22 + sample(ALNUM, 82), "A" * 22 + sample(ALNUM, 82)),
        reach=(0, 220),
        left=CLOSED,
        words=True,
    ),
    token("linkedin-secret", ("WPL_AP0.", "WPL_AP1."), WORD, (16, 32)),
    token("tiktok-token", ("act.", "rft.", "clt."), ALNUM, (40, 90), left=CLOSED, words=True),
    shaped(
        "bluesky-app-password",
        r"(?P<value>[a-z0-9]{4}-[a-z0-9]{4}-[a-z0-9]{4}-[a-z0-9]{4})",
        ("bluesky", "bsky", "atproto", "app_password", "app password"),
        ("BLUESKY" + "_PASSWORD=k7q2-z9x4-v8m3-t6w1", "k7q2-z9x4-v8m3-t6w1"),
        reach=(0, 60),
        left=CLOSED,
        right=r"(?![\w-])",
        words=True,
    ),
)

RULES: tuple[Detector, ...] = (*_SLACK, *_MESSENGERS, *_MAIL, *_TELEPHONE, *_SOCIAL)
