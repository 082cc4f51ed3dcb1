"""
Secrets known only by the name they are assigned to, passwords, and connection strings.
"""

# ruff: noqa: E501, SIM905 - tables, a row a line

from __future__ import annotations

import itertools
from collections.abc import Iterator
from random import Random

from privacy.labelled.case import Case, fill
from privacy.labelled.values import shape

SERVICES = (
    "acme adafruit adobe algolia amplitude appveyor auth0 beamer bitbucket bittrex box braintree buildkite clickup coinbase "
    "confluent contentful datadog disqus dropbox dnsimple easypost elastic etsy fastly finicity flickr flutterwave "
    "freshbooks gitter hashicorp hubspot infracost intercom jfrog jira kraken kucoin launchdarkly linkedin lob looker "
    "mailchimp mapbox mattermost messagebird netlify newrelic nytimes okta pagerduty paypal plaid prefect reddit rollbar "
    "segment shippo sidekiq snyk sonar spotify squarespace travis trello twilio twitch twitter weatherapi webex yandex "
    "zendesk zoom"
).split()

# `%s` the service's name as words are written there; the value at the mark. One row a way of writing.
_SNAKE = (
    '%s_{w} = "\x00"', "%s_{w} = '\x00'", "%s_{w}=\x00", '{{"%s_{w}": "\x00"}}', "'%s_{w}': '\x00',", "%s_{w}: \x00", '%s_{w}: "\x00"',
    '%s_{w} => "\x00"', ':%s_{w} => "\x00"', "%s_{w} := `\x00`", "%s_{w} ?= \x00", '\\"%s_{w}\\": \\"\x00\\"', 'os.environ["%s_{w}"] = "\x00"',
    'ENV["%s_{w}"] ||= "\x00"', "set %s_{w} \x00", "%s_{w}\x02\x00\x03", "-e %s_{w}=\x00 \\", '"%s_{w}" "\x00"', "--set app.%s_{w}=\x00",
    "define('%s_{w}', '\x00');", "curl https://api.test/v2?%s_{w}=\x00&limit=3",
)  # fmt: skip
_CAMEL = (
    'var %s{W} = "\x00"', "const %s{W} = '\x00';", "let %s{W}: String = \"\x00\"", '"%s{W}": "\x00"', "<%s{W}>\x00</%s{W}>",
    "<%s{W}>\n    \x00\n</%s{W}>", 'String %s{W} = "\x00";', "%s{W} := \"\x00\"", 'string %s{W} = "\x00";', "val %s{W} = \"\x00\"",
    '$%s{W} = "\x00";', "%s{W}: '\x00',", 'System.setProperty("%S_{N}", "\x00")', 'setenv("%S_{N}", "\x00", 1);', "%s{W}\x02\x00\x03",
    'var %s{W} string = "\x00"', "this.%s{W} = `\x00`;", '<add key="%s{W}" value="\x00" />', '{{"name": "%S_{N}", "value": "\x00"}}',
)  # fmt: skip
_HEADER = ("X-%T-{H}: \x00", "%T-{H}: \x00\r\n", '-H "X-%T-{H}: \x00"', 'headers["X-%T-{H}"] = "\x00"')
_PROSE = (
    "The %s {p} is \x00, use it for staging.",
    "here is my %s {p}: \x00",
    "Mein %s {p} lautet \x00 und gilt bis Freitag.",
    "Le %s {p} est : \x00.",
    "El %s {p} es \x00.",
)
WORDS = (
    "api key",
    "token",
    "secret",
    "access token",
    "auth token",
    "client secret",
    "access key",
    "secret key",
    "api token",
    "private token",
    "auth key",
    "credentials",
)
VALUES = (
    "<h32>",
    "<h40>",
    "<h64>",
    "<a20>",
    "<a24>",
    "<a32>",
    "<a40>",
    "<a43>",
    "<w36>",
    "<l32>",
    "<l25>",
    "<b43>=",
    "<a64>",
    "<w86>",
    "<u32>",
)
SECRET = ("API_KEY", "PASSWORD", "AUTH_HEADER", "URL_SECRET")


