"""Pages: templates, languages, and the headers under which a browser runs nothing that is not ours.

Templates escape by default; everything a page needs comes from this server.  A form may be sent to this server,
and, where a page says so, on to the one origin that the answer redirects to: browsers apply `form-action` to
redirects as well.

This file knows HTML's envelope; it does not know what any page is about.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from werkzeug import Request, Response

from sandbox.texts import LANGUAGES, text

__all__ = ["avatar", "file", "language", "not_found", "page", "same_origin"]

_FOLDER: Final = Path(__file__).parent / "pages"

_FILES: Final[Mapping[str, str]] = {
    "style.css": "text/css; charset=utf-8",
    "mailbox.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}

HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    # Not no-referrer: under it a browser sends `Origin: null` with our own forms (Fetch, "append a request Origin").
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Vary": "Accept-Language",
}

_TEMPLATES: Final = Environment(
    loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)


def language(request: Request) -> str:
    """Return "en" or "zh-CN": the parameter `language` decides, then Accept-Language; Chinese is Weibo's default."""
    asked = request.values.get("language")
    if asked is None:
        asked = request.accept_languages.best_match(["zh", "en"]) or "zh"
    return "en" if asked.lower().partition("-")[0] == "en" else "zh-CN"


def page(
    request: Request,
    template: str,
    values: Mapping[str, Any] | None = None,
    *,
    status: int = 200,
    target: str = "",
    scripts: bool = False,
) -> Response:
    """Return *template* as a page in the reader's language.

    target   the origin that a form of this page may end at, besides our own
    scripts  whether our own scripts run on it
    """
    chosen = language(request)
    body = _TEMPLATES.get_template(template).render(
        t=lambda key, /, **words: text(chosen, key, **words),
        language=chosen,
        languages=[(code, name, _in_language(request, code)) for code, name in LANGUAGES.items()],
        **(values or {}),
    )
    response = Response(body.encode("utf-8", "replace"), status=status, content_type="text/html; charset=utf-8")
    response.headers.update(HEADERS)
    response.headers["Content-Language"] = chosen
    response.headers["Content-Security-Policy"] = _policy(target, scripts=scripts)
    return response


def not_found(request: Request) -> Response:
    """Return the page for a path that is none."""
    return page(request, "error.html", {"reason": "error.missing", "row": None}, status=404)


def file(name: str) -> Response | None:
    """Return one of the few files that pages refer to."""
    if (content_type := _FILES.get(name)) is None:
        return None
    response = Response((_FOLDER / name).read_bytes(), content_type=content_type)
    response.headers.update({"X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache"})
    return response


def avatar(uid: int, name: str) -> Response:
    """Return a picture for a person: a letter on a colour of their own."""
    body = _TEMPLATES.get_template("avatar.svg").render(letter=name[:1].upper(), hue=uid * 47 % 360)
    response = Response(body.encode("utf-8", "replace"), content_type="image/svg+xml")
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "default-src 'none'"
    return response


def same_origin(request: Request) -> bool:
    """Return whether a form was sent from one of our own pages; browsers always say where (Fetch, `Origin`)."""
    origin = request.headers.get("Origin")
    return origin is None or origin == request.host_url.rstrip("/")


def _policy(target: str, *, scripts: bool) -> str:
    own = ["default-src 'none'", "style-src 'self'", "img-src 'self'", "base-uri 'none'", "frame-ancestors 'none'"]
    if scripts:
        own += ["script-src 'self'", "connect-src 'self'", "frame-src 'self'"]
    return "; ".join([*own, f"form-action 'self' {target}".rstrip()])


def _in_language(request: Request, code: str) -> str:
    """Return the address of this page in another language."""
    pairs = [(name, value) for name, value in request.values.items(multi=True) if name not in ("language", "action")]
    return f"{request.path}?{urlencode([*pairs, ('language', code.partition('-')[0])], errors='replace')}"
