"""
What is wrong with a policy is said at load, at its place. Nothing is guessed, and nothing is silent.
"""

from __future__ import annotations

import hashlib
import re
import time
from pathlib import Path

import pytest

from excise.errors import PolicyError
from excise.policy.load import find_policy, load_policy
from excise.policy.schema import Defaults

from .written import NAMES

HEAD = "version: 1\n"
TAIL = "default: allow\n"
PRINCIPAL = "principals:\n  - id: shop\n    team: pay\n    env: prod\n    match: {source: 10.0.0.0/8}\n"


def faults(tmp_path: Path, text: str, **more) -> list[tuple[int, int, str]]:
    path = tmp_path / "default.yml"
    path.write_text(text, encoding="utf-8")
    more.setdefault("environ", {})
    with pytest.raises(PolicyError) as caught:
        load_policy(tmp_path, known=NAMES, **more)
    assert {place[0] for place in caught.value.places} == {str(path)}
    return [(line, column, said) for _, line, column, said in caught.value.places]


def place_of(text: str, needle: str) -> tuple[int, int]:
    at = text.index(needle)
    return text.count("\n", 0, at) + 1, at - (text.rfind("\n", 0, at) + 1) + 1


def rule(when: str, then: str = "allow", name: str = "r") -> str:
    reason = "\n    reason: because" if then == "deny" else ""
    return f"  - name: {name}\n    when: {when}\n    then: {then}{reason}\n"


