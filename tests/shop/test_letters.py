"""What letters say."""

import pytest

from shop import letters

PAGE = "http://127.0.0.1:7000"
LETTERS = {
    "activation": lambda language: letters.activation(language, PAGE, username="ada{}%s", token="t-o_k", hours=24),
    "already registered": lambda language: letters.already_registered(language, PAGE),
    "reset": lambda language: letters.password_reset(language, PAGE, username="ada{}%s", token="t-o_k", minutes=30),
    "changed": lambda language: letters.password_changed(language, PAGE, username="ada{}%s"),
    "new device": lambda language: letters.new_device(language, PAGE, username="ada{}%s"),
    "bound": lambda language: letters.identity_bound(language, PAGE, username="ada{}%s"),
    "unbound": lambda language: letters.identity_unbound(language, PAGE, username="ada{}%s"),
    "reused": lambda language: letters.token_reused(language, PAGE, username="ada{}%s"),
}


@pytest.mark.parametrize("write", LETTERS.values(), ids=LETTERS)
def test_a_letter_is_in_its_reader_s_language_and_leads_to_the_page(write):
    english, chinese = write("en"), write("zh-CN")
    assert english.subject.isascii()
    assert not chinese.subject.isascii()
    for letter in (english, chinese):
        assert f"\n{PAGE}/#/" in letter.text
        assert letter.text.endswith("\n")
        assert "\n" not in letter.subject
        assert "{" not in letter.text.replace("ada{}%s", "")


def test_a_token_stands_behind_the_number_sign_where_no_server_sees_it():
    assert f"{PAGE}/#/activation/t-o_k\n" in LETTERS["activation"]("en").text
    assert f"{PAGE}/#/reset/t-o_k\n" in LETTERS["reset"]("zh").text


def test_a_name_is_written_as_it_is():
    assert "ada{}%s" in LETTERS["changed"]("en").text


@pytest.mark.parametrize("language", ["en", "zh-CN"])
@pytest.mark.parametrize("dot", [".", "\uff0e", "\ufe52", "\u2024", "\u2488"])
def test_a_name_that_could_be_a_host_is_no_link_in_a_letter_to_whomever(language, dot):
    name = f"win{dot}prizes{dot}example"
    letter = letters.activation(language, PAGE, username=name, token="t", hours=24)
    assert name not in letter.text
    assert f"win{dot}\u2060prizes{dot}\u2060example" in letter.text
    assert f"{PAGE}/#/activation/t\n" in letter.text
