"""A short drill: every blow at least once, and the law holds.  `make drill` runs longer ones."""

import subprocess
import sys

import pytest

from tests.drill.drill import BLOWS, Drill, Outcome


@pytest.mark.xdist_group("drill")
def test_every_job_is_done_exactly_once_whatever_is_killed_frozen_or_cut(tmp_path):
    drill = Drill(tmp_path, seed=20, jobs=200, seconds=10, say=lambda line: None)
    outcome = drill.run()
    broken = [*outcome.lost, *outcome.doubled, *outcome.from_nowhere]
    assert outcome.holds, "\n\n".join([outcome.table(), outcome.law, *map(drill.history, broken[:2])])
    assert set(outcome.blows) == set(BLOWS)
    assert len(outcome.ordered) == 180
    assert len(outcome.rolled_back) == 20


BROKEN = {
    "a job that is lost": ({1, 2}, {1: 1}, {}, "1  jobs lost"),
    "an effect that happened twice": ({1}, {1: 2}, {}, "1  effects that happened twice"),
    "an effect of what was rolled back": ({1}, {1: 1, 9: 1}, {}, "1  effects of orders that were rolled back"),
    "a job that is stuck": ({1}, {1: 1}, {"held": 1}, "1  left in Redis or the outbox"),
}


@pytest.mark.parametrize(("ordered", "effects", "left", "told"), BROKEN.values(), ids=BROKEN)
def test_what_breaks_the_law_is_told(ordered, effects, left, told):
    outcome = Outcome()
    outcome.ordered, outcome.left = ordered, left
    outcome.effects.update(effects)
    assert not outcome.holds
    assert told in outcome.table()
    assert "THE LAW IS BROKEN" in outcome.table()


@pytest.mark.parametrize(("command", "told"), [
    (["tests.drill", "--jobs", "0"], "from 1 to 1000000 jobs"),
    (["tests.drill", "--minutes", "soon"], "invalid float value"),
    (["tests.model", "nonsense"], "there is no system 'nonsense'"),
])  # fmt: skip
def test_a_question_that_makes_no_sense_is_answered_with_2(command, told):
    asked = subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True, check=False)
    assert asked.returncode == 2
    assert told in asked.stderr
    assert "Traceback" not in asked.stderr
