"""The tree of errors."""

import pickle

from dada.errors import DadaError, Malformed, Misuse, Problem, Rejected


def test_the_three_branches_have_one_root():
    assert issubclass(Malformed, DadaError)
    assert issubclass(Rejected, DadaError)
    assert issubclass(Misuse, DadaError)


def test_malformed_tells_reason_place_and_clause():
    error = Malformed("not in the alphabet", 3, "RFC 4648 §3.3")
    assert str(error) == "not in the alphabet, at 3 (RFC 4648 §3.3)"


def test_rejected_tells_reason_and_clause():
    assert (
        str(Rejected("expired", "RFC 7519 §4.1.4", "exp was 3 s ago")) == "expired: exp was 3 s ago (RFC 7519 §4.1.4)"
    )
    assert str(Rejected("expired", "RFC 7519 §4.1.4")) == "expired: refused (RFC 7519 §4.1.4)"


def test_misuse_tells_every_problem_on_a_line_of_its_own():
    first = Problem("code", "origins", "a/", "an origin has no path", "leave the slash out", "RFC 6454 §6.2")
    second = Problem("code", "secret", "", "it is short", "32 bytes")
    assert str(Misuse([first, second])) == (
        "origins=a/: an origin has no path (RFC 6454 §6.2) → leave the slash out\nsecret: it is short → 32 bytes"
    )
    assert Misuse([first]).problems == (first,)


def test_errors_travel_between_processes():
    for error in (Malformed("a", 1, "b"), Rejected("a", "b", "c"), Misuse([])):
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is type(error)
        assert str(again) == str(error)
