"""Mutants: a module of ours with one rule broken, to see whether some test notices.

A rule is what refuses: the words that a test returns, a raise, a problem that is added to a list, and each
comparison that decides.  Each is broken once, alone:

    return "exp is past"        →  return ""
    raise NotJSON(…)            →  pass
    problems.append(…)          →  pass
    if now < exp:               →  if now <= exp:
"""

import ast
from collections.abc import Callable, Iterator
from typing import NamedTuple

__all__ = ["Mutant", "mutants"]

_OTHER = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip


class Mutant(NamedTuple):
    """A broken module: where it was broken, what stood there, on one line, and its whole text."""

    line: int
    was: str
    source: str


def mutants(source: str) -> Iterator[Mutant]:
    """Return every mutant of *source*."""
    count = len(list(_breaks(ast.parse(source))))
    for number in range(count):
        tree = ast.parse(source)
        node, break_it = list(_breaks(tree))[number]
        was = ast.get_source_segment(source, node) or ast.unparse(node)
        break_it()
        yield Mutant(node.lineno, " ".join(was.split()), ast.unparse(ast.fix_missing_locations(tree)))


def _breaks(tree: ast.Module) -> Iterator[tuple[ast.AST, Callable[[], None]]]:
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef) and _returns_text(function):
            for node in ast.walk(function):
                if isinstance(node, ast.Return) and node.value is not None:
                    yield from _words(node)
    for parent in ast.walk(tree):
        for block in ("body", "orelse", "finalbody"):
            statements = getattr(parent, block, None)
            if isinstance(statements, list):
                for place, statement in enumerate(statements):
                    if _refuses(statement):
                        yield statement, _replace(statements, place)
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            for place, operator in enumerate(node.ops):
                yield node, _swap(node.ops, place, _OTHER[type(operator)]())


def _returns_text(function: ast.FunctionDef) -> bool:
    return isinstance(function.returns, ast.Name) and function.returns.id == "str"


def _words(node: ast.Return) -> Iterator[tuple[ast.AST, Callable[[], None]]]:
    places: list[tuple[ast.AST, str]] = [(node, "value")]
    if isinstance(node.value, ast.IfExp):
        places = [(node.value, "body"), (node.value, "orelse")]
    for owner, field in places:
        words = getattr(owner, field)
        if isinstance(words, ast.JoinedStr) or (
            isinstance(words, ast.Constant) and isinstance(words.value, str) and words.value
        ):
            yield words, _silence(owner, field)


def _refuses(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Raise):
        return True
    call = statement.value if isinstance(statement, ast.Expr) else None
    if isinstance(statement, ast.AugAssign):
        return isinstance(statement.target, ast.Name) and statement.target.id == "problems"
    return (
        isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id == "problems"
    )


def _silence(owner: ast.AST, field: str) -> Callable[[], None]:
    return lambda: setattr(owner, field, ast.Constant(""))


def _replace(statements: list[ast.stmt], place: int) -> Callable[[], None]:
    def act() -> None:
        statements[place] = ast.Pass()

    return act


def _swap(operators: list[ast.cmpop], place: int, other: ast.cmpop) -> Callable[[], None]:
    def act() -> None:
        operators[place] = other

    return act
