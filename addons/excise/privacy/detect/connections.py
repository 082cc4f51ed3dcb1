"""
Passwords inside connection strings, credential files and command lines. Only the password is taken out: scheme, user and host stay.
"""

from __future__ import annotations

import re

from excise.privacy.detect.assignment_value import is_password, is_placeholder, is_stop_word
from excise.privacy.detect.detector import Detector
from excise.privacy.detect.naturalness import surprise

_WORD = re.compile(r"[a-z]+|[A-Z]+|[A-Z][a-z]+")
_VARIABLE = re.compile(r"[$%@:&!][\w{(]|[\w.]+\(|\W{1,3}$|.*[<>{}].*")


def _written_down(match: re.Match[str]) -> bool:
    """
    A real password, not a place for one.
    """
    value = match["value"]
    return not (is_placeholder(value) or is_stop_word(value) or _VARIABLE.match(value))


def _not_a_word(match: re.Match[str]) -> bool:
    """
    Where prose and code look alike: the password must not be a plain word either.
    """
    value = match["value"]
    return _written_down(match) and not (_WORD.fullmatch(value) and surprise(value) < 4)


def _sql_password(match: re.Match[str]) -> bool:
    """
    In small letters and double quotes it may be English: `identified by "code"`.
    """
    return _written_down(match) and (match[0][:10].isupper() or _not_a_word(match))


def _logs_in(match: re.Match[str]) -> bool:
    """
    Of two quoted words in a row the second is a password: words and paths stand there, too.
    """
    return _written_down(match) and is_password(match["value"], enclosed=True)


def _is_token(match: re.Match[str]) -> bool:
    value = match["value"]
    return _written_down(match) and surprise(value) > 0.3 * len(value)


_ADO = re.compile(
    r"(?i)(?:^|[;\"'\x02\s])(?:server|data source|address|host(?:name)?|user ?id|uid|user(?:name)?"
    r"|initial catalog|database|driver|dsn|endpoint|provider|port"
    r"|account ?name|integrated security|encrypt)\s{0,2}=(?!=)[^;\n\x03]{0,200};"
)

_STATEMENT = re.compile(r"\b(?:const|let|var|final|self|this|if|return)\b|[(){}]\s*$")


def _in_a_connection(match: re.Match[str]) -> bool:
    # Of the same line: two statements of a program are no connection string.
    before = match.string[max(0, match.start() - 240) : match.start()].rpartition("\n")[2]
    behind = match.string[match.end() : match.end() + 160].partition("\n")[0]
    return _written_down(match) and _ADO.search(before + behind) is not None and _STATEMENT.search(before) is None


_P = "Tr0ub" + "4dor9"