SHAPES = [
    # text, where (the first place of this), what is said
    (HEAD + "defalt: allow\n" + TAIL, "defalt", "unknown key 'defalt': did you mean 'default'?"),
    (HEAD + "zzz: 1\n" + TAIL, "zzz", "unknown key 'zzz'; known here: version"),
    (HEAD + "defaults: {unknwon: allow}\n" + TAIL, "unknwon", "did you mean 'unknown'"),
    (HEAD + "principals:\n  - id: a\n    match: {sorce: 10.0.0.0/8}\n" + TAIL, "sorce", "did you mean 'source'"),
    (HEAD + "rules:\n  - name: a\n    whn: {team: x}\n    then: allow\n" + TAIL, "whn", "did you mean 'when'"),
    ("version: 2\n" + TAIL, "2", "less than or equal to 1"),
    ("version: '1'\n" + TAIL, "'1'", "valid integer"),
    ("rules: []\n" + TAIL, "rules", "`version` is missing"),
    (HEAD + "rules: []\n", "version", "`default` is missing"),
    (HEAD + "default: maybe\n", "maybe", "'allow' or 'deny'"),
    (HEAD + "default: allow\nrules: []\n", "default", "must be the last key"),
    (HEAD + "defaults: {require_principal: yes}\n" + TAIL, "yes", "valid boolean"),
    (HEAD + "defaults: {headers: true}\n" + TAIL, "true", "'on' or 'off'"),
    (HEAD + "defaults: {websocket: allow}\n" + TAIL, "allow", "'block'"),
    (HEAD + "defaults:   # nothing\n" + TAIL, ":   #", "empty: give a value"),
    (HEAD + "rules:\n" + rule("{team: , env: prod}") + TAIL, ", env", "empty: give a value"),
    (HEAD + "rules:\n" + rule("{}") + TAIL, "{}", "empty match"),
    (HEAD + "rules:\n" + rule("{model: []}") + TAIL, "[]", "at least 1 item"),
    (HEAD + "rules:\n" + rule("{model: gpt-?}") + TAIL, "gpt-?", "only * is a wildcard"),
    (HEAD + "rules:\n" + rule("{model: [gpt-4, 5]}") + TAIL, "5]", "valid string"),
    (HEAD + "rules:\n" + rule("{capture: tunnel}") + TAIL, "tunnel", "one of proxy, transparent, endpoint"),
    (HEAD + "rules:\n" + rule("{source: [10.0.0.0/8, 10.0.0.1/8]}") + TAIL, "10.0.0.1/8", "has host bits set"),
    (HEAD + "rules:\n" + rule("{source: '::ffff:10.0.0.0/104'}") + TAIL, "'::ffff", "write IPv4-mapped networks as IPv4"),
    (HEAD + "rules:\n  - name: a\n    when: {provider: openai}\n    then: deny\n" + TAIL, "name: a", "needs a reason"),
    (HEAD + "rules: {a: b}\n" + TAIL, "{a: b}", "a list is expected"),
    (HEAD + "principals:\n  - id: a\n    tags: x\n    match: {source: 10.0.0.0/8}\n" + TAIL, "x\n", "keys and values are expected"),
    (HEAD + "rules: [a]\n" + TAIL, "a]", "keys and values are expected"),
    ("- a\n", "- a", "keys and values are expected"),
    ("", "", "the file is empty"),
    (HEAD + "principals:\n  - id: a\n    match: {}\n" + TAIL, "{}", "empty match"),
    (HEAD + "principals:\n  - id: a\n" + TAIL, "id: a", "`match` is missing"),
    (HEAD + "principals:\n  - id: a\n    match: {proxy_user: a}\n" + TAIL, "{proxy_user", "needs key or key_sha256"),
    (HEAD + "principals:\n  - id: a\n    match: {key: env:K, source: 10.0.0.0/8}\n" + TAIL, "{key", "needs key or key_sha256, and those"),
    (HEAD + "principals:\n  - id: a\n    match: {header: {x-a: b}}\n" + TAIL, "{header", "header needs from"),
    (HEAD + "principals:\n  - id: a\n    match: {from: 10.0.0.0/8, source: 10.0.0.0/8}\n" + TAIL, "{from", "from needs header"),
    (HEAD + "principals:\n  - id: a\n    match: {header: {X-A: b}, from: 10.0.0.0/8}\n" + TAIL, "X-A", "lower case"),
    (HEAD + "principals:\n  - id: a\n    match: {header: {authorization: b}, from: 10.0.0.0/8}\n" + TAIL, "authorization", "credentials"),
    (HEAD + "principals:\n  - id: a\n    match: {proxy_user: 'a:b', key: env:K}\n" + TAIL, "'a:b'", "pattern"),
    (HEAD + "principals:\n  - id: a\n    match: {provider_key: sk-1}\n" + TAIL, "sk-1", "fp_ and 20 hex digits"),
    (HEAD + "principals:\n  - id: a\n    match: {source: anywhere}\n" + TAIL, "anywhere", "CIDR"),
    (HEAD + "principals:\n  - id: a\n    match: {source: 10}\n" + TAIL, "10}", "CIDR"),
    (HEAD + "principals:\n  - id: a\n    tags: {x: 1}\n    match: {source: 10.0.0.0/8}\n" + TAIL, "1}", "valid string"),
]


@pytest.mark.parametrize(("text", "needle", "says"), SHAPES, ids=lambda value: re.sub(r"\W+", "-", value)[-24:])
def test_wrong_shapes_are_told_at_their_place(tmp_path, text, needle, says):
    """
    Every fault of shape has the line and column of the key or value that is wrong.
    """
    found = faults(tmp_path, text)
    line, column = place_of(text, needle)
    column += needle.startswith(":")  # what is empty stands behind its colon

    assert any(said[:2] == (line, column) and says in said[2] for said in found), found


