"""The rules of the house: budgets, one test file for each module, files that say what they are."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("dada", "shop", "handlers", "worker", "cli", "sandbox", "specs")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).glob("*.py") if path.read_text().strip())
# Where a module's tests stand under another name.
TESTED_BY = {
    "handlers/__init__.py": "tests/handlers/test_routes.py",
    "worker/__init__.py": "tests/worker/test_jobs.py",
    "worker/__main__.py": "tests/faults/test_worker_process.py",
    "cli/__main__.py": "tests/cli/test_main.py",
    "sandbox/__main__.py": "tests/sandbox/test_main.py",
    "sandbox/children.py": "tests/sandbox/test_up.py",
    "sandbox/secrets.py": "tests/sandbox/test_up.py",
    "sandbox/trace_gates.py": "tests/sandbox/test_traces.py",
    "sandbox/trace_parts.py": "tests/sandbox/test_traces.py",
    "sandbox/trace_record.py": "tests/sandbox/test_traces.py",
    "sandbox/lab_worker.py": "tests/sandbox/test_lab_queue.py",
    "sandbox/rooms.py": "tests/sandbox/test_inspector.py",
    "shop/migrations": "tests/shop/test_schema.py",
    "dada/queue_scripts.py": "tests/dada/test_queue.py",
    "dada/queue_ledger.py": "tests/dada/test_queue.py",
    "specs/__init__.py": "tests/specs/test_specs.py",
}
PLAIN = {
    "dada/__init__.py",
    "shop/__init__.py",
    "cli/__init__.py",
    "sandbox/__init__.py",
}  # they say only what they are


def name(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", [path for path in MODULES if path.parent.name == "dada"], ids=name)
def test_a_file_of_the_framework_has_at_most_400_lines(path):
    assert len(path.read_text().splitlines()) <= 400


def functions():
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{name(path)}:{node.name}", (node.end_lineno or 0) - node.lineno + 1


def test_a_function_has_at_most_50_lines():
    assert {where: lines for where, lines in functions() if lines > 50} == {}


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_a_file_opens_with_what_it_is(path):
    documented = ast.get_docstring(ast.parse(path.read_text()))
    assert documented
    assert documented.splitlines()[0].endswith((".", ":", "?")) or len(documented.splitlines()[0]) > 40


@pytest.mark.parametrize("path", [path for path in MODULES if path.parent.name in ("dada", "shop")], ids=name)
def test_a_file_of_framework_and_shop_says_what_it_must_not_know(path):
    documented = ast.get_docstring(ast.parse(path.read_text())) or ""
    assert path.name == "__init__.py" or "This file knows" in documented


@pytest.mark.parametrize("path", [path for path in MODULES if name(path) not in PLAIN], ids=name)
def test_a_module_has_a_test_file_of_its_own(path):
    expected = TESTED_BY.get(name(path), f"tests/{path.parent.name}/test_{path.stem}.py")
    assert (ROOT / expected).is_file()


def public_functions():
    for path in MODULES:
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                yield f"{name(path)}:{node.name}", node
                if isinstance(node, ast.ClassDef):
                    for method in node.body:
                        if isinstance(method, ast.FunctionDef) and not method.name.startswith("_"):
                            yield f"{name(path)}:{node.name}.{method.name}", method


def test_everything_public_has_a_docstring():
    missing = [where for where, node in public_functions() if not ast.get_docstring(node)]
    assert [where for where in missing if not where.startswith("sandbox/")] == []


def test_nothing_of_one_machine_stands_in_the_tree():
    for path in ROOT.rglob("*"):
        parts = path.relative_to(ROOT).parts
        if parts[0] in (".git", ".venv", ".venv-bench", ".sandbox", "node_modules") or "__pycache__" in parts:
            continue
        if path.suffix in (".py", ".md", ".sh", ".cfg", ".toml", ".js", ".html", ".css") and path.is_file():
            assert "/" + "work/" not in path.read_text(errors="replace"), path
