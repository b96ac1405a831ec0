"""The lessons: listings are what the sources say, transcripts what comes out, and both languages say the same."""

import re
import signal
from pathlib import Path

import pytest

from tests.lessons import cut, made, pictures, render, transcripts
from tests.lessons.transcripts import BLOCK
from tests.sandbox.test_up import Up

ROOT = Path(__file__).parents[2]
LESSONS = [(language, name) for language in render.LANGUAGES for name in render.NAMES]
BOTH = pytest.mark.parametrize("name", render.NAMES)


def text_of(language, name):
    return render.path_of(language, name).read_text("utf-8")


# --- what a lesson shows ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("language", "name"), LESSONS)
def test_its_listings_are_what_the_sources_say(language, name):
    text = text_of(language, name)
    assert len(cut.MARK.findall(text)) >= 3
    assert cut.renewed(text) == text, "make lessons cuts them anew"


def test_what_is_made_of_lessons_and_rules_is_what_they_say():
    for path, text in made.files().items():
        assert path.read_text("utf-8") == text, f"{path.relative_to(ROOT)}: make lessons writes it anew"


def test_nothing_else_lies_about():
    there = {path for folder in ("web/lessons", "docs/lessons/pictures") for path in (ROOT / folder).rglob("*.*")}
    assert there - made.files().keys() == set()


@pytest.fixture(scope="module")
def system(tmp_path_factory):
    """A system for the transcripts, and its folder."""
    folder = tmp_path_factory.mktemp("lessons")
    with Up(folder) as up:
        up.ready()
        yield {name: f"127.0.0.1:{up.ports[name]}" for name in transcripts.SHOWN}, folder / "data"
        up.tell(signal.SIGINT)
        up.wait()


@BOTH
@pytest.mark.xdist_group("lessons")  # one system for all of them
def test_its_transcripts_are_what_comes_out(system, name):
    text = text_of("en", name)
    assert transcripts.renewed(text, *system) == text, f"make lessons WHAT={name} runs them anew"


@BOTH
def test_both_languages_have_the_same_transcripts_listings_pictures_and_headings(name):
    english, chinese = (text_of(language, name) for language in render.LANGUAGES)
    assert [block[0] for block in BLOCK.finditer(english)] == [block[0] for block in BLOCK.finditer(chinese)]
    assert [mark[0] for mark in cut.MARK.finditer(english)] == [mark[0] for mark in cut.MARK.finditer(chinese)]
    assert _levels(english) == _levels(chinese)
    assert len(pictures.MARK.findall(english)) == len(pictures.MARK.findall(chinese))
    assert sorted(_cited(english)) == sorted(_cited(chinese))


def _prose(text):
    return re.sub(r"```.*?```|<!--.*?-->", "", text, flags=re.DOTALL)


def _levels(text):
    return re.findall(r"^(#+) ", _prose(text), re.MULTILINE)


def _cited(text):
    return re.findall(r"(?:RFC \d+|Fetch) §[\d.]*\d(?: step [\d.]*\d)?", _prose(text))


@pytest.mark.parametrize(("language", "name"), LESSONS)
def test_it_ends_with_exercises_and_as_many_answers(language, name):
    chapters = re.split(r"^## (.+)$", _prose(text_of(language, name)), flags=re.MULTILINE)
    *_, exercises, questions, answers, replies = chapters
    assert (exercises, answers) == {"en": ("Exercises", "Answers"), "zh": ("练习", "答案")}[language]
    numbers = re.findall(r"^(\d)\. ", questions, re.MULTILINE)
    assert numbers == re.findall(r"^(\d)\. ", replies, re.MULTILINE)
    assert len(numbers) >= 3


@pytest.mark.parametrize(("language", "name"), LESSONS)
def test_every_file_symbol_and_test_that_it_names_is_there(language, name):
    prose = _prose(text_of(language, name))
    for named in re.findall(r"`((?:dada|shop|handlers|worker|cli|tests|web)/[\w./]*\w)(?::([\w.]+))?`", prose):
        assert (ROOT / named[0]).exists(), named
        if named[1]:
            cut.cut(*named)
    for test in re.findall(r"`(test_\w+)`", prose):
        assert any(f"def {test}(" in path.read_text() for path in (ROOT / "tests").rglob("test_*.py")), test
    for link in re.findall(r"\]\(([^)#:]+)\)", prose):
        assert (render.path_of(language, name).parent / link).exists(), link


# --- the tools that make them ----------------------------------------------------------------------------

DRIFTED = {
    "a file that is gone": ("dada/gone.py", "f", None, None),
    "a symbol that is gone": ("dada/jws.py", "_gone", None, None),
    "a first line that is gone": ("dada/jws.py", "_signature", "no such text", "return"),
    "a last line before the first": ("dada/jws.py", "_signature", "return", "for key"),
}


