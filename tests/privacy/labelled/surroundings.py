"""
Where a secret stands: source code, configuration, logs, prose. Templates with `%N` (a name), and MARK for the value.
"""

from __future__ import annotations

from privacy.labelled.case import MARK

_V = MARK

# Any value without quotes, backslashes or line ends fits; none of the words around it is a hint by itself.
NEUTRAL: dict[str, str] = {
    "python": f'import os\n\nclient = connect("{_V}", timeout=30)\nprint(client.status)\n',
    "javascript": f"const opts = {{ region: 'eu', value: '{_V}' }};\nmodule.exports = opts;\n",
    "typescript": f'export const cfg: Config = {{\n  retries: 3,\n  credential: "{_V}",\n}};\n',
    "go": f'func main() {{\n\tc := NewClient("{_V}")\n\tdefer c.Close()\n}}\n',
    "java": f'private static final String VALUE = "{_V}";\n',
    "ruby": f"Thing.configure {{ |c| c.value = '{_V}' }}\n",
    "php": f"<?php\n$conf['value'] = '{_V}';\n",
    "csharp": f'services.AddThing(o => o.Value = "{_V}");\n',
    "rust": f'let value = "{_V}";\nlet client = Client::new(value);\n',
    "json": f'{{"name": "prod", "value": "{_V}", "retries": 3}}',
    "yaml": f"prod:\n  value: {_V}\n  retries: 3\n",
    "toml": f'[prod]\nvalue = "{_V}"\nretries = 3\n',
    "csv": f"name,value,added\nprod,{_V},2026-02-11\n",
    "log": f"2026-03-04T09:12:44.120Z INFO worker-3 started with {_V} in 120 ms\n",
    "prose-en": f"Here it is: {_V} - please rotate it after the demo, thanks.",
    "prose-de": f"Bitte trag {_V} in die Konfiguration ein und starte den Dienst neu.",
    "prose-fr": f"Voici la valeur à utiliser : {_V}, ne la partage pas s’il te plaît.",
    "prose-es": f"Usa este valor: {_V}. Después lo cambiamos.",
    "markdown": f"Run the job with `{_V}` and tell me what it says.\n\n- step one\n- step two\n",
    "fence": f"Why does this fail?\n\n```\n{_V}\n```\n",
    "alone": _V,
    "tool-call": f'{{"id": "call_1", "function": {{"name": "run", "arguments": "{{\\"value\\": \\"{_V}\\"}}"}}}}',
    "diff": f"diff --git a/conf.py b/conf.py\n--- a/conf.py\n+++ b/conf.py\n@@ -1,2 +1,2 @@\n-VALUE = None\n+VALUE = '{_V}'\n",
    "document": f"role\x02user\x03content\x02is {_V} still valid?\x03",
}

# `%N` is a name as environment variables have it, `%n` in lower case with hyphens, `%c` in camel case.
NAMED: dict[str, str] = {
    "env": f"DEBUG=0\n%N={_V}\nPORT=8080\n",
    "env-quoted": f'DEBUG=0\n%N="{_V}"\nPORT=8080\n',
    "export": f"export %N={_V}\nmake run\n",
    "dockerfile": f"FROM alpine\nENV %N={_V}\nCMD run\n",
    "compose": f"services:\n  app:\n    environment:\n      - %N={_V}\n      - PORT=80\n",
    "terraform": f'provider "thing" {{\n  %N = "{_V}"\n  region = "eu-west-1"\n}}\n',
    "kubectl": f"kubectl create secret generic app --from-literal=%N={_V} -n prod\n",
    "ini": f"[prod]\n%N = {_V}\nhost = example\n",
    "powershell": f'$env:%N = "{_V}"\n.\\run.ps1\n',
    "github-actions": f"      - run: make\n        env:\n          %N: {_V}\n",
    "python-name": f'%N = "{_V}"\n',
    "json-name": f'{{\n  "%c": "{_V}",\n  "retries": 3\n}}',
    "yaml-name": f"app:\n  %n: {_V}\n  retries: 3\n",
    "header": f"GET /v1/models HTTP/1.1\r\nHost: api.test\r\nX-%n: {_V}\r\nAccept: */*\r\n\r\n",
    "xml": f"<settings>\n  <%c>{_V}</%c>\n</settings>\n",
    "document-name": f"%c\x02{_V}\x03region\x02eu\x03",
}

PLACES: dict[str, str] = {**NEUTRAL, **NAMED}


def named(template: str, name: str) -> str:
    """
    A template with its name: `name` is words apart, as `stripe api key`.
    """
    words = name.split()
    camel = words[0] + "".join(word.capitalize() for word in words[1:])
    return template.replace("%N", "_".join(words).upper()).replace("%n", "-".join(words)).replace("%c", camel)
