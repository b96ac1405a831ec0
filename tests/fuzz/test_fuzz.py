"""Coverage-guided fuzzing, bounded: the same runs each time.  `make fuzz` goes on from there, without an end."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.seeds import seeds
from tests.fuzz.targets import TARGETS

ROOT = Path(__file__).parents[2]
RUNS = 40_000


@pytest.mark.parametrize("name", TARGETS)
def test_every_seed_is_answered(name):
    assert seeds(name)
    for seed in seeds(name):
        TARGETS[name](seed)


@pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None,
    reason="atheris, the fuzzer, is made for Linux on x86_64 only; the properties (hypothesis) run everywhere",
)
@pytest.mark.parametrize("name", TARGETS)
def test_whatever_the_fuzzer_finds_is_a_value_or_a_documented_error(name, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", name, str(tmp_path), f"-runs={RUNS}", "-seed=1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert f"Done {RUNS} runs" in done.stderr
    reached = int(re.search(rf"#{RUNS}\s+DONE\s+cov: (\d+)", done.stderr)[1])
    assert reached > 25, "the fuzzer got no further than the door"