NAMES_AND_ORDER = [
    ("principals:\n  - id: anonymous\n    match: {source: 10.0.0.0/8}\n", "anonymous", "this id is ours"),
    ("principals:\n  - id: fp_x\n    match: {source: 10.0.0.0/8}\n", "fp_x", "this id is ours"),
    ("rules:\n" + rule("{provider: openai}", name="default"), "default", "this name is ours"),
    ("rules:\n" + rule("{provider: openai}", name="defaults.unknown"), "defaults.unknown", "this name is ours"),
    (PRINCIPAL + "  - id:   shop\n    match: {source: 11.0.0.0/8}\n", "  shop", "principal id 'shop' is given twice"),
    (PRINCIPAL + "  - id: b\n    match: {source: [1.0.0.0/8, 10.0.0.0/8]}\n", "10.0.0.0/8]", "first for principal 'shop'"),
    ("rules:\n" + rule("{provider: openai}") + rule("{provider: gemini}").replace("name: r", "name:  r"), "  r\n", "rule name 'r'"),
    ("rules:\n" + rule("{provider: opnai}"), "opnai", "not in the catalogue"),
    ("rules:\n" + rule("{operation: [chat, chatt]}"), "chatt]", "not in the catalogue"),
    ("rules:\n" + rule("{model: [gpt-4, gtp-5*]}"), "gtp-5*", "matches no known model"),
    ("models: my-*\nrules:\n" + rule("{model: mine}"), "mine", "list it under `models`"),
    (PRINCIPAL + "rules:\n" + rule("{team: apy}"), "apy", "matches the team of no listed principal"),
    (PRINCIPAL + "rules:\n" + rule("{app: '*'}"), "'*'", "matches the app of no listed principal"),
    (PRINCIPAL + "rules:\n" + rule("{principal: shp}"), "shp", "matches no listed principal"),
    ("rules:\n" + rule("{operation: unknown}"), "name: r", "`defaults.unknown: block` comes before it"),
    ("rules:\n" + rule("{model: gpt-*}") + rule("{model: [gpt-4, gpt-5*], provider: openai}", name="b"), "name: b", "rule 'r' above"),
]


@pytest.mark.parametrize(("text", "needle", "says"), NAMES_AND_ORDER, ids=lambda value: re.sub(r"\W+", "-", value)[-24:])
def test_names_nobody_knows_and_rules_that_never_decide(tmp_path, text, needle, says):
    """
    A typing error in a name, or a rule in the wrong order, is a fault and not a hole.
    """
    text = HEAD + text + TAIL
    found = faults(tmp_path, text)
    line, column = place_of(text, needle)
    column += len(needle) - len(needle.lstrip())

    assert [said[:2] for said in found] == [(line, column)], found
    assert says in found[0][2]


@pytest.mark.parametrize(
    ("first", "second", "dead"),
    [
        ("{model: gpt-*}", "{model: gpt-4*}", True),
        ("{model: GPT-*}", "{model: models/gpt-4}", True),
        ("{model: gpt-4*}", "{model: gpt-*}", False),
        ("{model: [gpt-4, gpt-5*]}", "{model: [gpt-5-mini, gpt-4]}", True),
        ("{model: [gpt-4, gpt-5*]}", "{model: [gpt-5-mini, gpt-3]}", False),
        ("{model: '*'}", "{provider: openai}", False),  # a call may name no model
        ("{principal: '*'}", "{provider: openai}", True),  # but somebody always calls
        ("{provider: openai}", "{provider: openai, model: gpt-4}", True),
        ("{provider: openai, model: gpt-4}", "{provider: openai}", False),
        ("{provider: [openai, gemini]}", "{provider: gemini, capture: proxy}", True),
        ("{capture: proxy}", "{capture: [proxy, endpoint]}", False),
        ("{source: 10.0.0.0/8}", "{source: 10.1.0.0/16}", True),
        ("{source: 10.1.0.0/16}", "{source: 10.0.0.0/8}", False),
        ("{source: 10.0.0.0/8}", "{source: 'fd00::/8'}", False),
        ("{team: pay}", "{team: p*}", False),
        ("{team: p*}", "{team: pay, env: prod}", True),
    ],
)
def test_dead_rules_are_found(tmp_path, first, second, dead):
    """
    A rule is dead if an earlier one matches all it matches, and only then.
    """
    text = HEAD + PRINCIPAL + "rules:\n" + rule(first) + rule(second, name="b") + TAIL
    if dead:
        (found,) = faults(tmp_path, text)
        assert found[:2] == place_of(text, "name: b")
    else:
        (tmp_path / "default.yml").write_text(text)
        load_policy(tmp_path, known=NAMES)


def test_all_faults_are_told_at_once_and_in_order(tmp_path):
    """
    One run of the check shows everything of one kind.
    """
    text = HEAD + "defaults: {unknown: no}\nfoo: 1\nrules:\n" + rule("{modl: x}") + "default: x\n"

    assert [line for line, _, _ in faults(tmp_path, text)] == [2, 3, 6, 8]