def generic(random: Random) -> Iterator[Case]:
    """
    Every service in a dozen of the ways.
    """
    forms = [*_SNAKE, *_CAMEL, *_HEADER, *_PROSE]
    turn = itertools.cycle(range(len(forms)))
    for service in SERVICES:
        for _ in range(12):
            number = next(turn)
            form, words = forms[number], random.choice(WORDS).split()
            value = shape(random, random.choice(VALUES))
            upper = random.random() < 0.4
            pascal = "".join(word.capitalize() for word in words)
            snake = "_".join(words)
            template = (
                form.replace("{{", "{").replace("}}", "}")
                .replace("{w}", snake.upper() if upper else snake)
                .replace("{W}", pascal)
                .replace("{N}", snake.upper())
                .replace("{H}", "-".join(word.capitalize() for word in words))
                .replace("{p}", " ".join(words))
                .replace("%S", service.upper())
                .replace("%T", service.capitalize())
                .replace("%s", service.upper() if upper and form in _SNAKE else service)
            )  # fmt: skip
            kind = "snake" if form in _SNAKE else "camel" if form in _CAMEL else "header" if form in _HEADER else "prose"
            yield fill(template, value, "assignment", SECRET, f"{kind}: {form}", service)


_PASSWORDS = ("<a12>", "<a16>", "<L4>-<L5>-<d3>", "<U1><L6><d3>!", "<a6>#<a5>", "<L5>_<d4>@<U2>", "<a8>$<a3>", "<a20>")
_PASSWORD_FORMS = (
    ('password = "\x00"', "code"), ("DB_PASSWORD=\x00\nPORT=1\n", "env"), ('{"username": "root", "password": "\x00"}', "json"),
    ("spring.datasource.password=\x00\n", "properties"), ("  password: '\x00'\n", "yaml"), ("$db_pass = '\x00';", "php"),
    ("mysql -u root -p'\x00' shop\n", "shell"), ("sshpass -p '\x00' ssh root@host\n", "shell"), ("PGPASSWORD='\x00' psql -h db\n", "shell"),
    ('passwd: "\x00"', "yaml"), ("<password>\x00</password>", "xml"), ("password\x02\x00\x03", "document"), ("user\x02root\x03pwd\x02\x00\x03", "document"),
    ("my password is \x00 and I cannot log in", "prose-en"), ("Mein Passwort lautet \x00, bitte ändern.", "prose-de"),
    ("Le mot de passe est \x00 pour le compte.", "prose-fr"), ("La contraseña es \x00 para la cuenta.", "prose-es"), ("Passwort: \x00\n", "prose-de"),
    ("mot de passe : \x00\n", "prose-fr"), ("senha: \x00\n", "prose-pt"), ("ADMIN_PASS: \x00\n", "yaml"), ("net use z: \\\\srv\\share /user:admin \x00\n", "shell"),
    ("CREATE USER app WITH PASSWORD '\x00';", "sql"), ("IDENTIFIED BY '\x00'", "sql"), ("wget --password=\x00 https://host.test/f\n", "shell"),
)  # fmt: skip
_CONNECTIONS = (
    ("postgres://app:\x00@db.test:5432/shop", "postgres"), ("DATABASE_URL=postgresql://app:\x00@10.0.0.5/shop?sslmode=require\n", "postgres"),
    ("mysql://root:\x00@mysql.test/shop", "mysql"), ("mongodb+srv://app:\x00@cluster0.ab1cd.mongodb.test/?retryWrites=true", "mongodb"),
    ("mongodb://app:\x00@m1:27017,m2:27017/shop", "mongodb"), ("redis://:\x00@cache.test:6379/0", "redis"), ("rediss://default:\x00@cache.test:6380", "redis"),
    ("amqp://app:\x00@rabbit.test:5672/%2f", "amqp"), ("mssql+pyodbc://sa:\x00@sql.test/shop?driver=x", "mssql"),
    ("snowflake://app:\x00@acc.eu-west-1/shop", "snowflake"), ("https://deploy:\x00@git.test/team/repo.git", "https"), ("ftp://app:\x00@files.test/in", "ftp"),
    ("jdbc:postgresql://db.test/shop?user=app&password=\x00", "jdbc"), ("jdbc:sqlserver://db.test;user=sa;password=\x00;encrypt=true", "jdbc"),
    ("Server=tcp:db.test,1433;Database=shop;User ID=sa;Password=\x00;Encrypt=true;", "ado"), ('"Data Source=db;User Id=sa;Pwd=\x00;"', "ado"),
    ("db.test:5432:shop:app:\x00\n", "pgpass"), ("machine git.test login deploy password \x00\n", "netrc"), ("https://app:\x00@git.test\n", "git-credentials"),
    ("host=db.test port=5432 dbname=shop user=app password=\x00 sslmode=require", "libpq"), ("smtp://mailer:\x00@smtp.test:587", "smtp"),
    ("//registry.test/:_authToken=\x00\n", "npmrc"), ("engine = create_engine('postgresql+psycopg://app:\x00@db/shop')", "code"),
)  # fmt: skip
_AZURE = (
    ("DefaultEndpointsProtocol=https;AccountName=shop;AccountKey=\x00;EndpointSuffix=core.windows.net", "<b86>==", "storage"),
    ("Endpoint=sb://shop.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey=\x00", "<b43>=", "service-bus"),
    ("Endpoint=https://shop.azconfig.io;Id=<a4>-l0-s0:<a20>;Secret=\x00", "<b43>=", "app-configuration"),
    ("HostName=hub.azure-devices.net;DeviceId=d1;SharedAccessKey=\x00", "<b43>=", "iot-hub"),
)


