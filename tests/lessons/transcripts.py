"""Transcripts: what a lesson shows at a prompt is run, all blocks of a lesson in order, against a system of its own.

    ```console          `$ ` begins a command, `> ` goes on with it: one shell for the whole lesson
    ```pycon            `>>> ` and `... `: one Python for the whole lesson

What differs from one run to the next is replaced by something that does not: times, ids, tokens, ports.  A lesson in
which nothing differs, because it says what time it is, is marked `<!-- transcripts: exact -->` and shown as it comes.
"""

import contextlib
import doctest
import io
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"```(console|pycon)\n(.*?)```\n", re.DOTALL)
SHOWN = {"api": "127.0.0.1:8000", "page": "127.0.0.1:7000", "world": "127.0.0.1:9000"}
EXACT = "<!-- transcripts: exact -->\n"
SECONDS = 60  # that one command may take
_EPOCH = 1_800_000_000


class Settled:
    """Replaces what differs from run to run; ids are numbered as they come."""

    def __init__(self, addresses: dict[str, str], *, exact: bool) -> None:
        self._addresses, self._exact, self._ids, self._epoch = addresses, exact, dict[str, int](), 0

    def __call__(self, text: str) -> str:
        text = re.sub(r"(\.(?:py|js)):\d+\b", r"\1:…", text)
        if self._exact:
            return text
        for name, real in self._addresses.items():
            text = text.replace(real, SHOWN[name]).replace(real.replace(":", "%3A"), SHOWN[name].replace(":", "%3A"))
        text = re.sub(r"eyJ[\w-]{17}[\w-]*\.[\w-]+\.[\w-]+", lambda token: f"{token[0][:20]}…", text)
        text = re.sub(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", self._uuid, text)
        text = re.sub(
            r"(?<![\w-])[\w-]{43}(?:[\w-]{64})?(?![\w-])", lambda found: f"({len(found[0])} characters)", text
        )
        text = re.sub(r"(?<![\w-])[0-9a-f]{32}(?![\w-])", "(32 digits)", text)
        text = re.sub(r"\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(Z|\+00:00)", r"2027-01-15T08:00:00\1", text)
        text = re.sub(r"(?m)^(Date: ).*", r"\1Fri, 15 Jan 2027 08:00:00 GMT", text)
        text = re.sub(r"(?m)^(Server: ).*", r"\1gunicorn", text)
        return re.sub(r"\b1[789]\d{8}\b", self._second, text)

    def _uuid(self, found: re.Match[str]) -> str:
        number = self._ids.setdefault(found[0], len(self._ids) + 1)
        return f"00000000-0000-8000-8000-{number:012}"

    def _second(self, found: re.Match[str]) -> str:
        number = int(found[0])
        if number in range(_EPOCH, _EPOCH + 100_000):  # a lesson's own
            return found[0]
        self._epoch = self._epoch or number
        return str(_EPOCH + round((number - self._epoch) / 60) * 60)


@contextlib.contextmanager
def _within(seconds: int) -> Iterator[None]:
    """Raise TimeoutError inside after so many seconds: a loop that waits for what never comes must end."""

    def too_long(number: int, frame: object) -> None:
        raise TimeoutError(f"{seconds} s")

    before = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


class Shell:
    """One bash for a whole lesson."""

    def __init__(self, folder: Path) -> None:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        env = {"PATH": path, "HOME": str(folder), "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT), "COLUMNS": "100"}
        self._process = subprocess.Popen(
            ["bash", "--norc", "--noprofile"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            cwd=ROOT, env=env, text=True, encoding="utf-8",
        )  # fmt: skip

    def run(self, command: str) -> str:
        """Return what *command* prints."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{command}\nprintf '\\n\\1'\n")
        self._process.stdin.flush()
        watch = threading.Timer(SECONDS, self._process.kill)
        watch.daemon = True
        watch.start()
        told = ""
        while not told.endswith("\1"):
            char = self._process.stdout.read(1)
            assert char, f"the shell ended in {command!r}: {told}"
            told += char
        watch.cancel()
        told = told.replace("\r", "").removesuffix("\1").removesuffix("\n")
        return told if not told or told.endswith("\n") else told + "\n"

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()


class Python:
    """One interpreter for a whole lesson."""

    def __init__(self) -> None:
        self._names: dict[str, Any] = {"__name__": "__lesson__"}

    def run(self, source: str) -> str:
        """Return what *source*, one statement, prints."""
        out = io.StringIO()
        with contextlib.redirect_stdout(out), _within(SECONDS):
            try:
                exec(compile(source, "<lesson>", "single"), self._names)
            except Exception as error:  # noqa: BLE001 a lesson shows what goes wrong, too
                kind = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
                print(f"Traceback (most recent call last):\n    ...\n{kind}: {error}")
        return out.getvalue()


def renewed(text: str, addresses: dict[str, str], data: Path) -> str:
    """Return a lesson with every transcript as it comes out now.

    addresses  of "api", "page", "world" of the running system, as host:port
    data       its folder, which lessons call .sandbox
    """
    settled = Settled(addresses, exact=EXACT in text)
    shell, python = Shell(data), Python()

    def real(source: str) -> str:
        for name, address in addresses.items():
            source = source.replace(SHOWN[name], address)
        return source.replace(".sandbox/", f"{data}/")

    def block(found: re.Match[str]) -> str:
        if found[1] == "console":
            told = "".join(f"{shown}{settled(shell.run(real(command)))}" for shown, command in _commands(found[2]))
        else:
            examples = doctest.DocTestParser().get_examples(found[2])
            told = "".join(f"{_prompted(one.source)}{settled(python.run(real(one.source)))}" for one in examples)
        return f"```{found[1]}\n{told}```\n"

    try:
        return BLOCK.sub(block, text)
    finally:
        shell.close()


def _commands(block: str) -> list[tuple[str, str]]:
    """Return each command of a block, as it is shown and as the shell gets it."""
    shown: list[list[str]] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            shown.append([line])
        elif line.startswith("> ") and shown:
            shown[-1].append(line)
    return [("\n".join(lines) + "\n", "\n".join(line[2:] for line in lines)) for lines in shown]


def _prompted(source: str) -> str:
    first, *others = source.rstrip("\n").split("\n")
    return "\n".join([f">>> {first}", *(f"... {line}".rstrip() for line in others)]) + "\n"
