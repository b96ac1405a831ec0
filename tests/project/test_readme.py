"""What the README shows is run."""

import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sandbox.test_up import Up
from tests.servers import PATIENCE

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


@pytest.fixture(scope="module")
def walk(tmp_path_factory):
    """Run the walk through the API against a system of its own, and return what it printed."""
    (script,) = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    folder = tmp_path_factory.mktemp("readme")
    with Up(folder) as up:
        up.ready()
        script = script.replace(".sandbox/", f"{folder}/data/").replace(".venv/bin/dada", f"{sys.executable} -m cli")
        for shown, real in (("127.0.0.1:8000", up.api), ("127.0.0.1:9000", up.world), ("127.0.0.1:7000", up.page)):
            script = script.replace(f"http://{shown}", real)
        done = subprocess.run(
            [shutil.which("bash"), "-eu", "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE
        )
        up.tell(signal.SIGINT)
        up.wait()
    assert done.returncode == 0, done.stderr
    return done.stdout.replace("\r", ""), up


def test_the_walk_through_the_api_says_what_it_promises(walk):
    out, up = walk
    for promised in (
        '{"status":"activation_pending"}',
        '{"nickname":""}',
        "Valid: every check let it through.",
        '"detail":"1 Main Street"',
        '"detail":"2 Main Street"',
        "Idempotency-Replayed: true",
        '>; rel="next"',
        "HTTP/1.1 204 No Content",
        f"Access-Control-Allow-Origin: {up.page}",
        "Access-Control-Allow-Methods: PUT",
        "Access-Control-Allow-Headers: authorization, content-type, if-match",
        "Access-Control-Max-Age: 600",
        "questions, and nothing found.",
        '"title":"有些字段不合要求"',
        '"pointer":"#/password"',
    ):
        assert promised in out


def test_what_is_asked_about_cors_is_answered(tmp_path):
    (script,) = re.findall(r"```bash\n(.*?)```", README, re.DOTALL)
    script = script.replace(".venv/bin/dada", f"PYTHONPATH={ROOT} {sys.executable} -m cli")
    done = subprocess.run(
        [shutil.which("bash"), "-eu", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE
    )
    assert (done.returncode, done.stderr) == (0, "")
    said = [line for line in done.stdout.splitlines() if line.startswith(("All is well", "Shared", "Blocked", "so it"))]
    assert [line.split(":")[0].split("(")[0].strip() for line in said] == [
        "All is well.", "Shared", "Blocked at “browser", "so it is blocked",
    ]  # fmt: skip


def test_the_two_commands_are_targets_of_the_makefile():
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"make ([a-z]+) ", README):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_every_file_that_is_named_is_there():
    for document in (ROOT / "README.md", ROOT / "ARCHITECTURE.md", ROOT / "SECURITY.md", ROOT / "CONTRIBUTING.md"):
        for named in re.findall(
            r"`((?:dada|shop|handlers|worker|cli|sandbox|tests|docs|tools)/[\w./]*\w)(?::[\w.]+)?`",
            document.read_text(),
        ):
            assert (ROOT / named).exists(), f"{named}, in {document.name}"


def test_every_link_leads_somewhere():
    for link in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / link).exists(), link
