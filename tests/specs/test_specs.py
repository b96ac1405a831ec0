"""specs/: the grammar of citations, what a clause means, and tables that are read strictly."""

import pytest

from dada.errors import Misuse
from specs import LEVELS, citations_in, read_specs

SPECS = read_specs()
NOBODY_S = "-".join(["RFC", "1149"]).replace("-", " ")  # a standard of which nothing is written: not to be found here

CITED = {
    "a standard alone": ("as RFC 9457 says", ["RFC 9457"]),
    "a section": ("(RFC 7519 §4.1.4)", ["RFC 7519 §4.1.4"]),
    "a step": ("RFC 7515 §5.2 step 8, and", ["RFC 7515 §5.2 step 8"]),
    "a step within a step": ("Fetch §4.8 step 7.3", ["Fetch §4.8 step 7.3"]),
    "several steps": ("RFC 7515 §5.2 steps 2-4", [f"RFC 7515 §5.2 step {number}" for number in (2, 3, 4)]),
    "several sections": ("RFC 6454 §4, §6.2; RFC 2104", ["RFC 6454 §4", "RFC 6454 §6.2", "RFC 2104"]),
    "an appendix": ("RFC 6749 appendix A.11, RFC 7515 Appendix E", ["RFC 6749 appendix A.11", "RFC 7515 appendix E"]),
    "over the end of a line": ("(RFC\n    9700 §2.3)", ["RFC 9700 §2.3"]),
    "without a blank": ("RFC7519", ["RFC 7519"]),
    "other houses": (
        "PEP 3333, UTS #39 §4, URL §4.7, XHR §3.5.6",
        ["PEP 3333", "UTS #39 §4", "URL §4.7", "XHR §3.5.6"],
    ),
    "the end of a sentence": ("RFC 9110 §8.6.", ["RFC 9110 §8.6"]),
    "a verb is no standard": ("Fetch it from the URL by XHR", []),
    "a section of nothing": ("random already (§3.3)", []),
}


@pytest.mark.parametrize(("text", "cited"), CITED.values(), ids=CITED)
def test_a_text_names_these_clauses(text, cited):
    assert [str(citation) for citation in citations_in(text)] == cited


MEANT = {
    "a clause is its own rule": ("RFC 7515 §5.2 step 8", ["RFC 7515 §5.2 step 8"]),
    "or its own rules": ("RFC 7515 §4", ["RFC 7515 §4 (a)", "RFC 7515 §4 (b)"]),
    "one without rules is those within it": ("RFC 7517 §9", ["RFC 7517 §9.1"]),
    "§4 has no §41": ("RFC 9112 §6", ["RFC 9112 §6.1", "RFC 9112 §6.3"]),
    "a range is all its steps": ("RFC 7515 §5.2 steps 2-3", ["RFC 7515 §5.2 step 2", "RFC 7515 §5.2 step 3"]),
    "a clause of which nothing is written": ("RFC 7515 §{}", []),
    "a standard of which nothing is written": (f"{NOBODY_S} §1", []),
}  # fmt: skip


@pytest.mark.parametrize(("text", "ids"), MEANT.values(), ids=MEANT)
def test_a_citation_means_these_rules(text, ids):
    assert [rule.id for rule in SPECS.find(text.format(77))] == ids


def test_a_standard_alone_means_all_its_rules_and_may_have_none():
    assert len(SPECS.find("RFC 7515")) > 20
    (citation,) = citations_in("RFC 8414")
    assert SPECS.is_known(citation)
    (citation,) = citations_in(NOBODY_S)
    assert not SPECS.is_known(citation)


def test_every_rule_is_told_in_two_languages_with_a_link_to_its_clause():
    for rule in SPECS.rules:
        assert rule.level in LEVELS
        assert rule.en.endswith("."), rule.id
        assert rule.zh.endswith("。"), rule.id
        assert any("一" <= char <= "鿿" for char in rule.zh), rule.id
        assert rule.url.startswith("https://")
        assert "#" in rule.url
    assert SPECS.find("RFC 7515 §5.2 step 8")[0].url == "https://www.rfc-editor.org/rfc/rfc7515.html#section-5.2"
    assert SPECS.find("RFC 6749 appendix A.11")[0].url.endswith("#appendix-A.11")
    assert SPECS.find("Fetch §4.10 step 4")[0].url == "https://fetch.spec.whatwg.org/#cors-check"


def test_rules_stand_in_the_order_of_their_standard():
    clauses = [rule.clause for rule in SPECS.standards["RFC 7515"].rules]
    assert clauses.index("§4.1.9") < clauses.index("§4.1.10") < clauses.index("§5.1") < clauses.index("appendix A")


HEAD = f'name = "{NOBODY_S}"\ntitle = "T"\nurl = "https://t.example/"\n'
RULE = '[[rule]]\nclause = "§1"\nlevel = "MUST"\nen = "It is."\nzh = "是。"\n'

WRONG = {
    "no TOML": ("[[", "this is no TOML"),
    "no title": (f'name = "{NOBODY_S}"\n', "a standard has a name, a title, a url"),
    "a field that is not known": (HEAD + RULE + 'by = "x"\n', "by is no field"),
    "a rule without words": (HEAD + '[[rule]]\nclause = "§1"\nlevel = "MUST"\n', "en is missing"),
    "a rule in one language": (HEAD + RULE.replace('zh = "是。"', ""), "zh is missing"),
    "another level": (HEAD + RULE.replace("MUST", "OUGHT"), "OUGHT is no level"),
    "no clause": (HEAD + RULE.replace("§1", "chapter 1"), "this is no clause"),
    "two rules of one name": (HEAD + RULE + RULE, "two rules are called so"),
    "a text where a list is meant": (HEAD + RULE + 'tests = "x"\n', "code and tests are lists"),
    "two excuses": (HEAD + RULE + 'not_ours = "x"\ndeviates = "y"\n', "it cannot both"),
}


@pytest.mark.parametrize(("text", "why"), WRONG.values(), ids=WRONG)
def test_a_table_that_cannot_be_right_is_misuse(tmp_path, text, why):
    (tmp_path / "rfc1.toml").write_text(text)
    with pytest.raises(Misuse, match=why):
        read_specs(tmp_path)


def test_everything_that_is_wrong_is_told_at_once(tmp_path):
    (tmp_path / "a.toml").write_text(HEAD + RULE.replace("MUST", "OUGHT"))
    (tmp_path / "b.toml").write_text(HEAD + RULE.replace("§1", "one"))
    with pytest.raises(Misuse) as caught:
        read_specs(tmp_path)
    assert len(caught.value.problems) == 3  # and two files about one standard