@pytest.mark.parametrize("mark", DRIFTED.values(), ids=DRIFTED)
def test_a_mark_that_names_what_is_not_there_is_told(mark):
    with pytest.raises(cut.Drifted):
        cut.cut(*mark)


def test_a_listing_that_differs_from_its_source_is_written_anew():
    mark = "<!-- listing dada/jwk.py:_is_algorithm -->\n"
    fresh = cut.renewed(mark)
    assert "def _is_algorithm(name: Any) -> bool:" in fresh
    assert cut.renewed(fresh.replace("bool", "int")) == fresh


VARIES = {
    "an id": ("0c9d7f1e-1f0a-8b6e-8aaa-0123456789ab", "00000000-0000-8000-8000-000000000001"),
    "a token": (f"eyJhbGciOiJIUzI1NiIsInR5cCI.{'a' * 20}.{'b' * 43}", "eyJhbGciOiJIUzI1NiIs…"),
    "a secret": ("x" * 43, "(43 characters)"),
    "a refresh token": ("x" * 107, "(107 characters)"),
    "a code": ("0123456789abcdef" * 2, "(32 digits)"),
    "a moment": ("2026-11-22T19:26:00Z", "2027-01-15T08:00:00Z"),
    "a port": ("http://127.0.0.1:45678/v1", "http://127.0.0.1:8000/v1"),
    "a line": ("dada/jws.py:128  ENVELOPE", "dada/jws.py:…  ENVELOPE"),
    "nothing": ("127.0.0.1 7 words 12345", "127.0.0.1 7 words 12345"),
}


@pytest.mark.parametrize(("told", "shown"), VARIES.values(), ids=VARIES)
def test_what_differs_from_run_to_run_is_replaced(told, shown):
    assert transcripts.Settled({"api": "127.0.0.1:45678"}, exact=False)(told) == shown


def test_an_id_that_comes_again_has_the_same_stand_in():
    settled = transcripts.Settled({}, exact=False)
    one, two = "0c9d7f1e-1f0a-8b6e-8aaa-0123456789ab", "0c9d7f1e-1f0a-8b6e-8aaa-0123456789ac"
    assert settled(f"{one} {two} {one}").split()[0] == settled(one) != settled(two)


def test_what_a_shell_and_a_python_say_is_written_below_each_command(tmp_path):
    text = "```console\n$ echo $((6 * 7))\nold\n$ false\n```\n```pycon\n>>> 1 / 0\n>>> x = 1\n>>> x\n```\n"
    assert transcripts.renewed(text, {}, tmp_path) == (
        "```console\n$ echo $((6 * 7))\n42\n$ false\n```\n"
        "```pycon\n>>> 1 / 0\nTraceback (most recent call last):\n    ...\nZeroDivisionError: division by zero\n"
        ">>> x = 1\n>>> x\n1\n```\n"
    )


def test_a_command_that_never_ends_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(transcripts, "SECONDS", 1)
    assert "TimeoutError: 1 s" in transcripts.renewed("```pycon\n>>> while True: pass\n```\n", {}, tmp_path)
    with pytest.raises(AssertionError, match="the shell ended"):
        transcripts.renewed("```console\n$ while true; do :; done\n```\n", {}, tmp_path)


UNCLEAR = {
    "nobody": "\n\na > b    x\n",
    "a stranger": "a  A\n\na > b    x\n",
    "words too long for their arrow": f"a  A\nb  B\n\na > b    {'long ' * 20}\n",
    "a note too long for the picture": f"a  A\n\na    {'long ' * 40}\n",
}


@pytest.mark.parametrize("source", UNCLEAR.values(), ids=UNCLEAR)
def test_a_picture_that_cannot_be_drawn_is_told(source):
    with pytest.raises(pictures.Unclear):
        pictures.drawn(source, alone=True)


def test_a_lesson_s_html_has_no_markup_of_its_own_and_explains_its_clauses():
    html = render.fragment("# T\n\nSee RFC 7515 §5.2 step 8. <b>x</b>\n\n## Answers\n\n1. Yes.\n", "en")
    assert "&lt;b&gt;" in html
    assert 'popovertarget="rule-RFC-7515-5-2-step-8">RFC 7515 §5.2 step 8</button>' in html
    assert "The MAC is made anew" in html
    assert "<details><summary>Answers</summary>" in html
    chinese = render.fragment("# T\n\n见 RFC 7515 §5.2 step 8。\n\n## 答案\n\n1. 是。\n", "zh")
    assert "重新计算 MAC" in chinese
