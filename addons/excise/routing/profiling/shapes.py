"""
What material looks like, told from its form: fences, code, diffs, stack traces, tables, CSV, JSON, SQL, logs, formulas.
"""

from __future__ import annotations

import re
from typing import Any, Final

import re2

_FENCE: Final = re.compile(r"```[\w+#.-]*\n?.*?(?:```|\Z)", re.DOTALL)
_BEGIN = r"(?m)^[ \t]*"
_SUFFIXES = "py|js|ts|tsx|rs|go|java|cpp|rb|php|cs|sh|yml|yaml|toml|sql|css|html"
# Several expressions may stand for one form. RE2's: all are tried in one pass. No counted repeats of more than a few, which would give
# its automaton more states than it can keep.
_FORMS: Final[tuple[tuple[str, str], ...]] = (
    ("diff", r"(?m)^(?:diff --git |@@ -\d+|\+\+\+ \S|--- a/)"),
    ("stack_trace", r"(?m)^(?:Traceback \(most recent|thread '[^'\n]+' panicked|panic: |goroutine \d|Exception in thread)"),
    ("stack_trace", _BEGIN + r"(?:at [\w.$<>]+\(|File \"[^\"\n]+\", line \d)"),
    ("stack_trace", r"\b[A-Z][A-Za-z]+(?:Error|Exception): |error\[E\d{4}\]|\berror (?:TS|C)\d{4}\b|(?i:segmentation fault)"),
    ("code", _BEGIN + r"(?:def \w+\(|class \w+\s*[:({]|import [\w.{*]+|from [\w.]+ import|(?:pub )?fn \w+|func \w+\(|package \w+;?$)"),
    ("code", _BEGIN + r"(?:export )?(?:(?:async )?function\b|(?:const|let|var) [\w\[{][^=\n]*=)"),
    ("code", _BEGIN + r"(?:(?:public|private|protected|static) [\w<>\[\] ]+[({]|#include\s*[<\"]|return\b.*;$|(?:if|for|while) ?\(.*\{)"),
    ("code", _BEGIN + r"(?:for \w+ in .*:$|while .*:$|</?[a-z]+[^>\n]*>$|FROM \w+[:/]\w|\$ \w+ )"),
    ("code", r"\b(?:while|if|for|switch|catch) ?\([^()\n]*\) ?\{|[\w)\]] ?(?:===|!==|&&|=>|::) ?[\w(\[{]|;[ \t]*\}"),
    ("numbers", r"(?:\b\d[\d.,:%/]*[kKmM%€$]?[^\d\n.?!]*[^\w.?!]){4}\d"),
    ("sql", r"\bSELECT\b[^;.?!]*\bFROM\s+\w|\b(?:INSERT INTO|UPDATE|DELETE FROM) \w+ (?:VALUES|SET|WHERE|\()"),
    (
        "sql",
        r"(?i)\bselect\s+(?:\*|distinct\s|count\(|[\w.]+(?:\s*,\s*[\w.]+)+\s+from\s)|\binsert into \w+ ?\(|\b(?:create|alter|drop) table\b",
    ),
    ("table", r"(?m)^[ \t]*\|[^\n|]*\|[^\n]*\|[ \t]*\n[ \t]*\|"),
    ("json", r"[{\[]\s*(?:\{\s*)?\"[^\"\n]+\"\s*:"),
    ("log", r"(?m)^\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d[^\n]*\n\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d"),
    ("maths", r"\\(?:int|sum|frac|sqrt|lim|begin\{)|\$\$|[∫∑∂√≤≥∈∀∃]|\b[a-z] ?\^ ?\d|\bf\(x\)|\d ?[a-z] ?[+-] ?\d+ ?="),
    ("inline_code", r"`[^`\n]+`|\b[a-z]+[A-Z]\w*\(|\b\w+_\w+\(|\b\w+\.(?:" + _SUFFIXES + r")\b"),
)


def _compiled() -> Any:
    options = re2.Options()
    options.max_mem = 64 << 20
    options.log_errors = False
    forms = re2.Set.SearchSet(options)
    for _, expression in _FORMS:
        forms.Add(expression)
    forms.Compile()
    return forms


_MATCHER: Final = _compiled()


def shapes_of(text: str) -> frozenset[str]:
    """
    Names of the forms a sample shows: those of `_FORMS`, `csv`, and `fence`.
    """
    found = {_FORMS[index][0] for index in _MATCHER.Match(text.encode()) or ()}
    if "```" in text:
        found.add("fence")
    if _has_columns(text):
        found.add("csv")
    return frozenset(found)


_LINES = 60


def _has_columns(text: str) -> bool:
    """
    Whether three lines in a row have the same number of separators, at least two, and look like no sentence.
    """
    if text.count("\n") < _ROWS - 1:
        return False
    lines = text.split("\n", _LINES)[:_LINES]
    for separator in ",;\t":
        if text.count(separator) < _LEAST_SEPARATORS:
            continue
        before, same = 0, 1
        for line in lines:
            count = line.count(separator)
            if count > 1 and (". " in line or line.rstrip().endswith(_SENTENCE_ENDS) or len(line) > _WIDEST * (count + 1)):
                count = 0
            same = same + 1 if count == before else 1
            if same == _ROWS and count > 1:
                return True
            before = count
    return False


_ROWS = 3
_LEAST_SEPARATORS = 6
_WIDEST = 40  # characters of a column on average
_SENTENCE_ENDS = (".", ",", "!", "?", ":")


def without_fences(text: str) -> str:
    """
    `text` without fenced blocks: the words around the material.
    """
    return _FENCE.sub(" ¶ ", text) if "```" in text else text
