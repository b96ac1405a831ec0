"""Sentences in two languages."""

from hypothesis import given
from hypothesis import strategies as st

from dada.phrases import Phrases

TABLE = Phrases({"no JSON": "不是 JSON", "{}, at {}": "{}，位于 {}", "at most {} bytes": "最多 {} 字节"})


def test_a_sentence_is_told_in_the_other_language_with_its_words():
    assert TABLE.told("no JSON") == "不是 JSON"
    assert TABLE.told("at most 64 bytes") == "最多 64 字节"


def test_a_part_of_a_sentence_that_is_a_sentence_is_told_too():
    assert TABLE.told("no JSON, at 7") == "不是 JSON，位于 7"


def test_what_no_table_has_is_told_as_it_is():
    assert TABLE.find("something else") is None
    assert TABLE.told("something else") == "something else"
    assert TABLE.find("at most  bytes") is None


@given(st.text())
def test_any_word_is_carried_over_as_it_is(word):
    assert TABLE.told(f"at most {word}7 bytes") == f"最多 {word}7 字节"
