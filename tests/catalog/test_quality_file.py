from datetime import date

from excise.catalog.models import Models
from excise.catalog.places import Places
from excise.catalog.quality import SHIPPED, TASKS, QualityFile, bare_name, load_quality
from excise.routing.profile import Task

MAIN = ("openai", "anthropic", "gemini", "mistral", "xai", "deepseek", "dashscope", "cohere", "moonshot", "zai", "minimax")
FILE = Places(SHIPPED).check(QualityFile)


def test_the_shipped_file_passes_the_strict_reader() -> None:
    """
    What libyaml reads quickly is what the reader with places reads.
    """
    assert load_quality()._files == (FILE,)


def test_the_tasks_of_the_file_are_those_of_the_profile() -> None:
    """
    A kind of work that routing knows can be scored, and no other; `general` stands for those that are not.
    """
    assert set(TASKS) == {task.value for task in Task} - {"unknown"} | {"general"}


def test_every_family_has_a_general_score_a_source_and_a_date() -> None:
    """
    A figure says where it comes from: the index it was read in, or that it is our own placing.
    """
    for family in FILE.families:
        assert family.scores.general is not None, family.models
        assert family.source == "whatmodel.sh" or family.source.startswith("placed by the editors "), family.models
        assert date(2026, 1, 1) <= family.date <= date(2026, 12, 31)


def test_no_family_stands_behind_a_wider_one() -> None:
    """
    First match wins, so each glob must be able to win: with its stars taken out it is a name of its own family.
    """
    for family in FILE.families:
        for glob in family.models:
            name = glob.replace("*", "")
            assert FILE.find(name) is family, f"{glob} is hidden by {FILE.find(name)}"


def test_the_models_that_write_text_are_scored_at_their_makers() -> None:
    """
    Of the table's models of the main makers that can call tools, nearly all have scores; a list that falls behind shows here.
    """
    quality, models = load_quality(), Models.load()
    asked = [(provider, name) for provider, name in models if provider in MAIN and not FILE.excludes(name)]
    able = [(provider, name) for provider, name in asked if (row := models.find(provider, name)) is not None and row.tools]
    scored = [name for _, name in able if quality.of(name).scores]

    assert len(able) > 280
    assert len(scored) / len(able) > 0.85


def test_a_model_is_found_under_its_names_at_every_provider() -> None:
    """
    Publisher, region, path, date and the spelling of a gateway do not matter.
    """
    quality = load_quality()
    for names in (
        ("claude-sonnet-4-5", "claude-sonnet-4-5-20250929", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "anthropic/claude-sonnet-4.5"),
        ("gpt-oss-120b", "openai/gpt-oss-120b", "openai.gpt-oss-120b-1:0", "accounts/fireworks/models/gpt-oss-120b"),
        ("deepseek-v3.1", "deepseek-ai/DeepSeek-V3.1", "accounts/fireworks/models/deepseek-v3p1"),
        ("glm-4.6", "zai-org/GLM-4.6", "z-ai/glm-4.6"),
        ("minimax-m2.5", "MiniMaxAI/MiniMax-M2.5", "minimax.minimax-m2.5"),
        ("nova-pro-v1", "amazon.nova-pro-v1:0", "eu.amazon.nova-pro-v1:0"),
        ("llama-3.3-70b-instruct", "meta.llama3-3-70b-instruct-v1:0", "meta-llama/Llama-3.3-70B-Instruct-Turbo"),
    ):
        found = {tuple(quality.of(name).scores.items()) for name in names}
        assert len(found) == 1 and found != {()}, names


def test_versions_are_not_taken_for_each_other() -> None:
    """
    A date after a name is no minor version, and a smaller sibling is not its bigger one.
    """
    quality = load_quality()
    family = {name: FILE.find(bare_name(name)) for name in ("gpt-5-2025-08-07", "gpt-5.2", "gpt-4-1106-preview", "gpt-4.1", "gpt-5-mini")}

    assert len({id(one) for one in family.values()}) == len(family)
    assert quality.of("gpt-4o").scores["general"] > quality.of("gpt-4o-mini").scores["general"]
    assert quality.of("claude-opus-5-5").scores["code"] > quality.of("claude-opus-5").scores["code"]


def test_what_writes_no_text_has_no_scores() -> None:
    """
    Speech, embeddings and guards share their family's name; a fine-tuned model is not the model it was made from.
    """
    quality = load_quality()
    for name in (
        "gpt-4o-mini-tts",
        "gpt-4o-transcribe",
        "codestral-embed",
        "openai/gpt-oss-safeguard-20b",
        "ft:gpt-4o:org",
        "nobody-knows",
    ):
        assert quality.of(name).scores == {} and quality.of(name).source is None, name
