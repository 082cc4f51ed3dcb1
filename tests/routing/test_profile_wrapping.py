import pytest

from excise.routing.profiling.difficulty import points_in
from excise.routing.profiling.wrapping import unwrapped

FILES = (
    "I have *added these files to the chat",
    "I HAVE ADDED THESE FILES TO THE CHAT",
    "Here are summaries of some files",
    "these are the *read-write* files",
    "# Context from my IDE setup",
    "# context from my ide \u017fetup",
)


@pytest.mark.parametrize("head", FILES)
def test_what_follows_a_list_of_files_is_not_the_users(head):
    """
    Whatever its letters: a quick look for a word must not miss what the expression would have found.
    """
    assert unwrapped(f"Mend the login page. {head}: app.py, login.py") == "Mend the login page. "


@pytest.mark.parametrize("colon", [":", "："])
def test_the_question_is_found_behind_its_documents(colon):
    """
    Both colons end a heading.
    """
    assert unwrapped(f"Context{colon} the town has two bridges.\nQuestion{colon} How many bridges?").strip() == "How many bridges?"


def test_the_request_behind_an_editors_state_is_all_that_counts():
    """
    And without its mark the words are left as they are.
    """
    assert unwrapped("# Context from my IDE setup\n## My request for Codex: rename it") == "rename it"
    assert unwrapped("My request for Codex: rename it") == "My request for Codex: rename it"


@pytest.mark.parametrize(
    ("text", "points"), [("- one", 1), ("one - two", 0), ("1. one\n2) two\nthree", 2), ("", 0), ("- \n", 0), ("\n- one", 1)]
)
def test_points_of_a_list_are_counted(text, points):
    """
    In one line and in several.
    """
    assert points_in(text) == points
