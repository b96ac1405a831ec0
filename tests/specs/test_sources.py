"""Who cites what: lines, the symbols around them, and what kind of file it is."""

import pytest

from specs.sources import has, moved, places

CODE = '''"""The head of the file (RFX 1000 §1)."""

# --- a heading (RFX 1000 §2) ---

TABLE = (
    ("one", "RFX 1000 §3"),
)


class Thing:
    """A thing (RFX 1000 §4)."""

    @property
    def part(self):
        inner = "RFX 1000 §5 steps 1-2"
        return inner
'''


@pytest.fixture
def root(tmp_path):
    for name, text in {
        "dada/a.py": CODE,
        "sandbox/b.py": '"""RFX 1001"""\n',
        "tests/dada/test_a.py": 'def test_it():\n    """RFX 1000 §3."""\n',
        "web/js/c.js": "/** As RFX 1000 §6 says. */\n",
        "README.md": "See RFX 1000.\n",
        "dada/d.txt": "RFX 9999",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text.replace("RFX", "RFC"))  # these standards are for this test alone
    return tmp_path


def test_each_clause_is_found_with_its_line_and_what_is_around_it(root):
    found = [(str(place.citation), place.kind, place.name, place.line) for place in places(root)]
    assert [(cited.replace("RFC", "RFX"), *others) for cited, *others in found] == [
        ("RFX 1000 §1", "code", "dada/a.py", 1),
        ("RFX 1000 §2", "code", "dada/a.py", 3),
        ("RFX 1000 §3", "code", "dada/a.py:TABLE", 6),
        ("RFX 1000 §4", "code", "dada/a.py:Thing", 11),
        ("RFX 1000 §5 step 1", "code", "dada/a.py:Thing.part", 15),
        ("RFX 1000 §5 step 2", "code", "dada/a.py:Thing.part", 15),
        ("RFX 1000 §6", "code", "web/js/c.js", 1),
        ("RFX 1001", "beside", "sandbox/b.py", 1),
        ("RFX 1000 §3", "test", "tests/dada/test_a.py:test_it", 2),
        ("RFX 1000", "document", "README.md", 1),
    ]


NAMES = {
    "a function": ("dada/a.py:Thing.part", True),
    "a table": ("dada/a.py:TABLE", True),
    "a file of another kind": ("web/js/c.js", True),
    "a symbol that is not there": ("dada/a.py:Thing.whole", False),
    "a local name": ("dada/a.py:Thing.part.inner", False),
    "a Python file without a symbol": ("dada/a.py", False),
    "a file that is not there": ("dada/z.py:Thing", False),
    "a symbol in another kind of file": ("web/js/c.js:Thing", False),
}


@pytest.mark.parametrize(("name", "there"), NAMES.values(), ids=NAMES)
def test_a_name_is_there_or_not(root, name, there):
    assert has(name, root) is there


def test_what_moved_to_another_file_of_the_folder_is_found_there(root):
    (root / "dada/b.py").write_text("def gone():\n    pass\n")
    assert moved("dada/a.py:gone", root) == "dada/b.py:gone"
    assert moved("dada/a.py:never", root) == ""
    assert moved("web/js/c.js", root) == ""
