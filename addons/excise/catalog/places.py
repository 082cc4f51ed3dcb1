"""
Read a YAML file that people write, and remember where each value stands.

Scalars stay text (so a price never passes through a float, and `no` is a word), but for `true`, `false` and an empty value. Aliases, tags
and double keys are refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from excise.errors import SettingsError

type Place = tuple[int, int]
type Trail = tuple[int | str, ...]

# An operator's file has a few hundred entries; anything much larger is not what it claims to be.
MOST_BYTES = 4_000_000


class Places:
    """
    The data of one file, and for every path into it the line and column, both from 1.
    """

    def __init__(self, file: Path) -> None:
        """
        Raises:
            SettingsError: With file, line and column, when the file cannot be read as the YAML we accept.
        """
        self.file = file
        self._at: dict[Trail, Place] = {(): (1, 1)}
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{file}:1:1: cannot be read: {type(error).__name__}") from error
        if len(text) > MOST_BYTES:
            raise SettingsError(f"{file}:1:1: larger than {MOST_BYTES} characters")
        try:
            for event in yaml.parse(text, Loader=yaml.SafeLoader):
                if isinstance(event, yaml.AliasEvent):
                    raise self.wrong(event.start_mark, "aliases (`*name`) are not accepted: write the value out")
            root = yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            raise self.wrong(error.problem_mark or error.context_mark, error.problem or "not YAML") from error
        except yaml.YAMLError as error:
            raise SettingsError(f"{file}:1:1: not YAML: {type(error).__name__}") from error
        self.data: Any = None if root is None else self._value(root, ())

    def wrong(self, mark: Any, text: str) -> SettingsError:
        """
        An error at a mark of the YAML reader.
        """
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
        return SettingsError(f"{self.file}:{line}:{column}: {text}")

    def error(self, path: Iterable[int | str], text: str) -> SettingsError:
        """
        An error at a path into the data; at its nearest known parent where the path itself is not in the file.
        """
        return SettingsError(self.line(path, text))

    def line(self, path: Iterable[int | str], text: str) -> str:
        """
        `file:line:column: text`.
        """
        known = tuple(path)
        while known not in self._at:
            known = known[:-1]
        line, column = self._at[known]
        return f"{self.file}:{line}:{column}: {text}"

    def check[M: BaseModel](self, schema: type[M]) -> M:
        """
        The data as `schema`.

        Raises:
            SettingsError: One line for each fault, with file, line and column.
        """
        try:
            return schema.model_validate(self.data if self.data is not None else {})
        except ValidationError as error:
            faults = [
                self.line(fault["loc"], f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}")
                for fault in error.errors(include_url=False, include_input=False)
            ]
            raise SettingsError("\n".join(faults)) from error

    def _value(self, node: yaml.Node, path: Trail) -> Any:
        self._at[path] = (node.start_mark.line + 1, node.start_mark.column + 1)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, (*path, place)) for place, item in enumerate(node.value)]
        if isinstance(node, yaml.MappingNode):
            mapping: dict[str, Any] = {}
            for key, value in node.value:
                if not isinstance(key, yaml.ScalarNode):
                    raise self.wrong(key.start_mark, "a key is a word")
                if key.value in mapping:
                    raise self.wrong(key.start_mark, f"`{key.value}` stands here twice")
                mapping[key.value] = self._value(value, (*path, key.value))
                # An unknown key is reported where the key stands, not its value.
                self._at[(*path, key.value)] = (key.start_mark.line + 1, key.start_mark.column + 1)
            return mapping
        if isinstance(node, yaml.ScalarNode) and node.style is None:  # plain, not quoted
            if node.value in ("", "~", "null"):
                return None
            if node.value in ("true", "false"):
                return node.value == "true"
        return node.value
