"""Source lines: whole functions of our own files, and nothing else."""

import functools
import json

import pytest

from dada import jws
from sandbox import sources
from sandbox.sources import FILES, excerpt, place


def test_a_place_is_where_the_function_begins():
    file, _, line = place(jws._signature).partition(":")
    assert file == "dada/jws.py"
    assert FILES[file].read_text().splitlines()[int(line) - 1].startswith("def _signature(")


@pytest.mark.parametrize("foreign", [json.loads, len, functools.partial(len)], ids=["library", "builtin", "object"])
def test_somebody_else_s_function_has_no_place(foreign):
    assert place(foreign) == ""


def test_an_excerpt_is_the_whole_function():
    told = excerpt(place(jws._segments))
    assert told["name"] == "_segments"
    assert told["lines"][0].startswith("def _segments(")
    assert told["lines"][-1].strip() == 'return ""'
    assert told["first"] == told["line"]


def test_the_innermost_function_is_meant():
    text = FILES["sandbox/sources.py"].read_text().splitlines()
    line = next(number for number, text in enumerate(text, 1) if "for node in ast.walk" in text)
    assert excerpt(f"sandbox/sources.py:{line}")["name"] == "_around"


@pytest.mark.parametrize(
    "where",
    ["", "dada/jws.py", "dada/jws.py:0", "dada/jws.py:99999", "dada/jws.py:x", "dada/jws.py:-1", "/etc/passwd:1",
     "../dada/jws.py:1", "dada/../setup.cfg:1", "tests/conftest.py:1", "dada/jws.py:٣"],
)  # fmt: skip
def test_what_is_no_place_of_ours_has_no_excerpt(where):
    assert excerpt(where) is None


def test_only_python_files_of_our_packages_are_listed():
    assert {name.partition("/")[0] for name in FILES} == {*sources.PACKAGES, "wsgi.py"}
    assert all(name.endswith(".py") for name in FILES)
