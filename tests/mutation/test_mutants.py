"""Every rule of the token core is broken once, alone, and some test notices.

`make mutants WHAT=router` does the same with any other module of dada/; it takes longer than this.
"""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Mutants that no input can tell from the original: what they break is decided a second time elsewhere, or is a
# matter of speed.  Each says why; the list is compared, so that none stays in it that is noticed by now.
EQUIVALENT = {
    "jsontext": {
        'raise NotJSON("no value of JSON", 0, "RFC 8259 §3") from None': "the check before it has raised; it stands "
        "there lest a writer that learns to fail otherwise makes None of it",
        "size <= _SHORT": "a text of just that length has no room for 65 pairs of brackets either",
        'text.count("[") + text.count("{") > MAX_DEPTH': "when to count levels exactly: a matter of speed",
        'text.find("[", 1) > 0': "a search from 1 on never finds 0",
        'text.find("{", 1) > 0': "the same",
        "size <= MAX_DIGITS": "a text of just that length has no room for more digits either",
    },
    "jwt": {"seconds < 1": "one second is written alike both ways"},
}


@pytest.mark.parametrize("module", ["base64url", "jsontext", "jwk", "jws", "jwt"])
def test_some_test_notices_each_broken_rule(module):
    # A process of its own: in this one the tests, and what they test, may be loaded already.
    command = [sys.executable, "-m", "tests.mutation.run", module]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    survivors = {line.partition(": ")[2] for line in ran.stdout.splitlines()}
    assert survivors == EQUIVALENT.get(module, {}).keys()
