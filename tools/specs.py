"""Write web/specs.json, the page's copy of the standards' rules: python tools/specs.py."""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from specs import read_specs  # noqa: E402 after the path is set

if __name__ == "__main__":
    text = json.dumps(read_specs().as_json(), ensure_ascii=False, indent=1)
    (ROOT / "web" / "specs.json").write_text(text + "\n", "utf-8")
