"""Who cites what: the clauses that code, tests and documents name, each with its line and what stands around it.

    dada/jws.py:128 ENVELOPE   "RFC 7515 §5.2 step 8"

A clause that is named in the head of a file, or in a heading between functions, says what the file is about; only
one that is named within a function, a class or a table says that this is where the clause is honoured.

This file knows source texts; it does not know what the standards say.
"""

import ast
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from specs import Citation, citations_in

__all__ = ["ROOT", "Place", "has", "moved", "places"]

ROOT: Final = Path(__file__).resolve().parents[1]
_CODE: Final = ("dada", "shop", "handlers", "worker", "web/js")
_BESIDE: Final = (
    "sandbox",
    "cli",
    "specs",
)  # what the other side of a wire keeps to, and examples: we honour nothing by it
_TESTS: Final = ("tests",)
_DOCUMENTS: Final = ("docs", "README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")
_KINDS: Final = {"code": _CODE, "beside": _BESIDE, "test": _TESTS, "document": _DOCUMENTS}
_SUFFIXES: Final = (".py", ".js", ".md")


class Place(NamedTuple):
    """A line that names a clause: in which *file*, within which *symbol* ("" for none), as what *kind* of file."""

    citation: Citation
    kind: str
    file: str
    line: int
    symbol: str
    text: str

    @property
    def name(self) -> str:
        """The file, and the symbol where there is one: "dada/jws.py:ENVELOPE"."""
        return f"{self.file}:{self.symbol}" if self.symbol else self.file


@functools.cache
def places(root: Path = ROOT) -> tuple[Place, ...]:
    """Return every citation in the sources below *root*, in order of files and lines."""
    return tuple(
        place
        for kind, tops in _KINDS.items()
        for top in tops
        for path in _files(root / top)
        for place in _in(path, kind, root)
    )


def _files(top: Path) -> list[Path]:
    if top.is_file():
        return [top]
    return sorted(path for path in top.rglob("*") if path.suffix in _SUFFIXES and path.is_file())


def _in(path: Path, kind: str, root: Path) -> Iterator[Place]:
    text = path.read_text("utf-8")
    lines = text.splitlines()
    symbols = _symbols(text) if path.suffix == ".py" else []
    for citation in citations_in(text):
        number = text.count("\n", 0, citation.at) + 1
        around = [name for name, first, last in symbols if first <= number <= last]
        symbol = around[-1] if around else ""
        yield Place(citation, kind, path.relative_to(root).as_posix(), number, symbol, lines[number - 1].strip())


def _symbols(text: str) -> list[tuple[str, int, int]]:
    """Return name, first and last line of all functions, classes and tables; what is inside comes after."""
    found: list[tuple[str, int, int]] = []

    def walk(body: list[ast.stmt], prefix: str) -> None:
        for node in body:
            last = node.end_lineno or node.lineno
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
                found.append((prefix + node.name, first, last))
                walk(node.body if isinstance(node, ast.ClassDef) else [], f"{prefix}{node.name}.")
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            found.extend((prefix + name.id, node.lineno, last) for name in targets if isinstance(name, ast.Name))

    walk(ast.parse(text).body, "")
    return found


def has(name: str, root: Path = ROOT) -> bool:
    """Whether "file:symbol", or a file alone that is not Python's, is there."""
    file, _, symbol = name.partition(":")
    path = root / file
    if not path.is_file():
        return False
    if path.suffix != ".py":
        return not symbol
    return symbol in {found for found, _, _ in _symbols_of(path)}


def moved(name: str, root: Path = ROOT) -> str:
    """Return where the symbol of "file:symbol" stands by now, if another file of the same folder has it; else ""."""
    file, _, symbol = name.partition(":")
    others = sorted((root / file).parent.glob("*.py")) if symbol else []
    found = (other.relative_to(root).as_posix() for other in others)
    return next((f"{other}:{symbol}" for other in found if has(f"{other}:{symbol}", root)), "")


@functools.cache
def _symbols_of(path: Path) -> tuple[tuple[str, int, int], ...]:
    return tuple(_symbols(path.read_text("utf-8")))
