"""The switches: what they take, how they count, and that all that is wrong is said at once."""

import threading

import pytest

from sandbox.faults import MAX_FAULTS, BadFaults, Faults, Kind, Parameter

KINDS = {
    "late": Kind(("a", "b"), "comes late", {"seconds": Parameter("number", 1, most=10)}),
    "rude": Kind(
        ("a",), "is rude", {"word": Parameter("text", "no", ("no", "never")), "loud": Parameter("flag", False)}
    ),
    "lost": Kind(("back",), "is lost", {"on": Parameter("text", "any", ("any", "good", "bad"))}),
    "many": Kind(("a",), "is many", {"count": Parameter("whole", None, least=2)}),
    "strict": Kind(("a",), "is strict", standing=True),
}  # fmt: skip


@pytest.fixture
def faults():
    return Faults(KINDS)


def kinds(taken):
    return [fault.kind for fault in taken]


def test_nothing_is_wrong_before_a_switch_is_set(faults):
    assert faults.take("a") == []
    assert faults.shown() == []
    assert not faults.standing("strict")


def test_a_switch_is_shown_with_everything_that_holds(faults):
    shown = faults.put([{"fault": "late", "endpoint": "b", "times": 2}, {"fault": "rude", "word": "never"}])
    assert shown == [
        {"endpoint": "b", "fault": "late", "times": 2, "seconds": 1},
        {"endpoint": "a", "fault": "rude", "times": None, "word": "never", "loud": False},
    ]
    assert faults.shown() == shown


def test_the_endpoint_need_not_be_named_where_there_is_only_one(faults):
    assert faults.put([{"fault": "rude"}])[0]["endpoint"] == "a"


def test_a_switch_without_times_meets_every_call(faults):
    faults.put([{"fault": "late", "endpoint": "a", "seconds": 2.5}])
    for _ in range(3):
        (fault,) = faults.take("a")
        assert fault["seconds"] == 2.5


def test_times_are_counted_for_that_endpoint_only(faults):
    faults.put([{"fault": "late", "endpoint": "a", "times": 2}])
    assert kinds(faults.take("b")) == []
    assert kinds(faults.take("a")) == ["late"]
    assert faults.shown()[0]["times"] == 1
    assert kinds(faults.take("a")) == ["late"]
    assert faults.shown() == []
    assert kinds(faults.take("a")) == []


def test_several_switches_meet_one_call_in_their_order(faults):
    faults.put([{"fault": "rude", "times": 1}, {"fault": "late", "endpoint": "a"}])
    assert kinds(faults.take("a")) == ["rude", "late"]
    assert kinds(faults.take("a")) == ["late"]


def test_a_switch_that_chooses_its_moment_is_not_counted_at_another(faults):
    faults.put([{"fault": "lost", "on": "bad", "times": 1}])
    assert kinds(faults.take("back", on="good")) == []
    assert kinds(faults.take("back", on="bad")) == ["lost"]
    assert kinds(faults.take("back", on="bad")) == []


def test_any_moment_will_do_for_a_switch_that_does_not_choose(faults):
    faults.put([{"fault": "lost"}])
    assert kinds(faults.take("back", on="good")) == ["lost"]


def test_a_standing_fault_is_looked_up_and_never_taken(faults):
    faults.put([{"fault": "strict"}])
    assert faults.standing("strict")
    assert faults.take("a") == []
    assert faults.standing("strict")


def test_putting_replaces_and_clearing_ends(faults):
    faults.put([{"fault": "rude"}])
    faults.put([{"fault": "late", "endpoint": "a"}])
    assert kinds(faults.take("a")) == ["late"]
    faults.clear()
    assert faults.take("a") == []


WRONG = {
    "no list": ({"fault": "late"}, "no list"),
    "nothing": (None, "no list"),
    "no object in the list": (["late"], "switch 0: is no object"),
    "no fault": ([{}], "none that is known"),
    "an unknown fault": ([{"fault": "explode"}], "none that is known"),
    "a fault that is a list": ([{"fault": ["late"]}], "none that is known"),
    "an endpoint where it cannot happen": ([{"fault": "rude", "endpoint": "b"}], "endpoint is none of a"),
    "no endpoint where there are two": ([{"fault": "late"}], "endpoint is none of a, b"),
    "an endpoint that is a list": ([{"fault": "late", "endpoint": ["a"]}], "endpoint is none of"),
    "zero times": ([{"fault": "rude", "times": 0}], "times"),
    "times that are true": ([{"fault": "rude", "times": True}], "times"),
    "times that are text": ([{"fault": "rude", "times": "2"}], "times"),
    "times of a standing fault": ([{"fault": "strict", "times": 1}], "times is null"),
    "a parameter of another": ([{"fault": "rude", "seconds": 1}], "seconds is no parameter of rude"),
    "a text for a number": ([{"fault": "late", "endpoint": "a", "seconds": "1"}], "seconds is no number"),
    "true for a number": ([{"fault": "late", "endpoint": "a", "seconds": True}], "seconds is no number"),
    "more than the most": ([{"fault": "late", "endpoint": "a", "seconds": 11}], "not within 0 and 10"),
    "less than the least": ([{"fault": "late", "endpoint": "a", "seconds": -1}], "not within"),
    "a fraction for a whole number": ([{"fault": "many", "count": 2.5}], "count is no whole"),
    "a word that is not allowed": ([{"fault": "rude", "word": "yes"}], "word is none of no, never"),
    "null where something must be": ([{"fault": "rude", "word": None}], "word is no text"),
    "a number for a flag": ([{"fault": "rude", "loud": 1}], "loud is no flag"),
    "too many": ([{"fault": "rude"}] * (MAX_FAULTS + 1), "more than"),
}


@pytest.mark.parametrize(("switches", "why"), WRONG.values(), ids=WRONG)
def test_what_is_no_switch_is_refused_and_changes_nothing(faults, switches, why):
    faults.put([{"fault": "late", "endpoint": "a"}])
    with pytest.raises(BadFaults) as caught:
        faults.put(switches)
    assert why in str(caught.value)
    assert kinds(faults.take("a")) == ["late"]


def test_all_problems_are_told_at_once(faults):
    with pytest.raises(BadFaults) as caught:
        faults.put([{"fault": "rude", "word": "yes", "loud": 0}, {"fault": "late", "endpoint": "a"}, 7])
    assert [problem.split(" is ")[0] for problem in caught.value.problems] == [
        "switch 0: word",
        "switch 0: loud",
        "switch 2:",
    ]


def test_null_stands_for_not_given_where_that_is_the_default(faults):
    assert faults.put([{"fault": "many", "count": None}])[0]["count"] is None


def test_what_is_known_is_told(faults):
    assert faults.known()["late"] == {
        "says": "comes late",
        "endpoints": ["a", "b"],
        "parameters": {"seconds": {"type": "number", "default": 1, "allowed": []}},
    }
    assert faults.known().keys() == KINDS.keys()


def test_threads_share_the_count(faults):
    faults.put([{"fault": "rude", "times": 50}])
    taken = []
    threads = [threading.Thread(target=lambda: taken.extend(faults.take("a") + faults.take("a"))) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 50
