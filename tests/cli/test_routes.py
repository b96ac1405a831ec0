"""`dada routes`."""

import json

import pytest

from handlers.documents import operations
from tests.faults.processes import ROOT


def test_each_operation_is_a_line(dada):
    status, out, err = dada("routes")
    assert (status, err) == (0, "")
    head, *lines = out.splitlines()
    assert head.split() == ["METHOD", "PATH", "WHO", "WHERE", "CORS,", "for", "http://127.0.0.1:7000"]
    assert [line.split()[:3] for line in lines] == [[one.method, one.path, one.who] for one in operations()]


def test_machines_are_told_where_the_method_is_and_what_a_browser_asks(dada):
    rows = {(row["method"], row["path"]): row for row in json.loads(dada("routes", "--json")[1])}
    assert len(rows) == len(operations())
    for (method, _), row in rows.items():
        file, line = row["where"].split(":")
        source = (ROOT / file).read_text().splitlines()[int(line) - 1 :][:15]
        assert any(text.startswith(f"    def {method.lower()}(") for text in source), row
    assert rows["PUT", "/v1/users/<username>/addresses/<int:id>"]["cors"] == {
        "preflight": True, "headers": ["authorization", "content-type", "if-match"], "allowed": True,
    }  # fmt: skip
    assert rows["GET", "/healthz"]["cors"] == {"preflight": False, "headers": [], "allowed": True}
    assert rows["DELETE", "/v1/tokens/current"]["cors"]["headers"] == ["authorization"]


def test_a_part_of_a_path_chooses(dada):
    status, out, _ = dada("routes", "healthz", PAGE_ORIGIN="https://shop.example")
    assert (status, len(out.splitlines())) == (0, 2)
    assert out.endswith("at once\n")
    assert "https://shop.example" in out
    assert "asks first: authorization, content-type" in dada("routes", "password")[1]


@pytest.mark.parametrize("arguments", [["nowhere"], ["--page", "no origin"], ["a", "b"]])
def test_a_mistake_is_told_in_lines_with_exit_status_2(dada, arguments):
    status, out, err = dada("routes", *arguments)
    assert (status, out) == (2, "")
    assert err.startswith("dada: ")
    assert "Traceback" not in err


def test_it_says_what_its_words_mean(dada):
    status, out, _ = dada("routes", "--help")
    assert status == 0
    assert "asks first" in out
