"""Problems as data: what went wrong, for machines and for people, in two languages (RFC 9457).

Every error that leaves the server is one of the types in a table like TYPES: a stable code, a status, and a title
that never changes.  What is particular to one occurrence goes into its detail, its errors and its headers.

This file knows statuses and words; it does not know requests.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from dada.errors import Rejected
from dada.phrases import Phrases

__all__ = ["DETAILS", "TYPES", "FieldError", "HTTPProblem", "Invalid", "Language", "ProblemType", "document"]

Language = str  # "en" or "zh-CN"


class ProblemType(NamedTuple):
    """One kind of problem: its code, the status it comes with, its title in English and Chinese.

    uri  where the kind is registered elsewhere; else it is /problems/<code>
    """

    code: str
    status: int
    en: str
    zh: str
    uri: str = ""


def types(*rows: ProblemType) -> dict[str, ProblemType]:
    """Return a table of problem types by code."""
    return {row.code: row for row in rows}


TYPES: Final = types(
    ProblemType("bad-request", 400, "The request makes no sense", "请求不合语法"),
    ProblemType("malformed-json", 400, "The body is no JSON text", "请求体不是合法的 JSON"),
    ProblemType("invalid-request", 400, "The credentials are not in order", "凭证的写法不对"),
    ProblemType("unauthorized", 401, "Log in first", "请先登录"),
    ProblemType("invalid-token", 401, "The access token is not valid", "访问令牌无效"),
    ProblemType("origin-not-allowed", 403, "Pages of this origin may not change anything here", "不允许该来源修改内容"),
    ProblemType("forbidden", 403, "This is not yours to do", "您无权这样做"),
    ProblemType("not-found", 404, "There is no such thing here", "这里没有您要找的东西"),
    ProblemType("method-not-allowed", 405, "This resource does not answer this method", "该资源不支持此方法"),
    ProblemType("conflict", 409, "The request does not fit the present state", "请求与当前状态冲突"),
    ProblemType("length-required", 411, "The body is missing, or comes without a length", "缺少请求体，或没有给出长度"),
    ProblemType("precondition-failed", 412, "It was changed in the meantime", "内容已被修改"),
    ProblemType("content-too-large", 413, "The body is too large", "请求体过大"),
    ProblemType("uri-too-long", 414, "The URL is too long", "网址过长"),
    ProblemType("unsupported-media-type", 415, "The body is of a type that is not read here", "不支持的请求体类型"),
    ProblemType("expectation-failed", 417, "Nothing but 100-continue may be expected here", "只支持 100-continue"),
    ProblemType("misdirected-request", 421, "This server has another name", "请求发错了服务器"),
    ProblemType("validation", 422, "Some fields are not valid", "有些字段不合要求"),
    ProblemType("precondition-required", 428, "Say which version you mean", "请说明您要修改的版本"),
    ProblemType(
        "quota-exceeded", 429, "Too many requests", "请求过于频繁",
        "https://iana.org/assignments/http-problem-types#quota-exceeded",
    ),
    ProblemType("headers-too-large", 431, "The headers are too many or too large", "请求头过多或过大"),
    ProblemType("internal", 500, "Something went wrong on our side", "服务器出了问题"),
    ProblemType("not-implemented", 501, "This server cannot do what the request asks for", "服务器不支持所请求的功能"),
    ProblemType("bad-gateway", 502, "Another service answered nonsense", "上游服务的回答无法理解"),
    ProblemType("unavailable", 503, "A part of this service is down for the moment", "服务暂时不可用"),
    ProblemType("gateway-timeout", 504, "Another service did not answer in time", "上游服务没有按时回答"),
)  # fmt: skip


class FieldError(NamedTuple):
    """What is wrong with one member of a body: where (RFC 6901, "#/email"), a stable code, and its numbers."""

    pointer: str
    code: str
    params: Mapping[str, Any] = {}


class Invalid(Rejected):
    """A body that is well formed and not valid: every field's error at once."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__("validation", "RFC 9110 §15.5.21", f"{len(errors)} fields")
        self.errors = tuple(errors)


class HTTPProblem(Rejected):
    """A problem of the type *reason*, with headers and members of its own."""

    def __init__(
        self,
        code: str,
        detail: str = "",
        *,
        headers: Sequence[tuple[str, str]] = (),
        members: Mapping[str, Any] | None = None,
        clause: str = "RFC 9457 §3",
    ) -> None:
        super().__init__(code, clause, detail)
        self.headers, self.members = tuple(headers), dict(members or {})