def test_one_mistake_is_one_fault(tmp_path):
    """
    A list of one wrong item is not also "too short".
    """
    (found,) = faults(tmp_path, HEAD + "rules:\n" + rule("{model: gpt-?}") + TAIL)

    assert "only * is a wildcard" in found[2]


SECRET = "sk-" + "a1" * 20


@pytest.mark.parametrize(
    "match",
    [
        f"{{proxy_user: a, key: {SECRET}}}",
        f"{{proxy_user: a, key: [env:K, {SECRET}]}}",
        f"{{proxy_user: a, key_sha256: {SECRET}}}",
        f"{{provider_key: {SECRET}}}",
        f"{{source: {SECRET}, key: env:K}}",
        f"{{proxy_user: a, key: {{value: {SECRET}}}}}",
    ],
)
def test_a_secret_in_the_file_is_refused_and_not_repeated(tmp_path, match):
    """
    Whoever writes a key into YAML gets an error that can be pasted anywhere.
    """
    for *_, said in faults(tmp_path, HEAD + f"principals:\n  - id: a\n    match: {match}\n" + TAIL):
        assert "a1a1" not in said


KEYED = HEAD + "principals:\n  - id: a\n    match:\n      proxy_user: a\n      key: [{}]\n" + TAIL


def test_keys_come_from_the_environment_and_from_files(tmp_path):
    """
    Several keys are valid while they are changed; names of files are relative to the policy; a line end is no part of a key.
    """
    (tmp_path / "default.yml").write_text(KEYED.format("env:KEY, file:key.txt"))
    (tmp_path / "key.txt").write_text("file-key-0123456789\n")
    touched: set[Path] = set()
    policy = load_policy(tmp_path, environ={"KEY": "environment-key-1"}, touched=touched)

    digests, principal = policy.principals.users["a"]
    assert set(digests) == {hashlib.sha256(key).digest() for key in (b"environment-key-1", b"file-key-0123456789")}
    assert principal.id == "a"
    assert touched == {tmp_path / "default.yml", tmp_path / "key.txt"}


def test_keys_that_are_not_there_are_told_at_the_reference(tmp_path):
    """
    A missing key is a fault at load, not a user who can never log in, or one who can without a key.
    """
    (tmp_path / "short").write_text("hunter2\n")
    (tmp_path / "folder").mkdir()
    text = KEYED.format("env:NONE, file:none, file:short, file:folder, env:EMPTY")
    touched: set[Path] = set()
    found = faults(tmp_path, text, environ={"EMPTY": ""}, touched=touched)

    assert [said[:2] for said in found] == [
        place_of(text, part) for part in ("env:NONE", "file:none", "file:short", "file:folder", "env:EMPTY")
    ]
    assert "NONE is not set" in found[0][2]
    assert "No such file" in found[1][2]
    assert "less than 12 bytes" in found[2][2]
    assert "hunter2" not in found[2][2]
    assert tmp_path / "none" in touched, "so that a watcher notices when it appears"


def test_without_secrets_users_are_unknown_rather_than_free(tmp_path):
    """
    A policy looked at without its keys lets nobody in by them.
    """
    (tmp_path / "default.yml").write_text(KEYED.format("env:NONE"))

    assert load_policy(tmp_path, secrets=False, environ={}).principals.users["a"][0] == ()


def test_defaults_are_the_closed_ones():
    """
    What is not written is the safe choice.
    """
    assert Defaults().model_dump(exclude={"failover"}) == {
        "unknown": "block",
        "untrusting_clients": "block",
        "on_journal_failure": "block",
        "headers": "on",
        "require_principal": False,
        "websocket": "block",
        "tunnels": "allow",
        "answer_model": "requested",
    }


