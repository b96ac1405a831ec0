"""Write anew what is made from the sources: listings, transcripts, pictures, the page's copies: `make lessons`.

python -m tests.lessons            everything; starts a system of its own for the transcripts
python -m tests.lessons tokens     the transcripts of this lesson only
python -m tests.lessons -          no transcripts
"""

import signal
import sys
import tempfile
from pathlib import Path

from tests.lessons import made, render, transcripts
from tests.sandbox.test_up import Up


def main(chosen: list[str]) -> None:
    """Write what differs, and say so."""
    for path, text in made.texts().items():
        _write(path, text)
    names = [name for name in render.NAMES if not chosen or name in chosen]
    if names:
        with tempfile.TemporaryDirectory() as folder, Up(Path(folder) / "system") as up:
            up.ready()
            addresses = {name: f"127.0.0.1:{up.ports[name]}" for name in transcripts.SHOWN}
            for name in names:
                path = render.path_of("en", name)
                _write(path, transcripts.renewed(path.read_text("utf-8"), addresses, Path(folder) / "system" / "data"))
            up.tell(signal.SIGINT)
            up.wait()
    for name in render.NAMES:
        source, target = (render.path_of(language, name) for language in render.LANGUAGES)
        _write(target, made.copied(source.read_text("utf-8"), target.read_text("utf-8")))
    for path, text in made.files().items():
        _write(path, text)


def _write(path: Path, text: str) -> None:
    if path.is_file() and path.read_text("utf-8") == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    print(f"{path.relative_to(made.ROOT)}: written")


if __name__ == "__main__":
    main(sys.argv[1:])