# What is told of a field, by code; {…} are its params.
_FIELDS: Final[Mapping[str, tuple[str, str]]] = {
    "missing": ("is missing", "缺少此项"),
    "unknown": ("is not known here", "不认识此项"),
    "type": ("must be {expected}", "类型应为{expected}"),
    "too_short": ("must have at least {min} characters", "至少 {min} 个字符"),
    "too_long": ("must have at most {max} characters", "最多 {max} 个字符"),
    "too_small": ("must be at least {min}", "不得小于 {min}"),
    "too_large": ("must be at most {max}", "不得大于 {max}"),
    "invalid": ("is not valid", "不合要求"),
}


# What this package itself says in details; what a part of a sentence says is looked up as well.
DETAILS: Final[Mapping[str, str]] = {
    "{}, at {} ({})": "{}，位于第 {} 个字符（{}）",
    "the query is no UTF-8, or too long": "查询串不是 UTF-8，或者过长",
    "a parameter of the query stands there twice": "查询串中有重复的参数",
    "Content-Length is no number": "Content-Length 不是数字",
    "at most {} bytes are read": "最多读取 {} 字节",
    "Host names no host": "Host 不是主机名",
    "the body could not be read": "无法读取请求体",
    "the body ended before its length": "请求体短于所给长度",
    'If-Match is missing; its value is the ETag of what you saw, or "*"': '缺少 If-Match：您看到的 ETag，或 "*"',
    "If-Match does not name the present version, {}": "If-Match 与当前版本 {} 不符",
    "If-None-Match names the present version, {}": "If-None-Match 正是当前版本 {}",
    "a body is application/json, in UTF-8": "请求体应为 UTF-8 的 application/json",
    "a body is not compressed": "请求体不能压缩",
    "the method is not known here": "不认识此方法",
    "nested too deeply": "嵌套过深",
    "too many members": "成员过多",
    "a NUL character": "含有空字符（NUL）",
    "an integer beyond 2^53": "整数超出 2^53",
    "not UTF-8": "不是 UTF-8",
    "not JSON": "不是 JSON",
    "text after the value": "值之后还有文字",
    "half of a surrogate pair": "只有代理对的一半",
    "a name stands twice": "有重复的名称",
    "{} is not JSON": "{} 不是 JSON",
    "a number beyond every number": "数值过大",
    "too many digits": "数字过长",
    "no string of structured fields": "不是结构化字段的字符串",
    "a key has 1 to {} characters": "键的长度为 1 至 {} 个字符",
}
NO_PHRASES: Final = Phrases({})


# The types of JSON (RFC 8259 §3), as people call them.
_KINDS: Final = {
    "str": ("a text", "文字"), "int": ("a whole number", "整数"), "float": ("a number", "数字"),
    "bool": ("true or false", "true 或 false"), "array": ("a list", "列表"), "object": ("an object", "对象"),
    "null": ("null", "null"),
}  # fmt: skip


def document(
    kind: ProblemType,
    language: Language,
    instance: str,
    *,
    detail: str = "",
    errors: Sequence[FieldError] = (),
    words: Mapping[str, tuple[str, str]] | None = None,
    phrases: Phrases = NO_PHRASES,
    members: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the members of a problem document (RFC 9457 §3.1).

    instance  the request's id, a UUID
    detail    what happened this time, in English; where there is nothing to add, the title says it all
    words     further words for codes of fields: (English, Chinese), with {…} for params
    phrases   details in Chinese
    """
    chinese = language.startswith("zh")
    told: dict[str, Any] = {
        "type": kind.uri or f"/problems/{kind.code}",
        "title": kind.zh if chinese else kind.en,
        "status": kind.status,
        "code": kind.code,
        "instance": f"urn:uuid:{instance}",
        "request_id": instance,
    }
    if errors:
        detail = f"{len(errors)} 个字段有误" if chinese else f"{len(errors)} field{'s' * (len(errors) > 1)} not valid"
        told["errors"] = [_field(error, {**_FIELDS, **(words or {})}, chinese=chinese) for error in errors]
    elif detail and chinese:
        detail = phrases.told(detail)
    told["detail"] = detail or told["title"]  # always there: who reads it need not ask whether it is
    if members:
        told |= members
    return told


def _field(error: FieldError, words: Mapping[str, tuple[str, str]], *, chinese: bool) -> dict[str, Any]:
    text = words.get(error.code, _FIELDS["invalid"])[chinese]
    params = {**error.params}
    if isinstance(kind := params.get("expected"), str):
        params["expected"] = _KINDS.get(kind.partition(" | ")[0], (kind, kind))[chinese]
    told = {"pointer": error.pointer, "code": error.code, "detail": text.format_map(_Params(params))}
    return told | ({"params": dict(error.params)} if error.params else {})


class _Params(dict[str, Any]):
    def __missing__(self, name: str) -> str:
        return name
