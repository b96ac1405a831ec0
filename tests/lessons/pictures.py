"""Pictures: who says what to whom, drawn from a few lines in the lesson.

    <!-- sequence cors.en
    page    Page :7000
    api     API :8000

    page > api    OPTIONS /v1/users
    api > page    204
    api           a note over one of them
    -->

One picture is a file of its own for readers of the Markdown; the page has it within, coloured by its own style sheet.
"""

import re
import unicodedata
from html import escape

MARK = re.compile(r"<!-- sequence ([\w.-]+)\n(.*?)-->\n", re.DOTALL)
WIDE, HIGH, HEAD = 210, 46, 52
_STYLE = (
    "svg{--ink:#2b2019;--soft:#6a5a4d;--line:#b9a78c;--paper:#fffaf1;--strong:#8c3d1a;font:14px system-ui,sans-serif}"
    "@media(prefers-color-scheme:dark){svg{--ink:#f0e6d8;--soft:#b7a695;--line:#6b5a48;--paper:#241d18;--strong:#e9996c}}"
    ".life{stroke:var(--line);stroke-dasharray:4 4}.post{fill:var(--paper);stroke:var(--line)}"
    ".shaft{stroke:var(--strong);stroke-width:1.5}.tip{fill:var(--strong)}text{fill:var(--ink);text-anchor:middle}"
    ".note{fill:var(--soft);font-style:italic}.under{fill:var(--paper)}"
)


class Unclear(Exception):
    """A picture's lines cannot be drawn."""


def drawn(source: str, *, alone: bool, title: str = "") -> str:
    """Return the SVG of a picture; *alone* brings its own colours, else the page's style sheet has them."""
    posts, acts = _read(source)
    places = {name: at * WIDE + WIDE // 2 for at, name in enumerate(posts)}
    width, height = WIDE * len(posts), HEAD + HIGH * len(acts) + 24
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"',
        ' class="sequence" role="img">',
        f"<title>{escape(title)}</title>" if title else "",
        f'<style>{_STYLE}</style><rect class="under" width="{width}" height="{height}" rx="10"/>' if alone else "",
    ]
    for name, x in places.items():
        parts.append(f'<path class="life" d="M{x} {HEAD - 12}V{height}"/>')
        parts.append(f'<rect class="post" x="{x - 80}" y="8" width="160" height="32" rx="6"/>')
        parts.append(f'<text x="{x}" y="29">{escape(posts[name])}</text>')
    for at, (one, other, words) in enumerate(acts):
        y = HEAD + HIGH * at + 30
        parts += _note(places[one], y, words, width) if not other else _arrow(places[one], places[other], y, words)
    return "\n".join(part for part in [*parts, "</svg>"] if part)


def _read(source: str) -> tuple[dict[str, str], list[tuple[str, str, str]]]:
    head, _, body = source.strip("\n").partition("\n\n")
    posts = {name: words.strip() for name, _, words in (line.strip().partition(" ") for line in head.splitlines())}
    acts = []
    for line in filter(str.strip, body.splitlines()):
        found = re.fullmatch(r"\s*(\w+)(?: > (\w+))?\s\s+(.+)", line)
        if not found or found[1] not in posts or (found[2] or found[1]) not in posts:
            raise Unclear(line)
        acts.append((found[1], found[2] or "", found[3].strip()))
    if not posts or not acts:
        raise Unclear(source)
    return posts, acts


def _extent(words: str) -> float:
    return sum(14 if unicodedata.east_asian_width(char) in "WF" else 7.4 for char in words)


def _text(x: float, y: float, words: str, kind: str) -> list[str]:
    half = _extent(words) / 2 + 4
    return [
        f'<rect class="under" x="{x - half:.0f}" y="{y - 13}" width="{2 * half:.0f}" height="18"/>',
        f'<text class="{kind}" x="{x:.0f}" y="{y}">{escape(words)}</text>',
    ]


def _arrow(start: int, end: int, y: int, words: str) -> list[str]:
    way = 1 if end > start else -1
    if _extent(words) > abs(end - start) - 8:
        raise Unclear(f"too long for its arrow: {words}")
    return [
        *_text((start + end) / 2, y - 8, words, "on"),
        f'<path class="shaft" d="M{start} {y}H{end - 8 * way}"/>',
        f'<path class="tip" d="M{end} {y}l{-9 * way} -5v10z"/>',
    ]


def _note(x: int, y: int, words: str, width: int) -> list[str]:
    half = _extent(words) / 2 + 6
    if 2 * half > width:
        raise Unclear(f"too long for a note: {words}")
    return _text(min(max(x, half), width - half), y - 4, words, "note")
