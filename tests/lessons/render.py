"""Lessons as fragments of HTML for the page: Markdown without HTML of its own, listings coloured, clauses explained.

What names a clause becomes a button; it opens the rule in the words of specs/.
"""

import re
from html import escape
from pathlib import Path

from markdown_it import MarkdownIt
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name

from specs import Rule, citations_in, read_specs
from tests.lessons import pictures
from tests.lessons.cut import MARK as LISTING
from tests.lessons.transcripts import EXACT

ROOT = Path(__file__).parents[2]
LANGUAGES = ("en", "zh")
NAMES = ("tokens", "cors", "rest", "registration", "queue", "oauth")
_LEXERS = {"python": "python", "pycon": "pycon", "console": "console", "js": "js", "lua": "lua"}
_PICTURE = re.compile(r"(<!-- sequence [\w.-]+\n.*?-->\n)!\[([^\]]*)\]\([^)]*\)\n", re.DOTALL)
_NUMBER = r"§[0-9]+(?:\.[0-9]+)*"
_CITED = re.compile(rf"(?:RFC [0-9]{{4}}|Fetch(?= §)) {_NUMBER}(?: steps? [0-9.]*[0-9](?:-[0-9]+)?)?(?:, {_NUMBER})*")


def path_of(language: str, name: str) -> Path:
    """Return where a lesson is written."""
    return ROOT / "docs" / "lessons" / language / f"{name}.md"


def fragment(text: str, language: str) -> str:
    """Return a lesson's HTML, without its title."""
    found: list[str] = []

    def picture(mark: re.Match[str]) -> str:
        inner = pictures.MARK.match(mark[1])
        assert inner is not None
        found.append(f'<figure tabindex="0">{pictures.drawn(inner[2], alone=False, title=mark[2])}</figure>')
        return f"\nPICTURE-{len(found) - 1}\n"

    text = _PICTURE.sub(picture, text)
    text = text.replace(EXACT, "")
    text = LISTING.sub(lambda mark: mark[0].partition("\n")[2], text)
    _, _, body = text.partition("\n")
    html = _markdown().render(body)
    html = re.sub(r"<p>PICTURE-(\d+)</p>", lambda place: found[int(place[1])], html)
    return _answers(_clauses(html, language), language)


def title_and_lead(text: str) -> tuple[str, str]:
    """Return a lesson's title, and its first paragraph."""
    head, _, body = text.partition("\n")
    return head.removeprefix("# "), body.strip().partition("\n\n")[0].replace("\n", " ")


def _markdown() -> MarkdownIt:
    renderer = MarkdownIt("commonmark", {"html": False, "highlight": _coloured}).enable("table")
    renderer.add_render_rule("link_open", _link)  # type: ignore[arg-type]
    return renderer


def _link(renderer, tokens, index, options, env):  # type: ignore[no-untyped-def]
    token = tokens[index]
    to = str(token.attrs["href"])
    if other := re.fullmatch(r"(\w+)\.md", to):
        token.attrs["href"] = f"/#/lessons/{other[1]}"
    elif to.startswith("http"):
        token.attrs |= {"target": "_blank", "rel": "noopener noreferrer"}
    return renderer.renderToken(tokens, index, options, env)


def _coloured(code: str, language: str, _: str) -> str:
    lexer = get_lexer_by_name(_LEXERS[language]) if language in _LEXERS else None
    inner = highlight(code, lexer, HtmlFormatter(nowrap=True)) if lexer else escape(code)
    return f'<pre class="code {language}" tabindex="0"><code>{inner}</code></pre>'


def _clauses(html: str, language: str) -> str:
    """Make a button of every clause outside of listings, and put the rules that it opens behind the text."""
    rules: dict[str, tuple[Rule, ...]] = {}

    def button(cited: re.Match[str]) -> str:
        text = cited[0]
        meant = tuple(rule for one in citations_in(text) for rule in read_specs().meant(one))
        assert meant, f"specs/ knows no {text}"
        rules[text] = meant
        return f'<button type="button" class="clause" popovertarget="{_id(text)}">{text}</button>'

    pieces = re.split(r"(<pre.*?</pre>|<svg.*?</svg>|<[^>]+>)", html, flags=re.DOTALL)
    html = "".join(piece if piece.startswith("<") else _CITED.sub(button, piece) for piece in pieces)
    return html + "".join(_popover(text, meant, language) for text, meant in rules.items())


def _id(cited: str) -> str:
    return "rule-" + re.sub(r"[^A-Za-z0-9]+", "-", cited)


def _popover(cited: str, rules: tuple[Rule, ...], language: str) -> str:
    told = "".join(
        f"<p><strong>{escape(rule.id)}</strong> <span>{rule.level}</span><br>{escape(getattr(rule, language))} "
        f'<a href="{escape(rule.url)}" target="_blank" rel="noopener noreferrer">↗</a></p>'
        for rule in rules[:6]
    )
    return f'<div popover class="rule" id="{_id(cited)}">{told}</div>\n'


def _answers(html: str, language: str) -> str:
    """Fold the last chapter, the answers, so that nobody reads them by accident."""
    at = html.rindex("<h2>")
    heading, _, rest = html[at:].partition("</h2>")
    word = heading.removeprefix("<h2>")
    assert word == {"en": "Answers", "zh": "答案"}[language], word
    answers, mark, rules = rest.partition("<div popover")
    return f"{html[:at]}<details><summary>{word}</summary>{answers}</details>\n{mark}{rules}"
