"""
What material looks like, told from its form: fences, code, diffs, stack traces, tables, CSV, JSON, SQL, logs, formulas.
"""

from __future__ import annotations

import re
from typing import Final

_FENCE: Final = re.compile(r"```[\w+#.-]*\n?.*?(?:```|\Z)", re.DOTALL)
_FORMS: Final[dict[str, re.Pattern[str]]] = {
    "diff": re.compile(r"^(?:diff --git |@@ -\d+|\+\+\+ \S|--- a/)", re.MULTILINE),
    "stack_trace": re.compile(
        r"^Traceback \(most recent|^[ \t]+at [\w.$<>]+\(|^[ \t]*File \"[^\"\n]{1,200}\", line \d+|^thread '[^'\n]{1,60}' panicked|^panic: |^goroutine \d"
        r"|^Exception in thread|\berror\[E\d{4}\]|\b[A-Z][A-Za-z]{2,30}(?:Error|Exception): |\berror (?:TS|C)\d{4}\b|\bsegmentation fault\b",
        re.MULTILINE,
    ),
    "code": re.compile(
        r"^[ \t]*(?:def \w+\(|class \w+\s*[:({]|import [\w.{*]+|from [\w.]+ import|(?:export )?(?:async )?function\b|(?:export )?(?:const|let|var) \w+\s*="
        r"|(?:public|private|protected|static) [\w<>\[\] ]+[({]|#include\s*[<\"]|(?:pub )?fn \w+|func \w+\(|package \w+;?$|return\b.*;$|if\s*\(.*\)\s*\{|for\s*\(.*\)\s*\{"
        r"|for \w+ in .*:$|while .*:$|</?[a-z]+[^>\n]{0,80}>$|FROM \w+[:/]\w|\$ \w+ )",
        re.MULTILINE,
    ),
    "sql": re.compile(
        r"\bselect\s[^\n]{1,200}\sfrom\s+\w|\binsert into \w|\b(?:create|alter|drop) table\b|\bupdate \w+ set\b", re.IGNORECASE
    ),
    "table": re.compile(r"^[ \t]*\|[^\n|]*\|[^\n]*\|[ \t]*\n[ \t]*\|", re.MULTILINE),
    "csv": re.compile(
        r"^([^,;\t\n]{1,60}([,;\t])[^,;\t\n]{0,60}(?:\2[^,;\t\n]{0,60}){1,30})\n(?:[^,;\t\n]{0,60}(?:\2[^,;\t\n]{0,60}){2,30}\n?){2}",
        re.MULTILINE,
    ),
    "json": re.compile(r"[{\[]\s*(?:\{\s*)?\"[^\"\n]{1,80}\"\s*:"),
    "log": re.compile(r"(?:^\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d[^\n]*\n?){2}", re.MULTILINE),
    "maths": re.compile(r"\\(?:int|sum|frac|sqrt|lim|begin\{)|\$\$|[∫∑∂√≤≥∈∀∃]|\b[a-z]\s?\^\s?\d|\bf\(x\)|\d\s?[a-z]\s?[+-]\s?\d+\s?="),
}
_INLINE_CODE: Final = re.compile(
    r"`[^`\n]{2,80}`|\b[a-z]+[A-Z]\w*\(|\b\w+_\w+\(|\b\w+\.(?:py|js|ts|tsx|rs|go|java|cpp|rb|php|cs|sh|yml|yaml|toml|sql|css|html)\b"
)


def shapes_of(text: str) -> frozenset[str]:
    """
    Names of the forms a sample shows: those of `_FORMS`, `fence`, `inline_code`.
    """
    found = {name for name, form in _FORMS.items() if form.search(text)}
    if "```" in text:
        found.add("fence")
    if _INLINE_CODE.search(text):
        found.add("inline_code")
    return frozenset(found)


def without_fences(text: str) -> str:
    """
    `text` without fenced blocks: the words around the material.
    """
    return _FENCE.sub(" ¶ ", text) if "```" in text else text
