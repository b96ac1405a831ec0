"""The flows of ARCHITECTURE.md are there: each file has the function that it names."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FLOWS = (ROOT / "ARCHITECTURE.md").read_text().partition("## Flows")[2].partition("\n## ")[0]
STEPS = sorted(set(re.findall(r"`([a-z_]+/[a-z_]+\.py):([\w.]+)`", FLOWS)))


def test_there_are_flows():
    assert len(STEPS) > 25


@pytest.mark.parametrize(("file", "function"), STEPS, ids=lambda value: value)
def test_a_step_of_a_flow_exists(file, function):
    tree = ast.parse((ROOT / file).read_text())
    body = tree.body
    for part in function.split("."):
        found = [
            node for node in body
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == part
        ]  # fmt: skip
        assert found, f"{file} has no {function}"
        body = found[0].body
