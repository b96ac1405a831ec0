"""Coverage-guided fuzzing of one target: python -m tests.fuzz TARGET FOLDER [options of libFuzzer].

The folder keeps what was found worth keeping; a run begins with it and with the seeds.
"""

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["dada"], enable_loader_override=False):
    from tests.fuzz.targets import TARGETS

from tests.fuzz.seeds import WORDS, seeds


def prepare(name: str, folder: Path) -> list[str]:
    """Write the seeds and the words into *folder*; return the arguments that say where they are."""
    corpus, words = folder / "corpus", folder / "words"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds(name)):
        (corpus / f"seed-{number}").write_bytes(seed)
    quoted = (word.replace("\\", "\\\\").replace('"', '\\"') for word in WORDS)
    words.write_text("".join(f'word{number}="{word}"\n' for number, word in enumerate(quoted)))
    return [str(corpus), f"-dict={words}", f"-artifact_prefix={folder}/", "-max_len=4096"]


if __name__ == "__main__":
    program, target, place, *options = sys.argv
    if target not in TARGETS:
        sys.exit(f"{target} is no target; one of {', '.join(TARGETS)}")
    atheris.Setup([program, *prepare(target, Path(place)), *options], TARGETS[target])
    atheris.Fuzz()