def passwords(random: Random, rounds: int = 20) -> Iterator[Case]:
    """
    Passwords in code, shells and prose, and in connection strings.
    """
    for number in range(rounds):
        for template, place in _PASSWORD_FORMS:
            value = shape(random, _PASSWORDS[number % len(_PASSWORDS)])
            yield fill(template, value, "password", ("PASSWORD", "API_KEY"), template, place)
        for template, place in _CONNECTIONS:
            value = shape(random, "<a16>" if number % 2 else "<L5><d3><U2>")
            yield fill(template, value, "connection", ("PASSWORD", "API_KEY", "AUTH_HEADER", "URL_SECRET"), template, place)
        for template, make, place in _AZURE:
            yield fill(shape(random, template), shape(random, make), "connection", ("API_KEY", "PASSWORD"), place, place)


# Nobody's secret: what stands where one would.
PLACEHOLDERS = (
    "password = os.environ['DB_PASSWORD']", 'api_key = "YOUR_API_KEY"', 'token: "<your-token>"', "password: ${DB_PASSWORD}", 'secret = "{{ vault_secret }}"',
    "API_KEY=xxxxxxxxxxxxxxxxxxxxxxxx", 'password = "changeme"', "postgres://user:password@localhost:5432/db", "postgres://${USER}:${PASS}@db/shop",
    'apiKey: process.env.API_KEY,', "token = get_token(request)", 'api_key = "sk-..."', "export TOKEN=$(cat token.txt)", 'client_secret = "********"',
    "password: !vault |", 'secret_name = "projects/shop/secrets/db"', "key_path: /etc/ssl/private/server.key", "token_endpoint: https://auth.test/oauth/token",
    'auth_type = "bearer_token_authentication"', "password_reset_url_name = 'accounts:password_reset_confirm'", 'SECRET_KEY_FALLBACKS = []',
    "max_tokens: 4096", "tokenizer = AutoTokenizer.from_pretrained('org/model-name')", "primary_key = 'customer_identifier_number'",
    "public_key = load_public_key(path)", 'keyboard_layout = "us-international-with-dead-keys"', "token_type_ids\x02attention_mask\x03",
    "prompt_cache_key\x02conversation-summary-v2\x03", "idempotency_key = str(uuid4())", "Authorization: Bearer $TOKEN", "Authorization: Bearer <token>",
    "curl -u user:$PASSWORD https://x.test", "https://user:pass@example.com/", "password: str = Field(min_length=8)", "def check_password(password: str, hashed: str) -> bool:",
    "const token = await fetchToken(client, options);", 'placeholder="Enter your password"', "passwordField.getText().toString()", "api_key: string; // set by the caller",
    "secretKeyRef:\n  name: app-secrets\n  key: database-password", "credentials: 'same-origin'", 'author = "Grace Brewster Murray Hopper"', "cache_key = f'{user.id}:{page}'",
    "monkey = 'capuchin-with-long-tail-2'", "AWS_ACCESS_KEY_ID=AKIA" + "IOSFODNN7EXAMPLE", "sort_key = lambda item: item.created_at",
)  # fmt: skip
