"""What an operation takes and answers, said beside its code."""

import pytest

from dada.operations import IF_MATCH, Operation, amended, operation, operation_of


class Things:
    @operation(answers={204: None}, problems=("conflict",))
    def put(self):
        return "what it always returned"

    def get(self):
        """Nothing is said of it."""


def test_a_declaration_is_kept_on_the_method_and_changes_nothing_about_it():
    assert operation_of(Things.put) == operation_of(Things().put) == Operation({204: None}, problems=("conflict",))
    assert Things().put() == "what it always returned"


def test_nothing_said_is_none():
    assert operation_of(Things.get) is None


def test_a_member_that_a_declaration_has_not_is_a_mistake():
    with pytest.raises(TypeError):
        operation(answer={204: None})


def test_what_wraps_a_method_adds_to_what_it_declares():
    more = amended(Things.put, headers=(IF_MATCH,), problems=("gone",))
    assert (more.headers, more.problems, more.answers) == ((IF_MATCH,), ("conflict", "gone"), {204: None})
    with pytest.raises(KeyError):
        amended(Things.get)
