"""Listings: cut out of the sources, by the name of what they show.

    <!-- listing dada/jws.py:_signature -->                            a function, a class, a method, a table
    <!-- listing dada/app.py:App._answer from "match =" to "guard(" --> the lines of it from one text to another
    <!-- listing … as lua -->                                          where what is cut is of another language

The fence behind such a mark is written by `make lessons`; a test fails when it is not what the source says.
"""

import ast
import re
import textwrap
from pathlib import Path

ROOT = Path(__file__).parents[2]
MARK = re.compile(
    r"<!-- listing (?P<file>[\w./]+)(?::(?P<symbol>[\w.]+))?"
    r'(?: from "(?P<first>[^"]+)" to "(?P<last>[^"]+)")?(?: as (?P<language>lua))? -->\n'
    r"(?:```\w+\n.*?\n```\n)?",
    re.DOTALL,
)
_LANGUAGES = {".py": "python", ".js": "js"}
_COMMENTS = {"python": "#", "js": "//", "lua": "--"}


class Drifted(Exception):
    """A mark names what is not there."""


def cut(
    file: str, symbol: str | None, first: str | None = None, last: str | None = None, language: str = "python"
) -> str:
    """Return the lines that a mark means, with a first line that says where they are from.  Raise Drifted."""
    path = ROOT / file
    if not path.is_file():
        raise Drifted(f"there is no {file}")
    lines = path.read_text("utf-8").splitlines()
    if symbol:
        start, end = _place(path, symbol)
        lines = lines[start - 1 : end]
    if first and last:
        begin = next((at for at, line in enumerate(lines) if first in line), None)
        stop = next((at for at, line in enumerate(lines) if at >= (begin or 0) and last in line), None)
        if begin is None or stop is None:
            raise Drifted(f"{file}:{symbol} has no lines from {first!r} to {last!r}")
        lines = lines[begin : stop + 1]
    return (
        f"{_COMMENTS[language]} {file}"
        + (f": {symbol}" if symbol else "")
        + "\n"
        + textwrap.dedent("\n".join(lines)).rstrip()
    )


def _place(path: Path, symbol: str) -> tuple[int, int]:
    body: list[ast.stmt] = ast.parse(path.read_text("utf-8")).body
    found: ast.stmt | None = None
    for part in symbol.split("."):
        found = next((node for node in body if part in _names(node)), None)
        if found is None:
            raise Drifted(f"{path.name} has no {symbol}")
        body = getattr(found, "body", [])
    assert found is not None
    first = min([found.lineno, *(decorator.lineno for decorator in getattr(found, "decorator_list", []))])
    return first, found.end_lineno or first


def _names(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return {target.id for target in targets if isinstance(target, ast.Name)}


def renewed(text: str) -> str:
    """Return a lesson with every listing cut anew.  Raise Drifted."""

    def listing(mark: re.Match[str]) -> str:
        language = mark["language"] or _LANGUAGES[Path(mark["file"]).suffix]
        body = cut(mark["file"], mark["symbol"], mark["first"], mark["last"], language)
        return f"{mark[0].splitlines()[0]}\n```{language}\n{body}\n```\n"

    return MARK.sub(listing, text)
