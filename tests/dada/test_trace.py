"""Steps, and how they are told."""

from dada.trace import Step, explain


def test_a_step_that_passed_let_the_input_through_and_no_other_did():
    assert Step("a", "b", "passed", "c").ok
    assert not Step("a", "b", "failed", "c").ok
    assert not Step("a", "b", "not reached", "").ok


def test_steps_are_told_a_line_each():
    steps = [
        Step("length", "RFC 8259 §9", "passed", "3 characters"),
        Step("segments", "RFC 7515 §5.2", "failed", "1"),
    ]
    assert explain(steps) == (
        "✔ length                     3 characters (RFC 8259 §9)\n✘ segments                   1 (RFC 7515 §5.2)"
    )
