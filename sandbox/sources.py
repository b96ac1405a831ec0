"""Source lines of our own packages, for the page that shows which line said yes.

A check is found by the function that makes it: "dada/jws.py:131".  Whoever asks for that place gets the whole
function, so that it can be read.  Nothing is served but the Python files of this project's packages, which are listed
once, so that no name of a file comes from a request.

This file knows files and functions; it does not know what a check is about.
"""

import ast
import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

__all__ = ["FILES", "excerpt", "place"]

_ROOT: Final = Path(__file__).parents[1]
PACKAGES: Final = ("dada", "shop", "handlers", "worker", "sandbox")
FILES: Final[Mapping[str, Path]] = {
    str(path.relative_to(_ROOT)): path
    for path in sorted([_ROOT / "wsgi.py", *(path for name in PACKAGES for path in (_ROOT / name).glob("*.py"))])
}


@functools.cache
def place(function: Callable[..., Any]) -> str:
    """Return where *function* of one of our files begins, as "dada/jws.py:131"; "" for one of somebody else's."""
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    if code is None:
        return ""
    path = Path(code.co_filename)
    name = str(path.relative_to(_ROOT)) if path.is_relative_to(_ROOT) else ""
    return f"{name}:{code.co_firstlineno}" if name in FILES else ""


def excerpt(where: str) -> dict[str, Any] | None:
    """Return the function around a place such as "dada/jws.py:131"; None where there is no such place.

    {"file", "name", "first": number of the first line, "line": the line that was asked for, "lines": […]}
    """
    file, _, number = where.partition(":")
    path = FILES.get(file)
    if path is None or not number.isascii() or not number.isdecimal() or len(number) > 6:
        return None
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    line = int(number)
    if not 1 <= line <= len(lines):
        return None
    name, first, last = _around(ast.parse(text), line)
    return {"file": file, "name": name, "first": first, "line": line, "lines": lines[first - 1 : last or len(lines)]}


def _around(tree: ast.Module, line: int) -> tuple[str, int, int]:
    """Return name, first and last line of the innermost function around *line*, or a few lines about it."""
    found = ("", max(1, line - 4), line + 4)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            if first <= line <= (node.end_lineno or 0):
                found = (node.name, first, node.end_lineno or first)  # walked from the outside in
    return found
