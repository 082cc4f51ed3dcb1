"""
The classifier of tasks, by a static embedding model the operator has downloaded: the extra `classifier`. An edge: reads files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from excise.errors import SettingsError
from excise.routing import profiling
from excise.routing.profile import Task
from excise.routing.profiling.classifier import Classifier

_FILES = ("config.json", "model.safetensors", "tokenizer.json")


def load_classifier(folder: Path) -> Classifier:
    """
    A classifier by the model in a folder, in the form of model2vec: `config.json`, `model.safetensors`, `tokenizer.json`.

    Every process that loads it holds its vectors in memory. Nothing is ever fetched.

    Raises:
        SettingsError: The extra is not installed, the folder holds no such model, or the model cannot tell our examples apart.
    """
    try:
        from model2vec import StaticModel
    except ImportError:
        raise SettingsError("--classifier needs an extra: pip install 'excise[classifier]'") from None
    # Looked for first: a name that is no folder would be taken for one of a model to download.
    missing = [name for name in _FILES if not (folder / name).is_file()]
    if missing:
        raise SettingsError(f"--classifier {folder}: no model of model2vec, {', '.join(missing)} missing")
    try:
        model = StaticModel.from_pretrained(folder)
        return Classifier(_StaticEmbedder(model), examples())
    except Exception as error:  # the readers of these files raise anything, `Exception` itself included
        raise SettingsError(f"--classifier {folder}: {error}") from error


def examples() -> Mapping[Task, Sequence[str]]:
    """
    The labelled prompts that come with the package, of all languages.
    """
    found = yaml.safe_load((Path(profiling.__file__).parent / "examples.yml").read_text(encoding="utf-8"))
    return {Task(task): [text for texts in languages.values() for text in texts] for task, languages in found.items()}


class _StaticEmbedder:
    """
    The weighted sum of the vectors of a text's tokens; its length says nothing.

    The model's own `encode` sets its tokenizer anew at every call, which two threads must not do at once; and it is made for batches.
    """

    def __init__(self, model: Any) -> None:
        self._tokenizer, self._unknown = model.tokenizer, model.unk_token_id
        self._vectors, self._rows, self._weights = model.embedding, model.token_mapping, model.weights

    def embed(self, text: str) -> Sequence[float]:
        tokens = [token for token in self._tokenizer.encode(text, add_special_tokens=False).ids if token != self._unknown]
        vectors = self._vectors[tokens if self._rows is None else self._rows[tokens]]
        if self._weights is not None:
            vectors = vectors * self._weights[tokens][:, None]
        summed: list[float] = vectors.sum(axis=0, dtype="float32").tolist()
        return summed
