"""Runs the tests of a module of dada/ against its mutants: python -m tests.mutation.run MODULE …

Each mutant lives in a process of its own, forked from one that has loaded the test tools and nothing of ours.
"""

import importlib.abc
import importlib.machinery
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import hypothesis.strategies
import joserfc.jwt
import jwt
import pytest

from tests.mutation.mutants import Mutant, mutants

__all__ = ["survivors"]

ROOT = Path(__file__).parents[2]
LOADED_ONCE = (joserfc.jwt, jwt, hypothesis.strategies)  # what the tests use, too slow to load for each mutant
PATIENCE = 120  # seconds; a mutant that runs in circles is noticed by that


def survivors(module: str) -> Iterator[Mutant]:
    """Return the mutants of dada/*module*.py that its tests take for the original."""
    path = ROOT / "dada" / f"{module}.py"
    if not _passes(path, path.read_text()):
        raise AssertionError(f"the tests of {module} fail with the original already")
    for mutant in mutants(path.read_text()):
        if _passes(path, mutant.source):
            yield mutant


def _passes(path: Path, source: str) -> bool:
    child = os.fork()
    if child == 0:
        status = 2
        try:
            status = _run(path, source)
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    return status == 0


def _run(path: Path, source: str) -> int:
    """Run the tests with *source* in the place of the file at *path*; in a process that ends with it."""
    import faulthandler
    import signal

    signal.alarm(PATIENCE)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    sys.meta_path.insert(0, _Finder(f"dada.{path.stem}", path, source))
    faulthandler.disable()
    # A rule that only one drawn example in a hundred notices has no test; and nobody reads a shrunk example here.
    phases = (hypothesis.Phase.explicit, hypothesis.Phase.generate)
    hypothesis.settings.register_profile("mutants", max_examples=50, phases=phases, database=None, deadline=None)
    hypothesis.settings.load_profile("mutants")
    first = ROOT / "tests" / "dada" / f"test_{path.stem}.py"
    others = {"base64url": ["jws"], "jwk": ["jws", "jwt"], "jws": ["jwt"]}.get(path.stem, [])
    files = [str(first), *(str(first.with_name(f"test_{name}.py")) for name in others)]
    options = ["-x", "-q", "--assert=plain", "--noconftest", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:cov"]
    return int(pytest.main([*options, "--rootdir", str(ROOT), "--hypothesis-seed=0", *files]))


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.SourceLoader):
    """Finds one module, and gives it another text."""

    def __init__(self, name: str, path: Path, source: str) -> None:
        self.name, self.path, self.source = name, str(path), source

    def find_spec(self, name, path, target=None):
        if name != self.name:
            return None
        return importlib.machinery.ModuleSpec(name, self, origin=self.path)

    def get_filename(self, name):
        return self.path

    def get_data(self, path):
        return self.source.encode()

    def path_stats(self, path):
        raise OSError("no cache: the text is not that of the file")


if __name__ == "__main__":
    for name in sys.argv[1:]:
        for mutant in survivors(name):
            print(f"dada/{name}.py:{mutant.line}: {mutant.was}", flush=True)