def test_a_file_cut_short_anywhere_never_loads(tmp_path):
    """
    Half a policy, as an editor or a full disk leaves it, is never in force: not one prefix of a valid file is valid, but for its
    last line end and comment.
    """
    path = tmp_path / "default.yml"
    shipped = Path(__file__).resolve().parents[2] / "policies" / "examples" / "deny-some.yml"
    whole = shipped.read_bytes().rstrip()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(PolicyError):
            load_policy(tmp_path)
    path.write_bytes(whole)
    load_policy(tmp_path)


def test_one_policy_to_a_directory(tmp_path):
    """
    Tests, catalogue and price files, and hidden files may stand beside it; a second policy may not, and none is a fault too.
    """
    with pytest.raises(PolicyError, match="no policy here"):
        find_policy(tmp_path)
    for name in ("default.test.yml", "providers.yml", "prices.yml", ".#default.yml", "README.md", "team.yml"):
        (tmp_path / name).touch()
    assert find_policy(tmp_path) == tmp_path / "team.yml"
    (tmp_path / "other.yaml").touch()
    with pytest.raises(PolicyError, match=r"other\.yaml, team\.yml"):
        find_policy(tmp_path)
    assert find_policy(tmp_path / "other.yaml") == tmp_path / "other.yaml"


def test_the_id_is_name_and_content(tmp_path):
    """
    Equal bytes have an equal id wherever they lie; one more comment makes another.
    """
    ids = []
    for folder, text in (("a", HEAD + TAIL), ("b", HEAD + TAIL), ("c", HEAD + TAIL + "#")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "default.yml").write_text(text)
        ids.append(load_policy(tmp_path / folder).id)

    assert ids[0] == ids[1] != ids[2]
    assert re.fullmatch(r"default@[0-9a-f]{12}", ids[0])


@pytest.mark.parametrize("many", ["rules", "patterns"])
def test_a_policy_too_large_to_check_is_refused(tmp_path, many):
    """
    The comparison of all rules with all others stays bounded.
    """
    if many == "rules":
        rules = "".join(rule(f"{{model: gpt-{number}}}", name=f"r{number}") for number in range(1001))
        says = "at most 1000 items"
    else:
        values = ", ".join(f"gpt-{number}" for number in range(200))
        rules = "".join(rule(f"{{model: [{values}]}}", name=f"r{number}") for number in range(26))
        says = "more than 5000 values"

    assert any(says in said for *_, said in faults(tmp_path, HEAD + "rules:\n" + rules + TAIL))


@pytest.mark.parametrize(
    "text",
    [
        "rules:\n" + "- a\n" * 20_000,
        "".join(f"k{number}: 1\n" for number in range(20_000)),
        "k: 1\n" * 20_000,
        "rules: [" + "~," * 20_000 + "]\n",
        "rules:\n" + "".join(rule(f"{{team: t{number}}}", name=f"r{number}") for number in range(1000)),
    ],
    ids=["wrong items", "unknown keys", "duplicate keys", "empty items", "unknown names"],
)
def test_a_file_of_faults_is_told_in_part(tmp_path, text):
    """
    A hundred faults say what kind of file it is; and they are found in time that grows with the file, not with its square.
    """
    started = time.perf_counter()

    assert 100 <= len(faults(tmp_path, HEAD + text + TAIL)) <= 101
    assert time.perf_counter() - started < 10


def test_many_principals_with_the_same_headers_are_compared_in_order_of_addresses(tmp_path):
    """
    Networks that nest are told, by their owners' place in the file; a principal may list nested networks of its own.
    """
    entries = "".join(
        f"  - {{id: p{number}, match: {{header: {{x-a: b}}, from: 10.{number // 250}.{number % 250}.0/24}}}}\n" for number in range(2000)
    )
    entries += "  - {id: own, match: {header: {x-a: b}, from: [11.0.0.0/8, 11.1.0.0/16, 'fd00::/8']}}\n"
    entries += "  - {id: late, match: {header: {x-a: b}, from: [10.1.7.128/25, '::/0']}}\n"
    found = faults(tmp_path, HEAD + "principals:\n" + entries + TAIL)

    assert [said[0] for said in found] == [2 + 2002, 2 + 2002]
    assert {said[2].rpartition(" ")[2] for said in found} == {"'p257'", "'own'"}
