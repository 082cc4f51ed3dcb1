"""
The classifier with a real model of the operator's form on disk, a tiny one, written here.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from bench.profile_cases import PARTS, cases
from excise.classifier import _StaticEmbedder, examples, load_classifier
from excise.errors import SettingsError
from excise.routing import profiling
from excise.routing.profile import Task
from excise.supervise.prepare import check_files, settle
from excise.supervise.settings import Settings

WORDS = {
    Task.TRANSLATION: "gloss glosses tongue",
    Task.SUMMARISATION: "nub nubbin gist",
    Task.CODE: "loop stack heap",
    Task.UNKNOWN: "heron marsh reed",
}
EXAMPLES = {task: [*words.split(), words] for task, words in WORDS.items()}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """
    Writes a model whose words lie along one axis a task.
    """
    pytest.importorskip("model2vec", reason="the extra `classifier` is not installed")
    import numpy
    from safetensors.numpy import save_file
    from tokenizers import Tokenizer, models, pre_tokenizers

    def write(**other: Any) -> Path:
        vocabulary = {"[UNK]": 0}
        rows = [[9.0] * len(WORDS)]  # what the tokenizer does not know must not count
        for axis, words in enumerate(WORDS.values()):
            for place, word in enumerate(words.split()):
                vocabulary[word] = len(vocabulary)
                rows.append([1.0 if at == axis else 0.05 * place for at in range(len(WORDS))])
        tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
        tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
        folder = tmp_path_factory.mktemp("model")
        tokenizer.save(str(folder / "tokenizer.json"))
        (folder / "config.json").write_text(json.dumps({"normalize": True}))
        tensors = {"embeddings": numpy.array(rows, dtype=other.pop("dtype", "float32"))}
        save_file(tensors | {name: numpy.array(values(len(rows))) for name, values in other.items()}, folder / "model.safetensors")
        return folder

    return write


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Examples in the words the tiny model knows.
    """
    monkeypatch.setattr("excise.classifier.examples", lambda: EXAMPLES)


@pytest.mark.parametrize(
    "other",
    [
        {},
        {"dtype": "float16"},
        {"dtype": "int8"},
        {"weights": lambda rows: [0.5 + row / 10 for row in range(rows)]},
        {"mapping": lambda rows: list(range(rows)), "weights": lambda rows: [1.0] * rows},
    ],
    ids=["plain", "float16", "int8", "weights", "mapping"],
)
def test_a_model_on_disk_tells_tasks(written: Callable[..., Path], few: None, other: dict[str, Any]) -> None:
    """
    In every form model2vec stores: reduced, weighted, with tokens that share vectors. Words it does not know count for nothing.
    """
    classifier = load_classifier(written(**other))

    assert classifier.task_of("please the nub of it gist") == (Task.SUMMARISATION, 13 / 14)
    assert classifier.task_of("a stack or a heap") == (Task.CODE, 13 / 14)
    assert classifier.task_of("heron in the reed") is None
    assert classifier.task_of("nothing it knows") is None


def test_its_vectors_are_those_of_the_model_itself(written: Callable[..., Path]) -> None:
    """
    Up to their length: what we sum, model2vec averages.
    """
    import numpy
    from model2vec import StaticModel

    model = StaticModel.from_pretrained(written(weights=lambda rows: [0.5 + row / 10 for row in range(rows)]))
    for text in ("gloss", "nub heap heap", "reed and stack"):
        ours, theirs = numpy.array(_StaticEmbedder(model).embed(text)), model.encode(text)
        assert numpy.allclose(ours / numpy.linalg.norm(ours), theirs / numpy.linalg.norm(theirs), atol=1e-6)


def test_a_model_that_knows_none_of_our_examples_is_refused(written: Callable[..., Path]) -> None:
    """
    At the start, not by silence later.
    """
    with pytest.raises(SettingsError, match="does not tell the examples"):
        load_classifier(written())


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_a_folder_that_holds_no_model_is_refused(written: Callable[..., Path], few: None, tmp_path: Path, name: str) -> None:
    """
    What is missing is named, and nothing is fetched instead; what is broken is said to be.
    """
    folder = Path(shutil.copytree(written(), tmp_path / "model"))
    (folder / name).write_bytes(b"\x00 broken")
    with pytest.raises(SettingsError, match=f"--classifier {folder}: .+"):
        load_classifier(folder)
    (folder / name).unlink()
    with pytest.raises(SettingsError, match=f"{name} missing"):
        load_classifier(folder)


def test_a_start_looks_at_the_model(written: Callable[..., Path], few: None, tmp_path: Path) -> None:
    """
    Once, before there are workers; the path is made absolute for them.
    """
    settings = settle(Settings(data=tmp_path / "data", certs=tmp_path / "certs", classifier=written()), named_policies=False)
    check_files(settings)

    assert settings.classifier is not None
    with pytest.raises(SettingsError, match="--classifier"):
        check_files(settings.model_copy(update={"classifier": tmp_path / "nowhere"}))


def test_without_the_extra_the_error_names_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """
    Also where the folder is right.
    """
    monkeypatch.setitem(sys.modules, "model2vec", None)

    with pytest.raises(SettingsError, match=r"pip install 'excise\[classifier\]'"):
        load_classifier(tmp_path)


def test_every_task_has_as_many_examples_of_each_language() -> None:
    """
    Or a language would speak for a task; what is told by tools has none, and none is measured against itself.
    """
    found = yaml.safe_load((Path(profiling.__file__).parent / "examples.yml").read_text(encoding="utf-8"))
    texts = [text for task in examples().values() for text in task]
    measured = {getattr(part, "text", "") for name in PARTS for case in cases(name) for turn in case.request.turns for part in turn.parts}

    assert set(found) == set(Task) - {Task.AGENTIC}
    assert len({tuple((language, len(prompts)) for language, prompts in languages.items()) for languages in found.values()}) == 1
    assert len(set(texts)) == len(texts) == 15 * len(found)
    assert not measured & set(texts)
