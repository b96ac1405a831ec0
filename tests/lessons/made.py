"""What is made from lessons and specs/: `make lessons` writes it, the tests compare it with what is there."""

import json
from pathlib import Path

from specs import read_specs
from tests.lessons import cut, pictures, render
from tests.lessons.transcripts import BLOCK

ROOT = Path(__file__).parents[2]


def copied(source: str, target: str) -> str:
    """Return *target* with the transcripts of *source*: a lesson in another language has the same."""
    blocks = [found[0] for found in BLOCK.finditer(source)]
    count = len(BLOCK.findall(target))
    assert count == len(blocks), f"{len(blocks)} transcripts in one language, {count} in the other"
    return BLOCK.sub(lambda _: blocks.pop(0), target)


def texts() -> dict[Path, str]:
    """Return every lesson with its listings cut anew, by its path."""
    paths = [render.path_of(language, name) for language in render.LANGUAGES for name in render.NAMES]
    return {path: cut.renewed(path.read_text("utf-8")) for path in paths}


def files() -> dict[Path, str]:
    """Return every file that is made from lessons and rules as they stand, by its path."""
    made = {ROOT / "web" / "specs.json": _json(read_specs().as_json())}
    index: list[dict[str, object]] = []
    for name in render.NAMES:
        told: dict[str, object] = {"name": name}
        for language in render.LANGUAGES:
            text = render.path_of(language, name).read_text("utf-8")
            title, lead = render.title_and_lead(text)
            told[language] = {"title": title, "lead": lead}
            made[ROOT / "web" / "lessons" / language / f"{name}.html"] = render.fragment(text, language)
            for picture in pictures.MARK.finditer(text):
                svg = pictures.drawn(picture[2], alone=True) + "\n"
                made[ROOT / "docs" / "lessons" / "pictures" / f"{picture[1]}.svg"] = svg
        index.append(told)
    return made | {ROOT / "web" / "lessons" / "index.json": _json(index)}


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"