RULES = (
    Detector(
        name="url-password",  # RFC 3986 3.2.1: user:password@host, whatever the scheme; read 2026-11
        entity="PASSWORD",
        keywords=("://", ":\\/\\/", "%3a%2f%2f"),
        # Passwords that hold `@`, `/` or `#` unescaped are wrong, and common: the last `@` counts, and a slash that no port stands before.
        pattern=r"(?<=[A-Za-z0-9+.-])(?:://|:\\/\\/|%3[aA]%2[fF]%2[fF])[^\s:/@\"'`<>\\()\[\]{},;\x02\x03]{0,128}+:"
        r"(?P<value>[^\s/\"'`<>\\\x02\x03]{2,256}(?=@[\w\[.-])|(?![0-9]{1,5}(?:[/?#]|$))[^\s\"'`<>\\\x02\x03?]{2,128}(?=@[\w.-]{1,128}[:/]))",
        validate=_written_down,
        weight=75,
        hits=(
            (f"postgres://app:{_P}@db.example.com:5432/app", _P),
            (f"mongodb+srv://app:p@{_P}@c0.example.net/?w=1", f"p@{_P}"),
            (f"redis://:{_P}@cache:6379/0", _P),
            (f"https://bob:{_P}@github.com/x/y.git", _P),
            (f"amqp://u:a/{_P}@mq:5672", f"a/{_P}"),
        ),
        misses=(
            "http://localhost:8080/a@b",
            "https://example.com/@scope/pkg@1.2.3",
            "postgres://user:password@localhost/db",
            "postgres://u:${DB_PASS}@h/db",
            "mysql://u:<password>@h",
            "ftp://u:%s@h",
            "redis://:changeme@h",
            "http://a:xxxx@h",
            "http://a:****@h",
            "mysql://{user}:{password}@{host}",
            "npm:foo@1.0.0",
        ),
    ),
    Detector(
        name="url-token",  # `https://TOKEN@host`, `https://TOKEN:x-oauth-basic@host`
        entity="API_KEY",
        keywords=("://",),
        pattern=r"(?<=[a-z])://(?P<value>[\w.~+-]{20,256}+)(?::(?:x-oauth-basic|x)?)?@[A-Za-z0-9\[]",
        validate=_is_token,
        weight=60,
        hits=(("https://" + "k7Qz9Xv8M3tW1pH0dS2rJ4bY" + "@host.example/x", "k7Qz9Xv8M3tW1pH0dS2rJ4bY"),),
        misses=("https://my-organisation-name-here@host", "https://bob@host"),
    ),
    Detector(
        name="connection-password",  # ADO.NET, ODBC, OLE DB, JDBC: name=value pairs; their documentation, read 2026-11
        entity="PASSWORD",
        keywords=("password", "pwd", "passwd"),
        pattern=r"(?i:password|passwd|pwd)\s{0,2}=\s{0,2}(?:\\?['\"])?(?P<value>[^\s;\"'\\<>\x02\x03&]{3,128})(?=[;\"'\\\s\x03&]|$)",
        validate=_in_a_connection,
        weight=60,
        hits=(
            ("Server=db;User Id=app;Password=Pa$$w0rd1;Database=x", "Pa$$w0rd1"),
            ("Driver={ODBC Driver 18};Server=h;UID=sa;PWD=rosebudx", "rosebudx"),
        ),
        misses=("Server=db;User Id=app;Password=;", "Server=db;Password=${PASS};", "password = rosebudx"),
    ),
    Detector(
        name="pgpass",  # PostgreSQL documentation 34.16, "The Password File", read 2026-11
        entity="PASSWORD",
        keywords=(":5432:", ":5433:", ":5434:", ":6432:", ":*:"),
        reach=(80, 260),
        across_key=False,
        pattern=r"(?m)^(?:[\w.*-]{1,80}|\[?[0-9a-f:]{2,40}\]?):(?:[0-9]{2,5}|\*):[^:\s]{1,64}:[^:\s]{1,64}:(?P<value>(?:[^\s:\\]|\\.){3,128})$",
        validate=_written_down,
        weight=60,
        hits=((f"db.example.com:5432:*:app:{_P}", _P),),
        misses=("db:5432:*:app:", "tcp:5432:a:b:password"),
    ),
    Detector(
        name="netrc",  # curl's and GNU inetutils' .netrc, read 2026-11
        entity="PASSWORD",
        keywords=("machine", "default"),
        pattern=r"(?i:machine\s{1,8}[\w.:-]{1,128}|default)\s{1,8}(?:(?i:login)\s{1,8}\S{1,128}\s{1,8})?(?:(?i:account)\s{1,8}\S{1,64}\s{1,8})?"
        r"(?i:password)\s{1,8}(?P<value>[^\s\"'`\x02\x03]{3,256})(?![\"'`])",
        validate=_not_a_word,
        weight=60,
        hits=((f"machine api.example.com\n  login bob\n  password {_P}", _P),),
        misses=("machine learning password policy", "machine h login u password $PASS", "default password is"),
    ),
    Detector(
        name="login-call",  # of HTTP clients and mail libraries in most languages: user and password, one after the other
        entity="PASSWORD",
        keywords=("auth(", "auth =", "auth=", "credential(", "credentials(", "credentials =", "credentials=", "login(", "authentication("),
        pattern=r"(?:(?i:auth|credentials?)\s{0,2}=\s{0,2}|(?i:auth|login|credentials?|authentication))\(\s{0,3}[bfru]?"
        r"(?P<quote>[\"'])[^\"'\n\x02\x03]{1,64}(?P=quote)\s{0,2},\s{0,3}[bfru]?(?P=quote)(?P<value>[^\"'\\\n\x02\x03]{6,128})(?P=quote)\s{0,3}[,)]",
        validate=_logs_in,
        weight=50,
        hits=(
            (f'requests.get(u, auth=("bob", "{_P}"))', _P),
            (f'HTTPBasicAuth("bob", "{_P}")', _P),
            (f"smtp.login( 'bob@x.io', '{_P}')", _P),
        ),
        misses=('login("username", "password")', 'auth("user", "pass")', "login('bob', password)", "auth('GET', '/users/me')"),
    ),
    Detector(
        name="sql-password",  # MySQL, MariaDB, Oracle: CREATE USER, ALTER USER, GRANT, read 2026-11
        entity="PASSWORD",
        keywords=("identified by", "identified with", "set password"),
        pattern=r"(?i:identified\s{1,4}(?:with\s{1,4}\S{1,40}\s{1,4})?(?:by|as)\s{1,4}(?:password\s{1,4})?"
        r"|set password(?: for \S{1,80})?\s{0,3}=\s{0,3}"
        r"(?:password\()?)\\?['\"](?P<value>[^'\"\\\n\x02\x03]{4,128})\\?['\"]",
        validate=_sql_password,
        weight=60,
        hits=((f"CREATE USER app IDENTIFIED BY '{_P}';", _P), (f"alter user a@b identified with caching_sha2_password by '{_P}'", _P)),
        misses=("IDENTIFIED BY 'password'", "identified by its name", 'commands identified by "code"', "IDENTIFIED BY '<password>'"),
    ),
    Detector(
        name="net-use-password",  # Microsoft's documentation of `net use`, read 2026-11
        entity="PASSWORD",
        keywords=("net use",),
        pattern=r"net use\s{1,3}(?:\S{1,3}\s{1,3})?\\\\\S{3,128}\s{1,3}(?:(?i:/user):\S{1,80}\s{1,3})?"
        r"\"?(?P<value>[^\s/\"*\x02\x03][^\s\"\x02\x03]{3,127})",
        validate=_not_a_word,
        weight=60,
        hits=((f"net use z: \\\\srv\\share /user:admin {_P}", _P), (f"net use \\\\srv\\share {_P} /user:admin", _P)),
        misses=("net use z: \\\\srv\\share /user:admin", "net use z: \\\\srv\\share * /user:admin", "we net use it"),
    ),
    Detector(
        name="command-password",  # manuals of the tools, read 2026-11
        entity="PASSWORD",
        keywords=(
            "mysql",
            "mariadb",
            "redis-cli",
            "sshpass",
            "pgpassword=",
            "docker login",
            "ldapsearch",
            "smbclient",
            "mongo",
            "keytool",
            "psql",
            "sqlcmd",
            "sqlplus",
            "htpasswd",
            "rabbitmqctl",
            "lftp",
            "xfreerdp",
            "podman login",
            "helm registry login",
            "az login",
            "wget",
            "openssl",
            "7z",
            "unzip",
            "net user",
            "rootpw",
        ),
        pattern=r"(?:(?:mysql(?:dump|admin|import|show)?|mariadb(?:-dump)?)\b[^\n|;\x02\x03]{0,200}?\s-p"
        r"|redis-cli\b[^\n|;\x02\x03]{0,120}?\s(?:-a|--pass)[ =]"
        r"|sshpass\s{1,3}-p\s?"
        r"|PGPASSWORD="
        r"|(?:docker|podman|az|helm registry) login\b[^\n|;\x02\x03]{0,160}?\s(?:-p|--password)[ =]"
        r"|ldapsearch\b[^\n|;\x02\x03]{0,200}?\s-w\s?"
        r"|smbclient\b[^\n|;\x02\x03]{0,120}?\s-U\s?[^\s%]{1,64}%"
        r"|mongo(?:sh|dump|restore|export|import)?\b[^\n|;\x02\x03]{0,200}?\s(?:-p|--password)[ =]"
        r"|keytool\b[^\n|;\x02\x03]{0,240}?\s-(?:store|key)pass\s"
        r"|sqlcmd\b[^\n|;\x02\x03]{0,160}?\s-P\s?"
        r"|sqlplus\s{1,3}\w{1,32}/"
        r"|htpasswd\s{1,3}-\w{0,4}b\w{0,4}\s[^\s]{1,128}\s[^\s]{1,64}\s"
        r"|rabbitmqctl\s{1,3}(?:add_user|change_password)\s{1,3}\S{1,64}\s"
        r"|wget\b[^\n|;\x02\x03]{0,200}?\s--(?:http-|ftp-|proxy-)?password[ =]"
        r"|openssl\b[^\n|;\x02\x03]{0,200}?\spass:"
        r"|7z\b[^\n|;\x02\x03]{0,80}?\s-p"
        r"|unzip\b[^\n|;\x02\x03]{0,60}?\s-P\s?"
        r"|xfreerdp\b[^\n|;\x02\x03]{0,120}?\s/p:"
        r"|net user\s{1,3}\S{1,40}\s{1,3}(?!/)"
        r"|rootpw\s{1,3}(?:--(?:plaintext|allow-ssh)\s{1,3}){0,2}(?!--)"
        r")\\?[\"']?(?P<value>[^\s\"'\\\x02\x03|;&<>()]{4,128})",
        validate=_not_a_word,
        weight=60,
        hits=(
            (f"mysql -u root -p{_P} shop", _P),
            (f"redis-cli -h cache -a {_P} ping", _P),
            (f"sshpass -p '{_P}' ssh bob@host", _P),
            (f"PGPASSWORD={_P} psql -h db", _P),
            (f"docker login -u bob -p {_P} registry.example.com", _P),
        ),
        misses=(
            "mysql -u root -p",
            "mysql -u root -port",
            "sshpass -p $PASS ssh h",
            "redis-cli -a <password>",
            "PGPASSWORD=password psql",
            "docker login --password-stdin",
        ),
    ),
)
