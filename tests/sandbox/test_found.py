"""What a check found, a policy's fault, a lab's refusal: each sentence of the code stands in the page's Chinese table.

The page translates a sentence as `dada/phrases.py` does (web/js/found.js), so that a recording tells itself in either
language.  Here the code is read for its sentences, and the same checks are asked for what they really say.
"""

import ast
import re
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dada import jws, jwt, oauth, problems
from dada.cors_policy import Policy, PolicyError
from dada.fetch import CHROMIUM, FetchCall, simulate
from dada.phrases import Phrases
from sandbox.lab_token import TokenLab

ROOT = Path(__file__).parents[2]
LINE = re.compile(r"""^  ("[^"]*"|'[^']*'): ("[^"]*"|'[^']*'),$""", re.MULTILINE)
TABLE = {
    english[1:-1]: chinese[1:-1]
    for english, chinese in LINE.findall((ROOT / "web/js/texts/found_zh.js").read_text("utf-8"))
}
PHRASES = Phrases(TABLE)

# Which argument of which call is a sentence for people, file by file.
TOLD = {
    "dada/base64url.py": {"NotBase64url": (0,)},
    "dada/jsontext.py": {"NotJSON": (0,), "_Refused": (0,)},
    "dada/idempotency.py": {"BadKey": (0,)},
    "dada/jws.py": {"Check": (4,), "NotJSON": (0,)},
    "dada/jwt.py": {"Check": (4,)},
    "dada/oauth.py": {"Step": (3,)},
    "dada/cors.py": {"Step": (3,)},
    "dada/cors_policy.py": {"Step": (3,), "_step": (2,)},
    "dada/cors_rules.py": {"Problem": (3, 4), "Finding": (3, 4)},
    "dada/origins.py": {"Problem": (3, 4)},
    "dada/fetch.py": {"step": (2,)},
    "dada/fetch_checks.py": {"step": (2,), "_checked": (1,)},
    "sandbox/trace_gates.py": {"Step": (3,)},
    "sandbox/lab_worker.py": {"bury": (2,), "again": (3,)},
    **{f"sandbox/lab{name}.py": {"BadQuestion": (0,)} for name in ("s", "_token", "_cors", "_queue", "_oauth")},
}
# Functions that answer with a sentence, or with several.
TESTS = {check.test.__name__ for check in (*jws.ENVELOPE, *jwt.Verifier.header_checks, *jwt.Verifier.payload_checks)}
ANSWERS = {
    "dada/jws.py": TESTS | {"shown"}, "dada/jwt.py": TESTS | {"_span", "_when"},
    "dada/oauth.py": {test.__name__ for *_, test in oauth.RETURN}, "dada/bodies.py": {"_excess", "_nul"},
    "dada/cors_rules.py": {"_method_problem", "_request_header_problem", "_response_header_problem"},
    "dada/origins.py": set(), "sandbox/trace_gates.py": {"_wrong"},
}  # fmt: skip
# What is not told to people where the table is used: what we would write ourselves, and codes.
WRITING = {"no value of JSON", "a name that is no text", "a {} is no value of JSON"}


def templates(node):
    """Yield a sentence as the table writes it, {} for what differs, once for each way it may go."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=parts):
            for pieces in product(*(list(templates(part)) for part in parts)):
                yield "".join(pieces)
        case ast.FormattedValue(value=ast.IfExp() | ast.BinOp() as inner):
            found = list(templates(inner))
            yield from found or ["{}"]
        case ast.IfExp(body=one, orelse=other):
            for branch in (one, other):
                yield from list(templates(branch)) or ["{}"]
        case ast.BoolOp(values=parts):
            for part in parts:
                yield from templates(part)
        case ast.BinOp(left=ast.Constant(value=str(text)), op=ast.Mult()):
            yield from ("", text)
        case ast.Lambda(body=body):
            yield from templates(body)
        case ast.Tuple(elts=parts):
            for part in parts:
                yield from templates(part)
        case ast.FormattedValue():
            yield "{}"


def assigned(tree, name):
    """Yield what is assigned to *name* anywhere, alone or as part of a tuple."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name) and target.id == name:
                    yield node.value
                elif isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                    for one, value in zip(target.elts, node.value.elts, strict=True):
                        if isinstance(one, ast.Name) and one.id == name:
                            yield value
        elif isinstance(node, ast.comprehension) and getattr(node.target, "id", "") == name:
            yield node.iter


def written():
    """Yield (file, sentence) for every sentence that the code may tell."""
    for file in sorted(TOLD.keys() | ANSWERS.keys()):
        tree = ast.parse((ROOT / file).read_text("utf-8"))
        calls = TOLD.get(file, {})
        said = ("why", "fix") if "Problem" in calls else ("found", "seen")
        nodes = [value for name in said for value in assigned(tree, name)]
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                called = getattr(node.func, "id", getattr(node.func, "attr", ""))
                nodes += [node.args[at] for at in calls.get(called, ()) if at < len(node.args)]
            elif isinstance(node, ast.FunctionDef) and node.name == "read_return":  # the OAuth lab tells its refusals
                nodes += [call.args[2] for call in ast.walk(node) if isinstance(call, ast.Call) and len(call.args) == 3]
            elif isinstance(node, ast.FunctionDef) and node.name in ANSWERS.get(file, ()):
                nodes += [inner.value for inner in ast.walk(node) if isinstance(inner, ast.Return) and inner.value]
        if file == "dada/origins.py":  # its faults are (code, why, fix), in tables too
            nodes += [node for node in ast.walk(tree) if isinstance(node, ast.Tuple) and len(node.elts) in (2, 3)]
        for node in nodes:
            for sentence in templates(node):
                yield file, sentence
    for told in re.findall(r"bury\(body, '([^)]+)\)", (ROOT / "dada/queue_scripts.py").read_text("utf-8")):
        yield "dada/queue_scripts.py", re.sub(r"' \.\. \w+ \.\. '", "{}", told).strip("'")
    for words, _ in problems._FIELDS.values():
        yield "dada/problems.py", "{} " + re.sub(r"{\w+}", "{}", words)


SHORT = {
    "absent", "ages", "aud {}", "cancelled", "cty {}", "iss {}", "kid {}", "status {}", "{} absent", "{} calls",
    "{} characters", "{} present",
}  # fmt: skip


def is_language(sentence):
    """Whether a sentence is one: a value alone, a code, a number with its unit need no translation."""
    bare = sentence.replace("{}", "").strip()
    return sentence in SHORT or (" " in bare and not re.fullmatch(r"(RFC|Fetch) .*|[^a-z]*", bare))


SENTENCES = sorted({s for _, s in written() if is_language(s)} - WRITING)


def test_there_are_sentences():
    assert len(SENTENCES) > 120


@pytest.mark.parametrize("sentence", SENTENCES)
def test_every_sentence_that_a_check_may_tell_is_in_the_table(sentence):
    assert sentence in TABLE
    assert TABLE[sentence].count("{}") == sentence.count("{}")
    assert re.search("[\u4e00-\u9fff]", TABLE[sentence])


@pytest.mark.parametrize("sentence", [one for one in TABLE if "{}" in one])
def test_no_sentence_is_taken_for_another(sentence):
    filled = PHRASES.find(sentence.replace("{}", "7"))
    assert filled == TABLE[sentence].replace("{}", "7")


def test_the_table_holds_nothing_that_nobody_tells():
    alone = {s for _, s in written()} | {"{}, at {} ({})", "none", "missing"} | set(_kinds())
    assert sorted(set(TABLE) - alone) == []


def _kinds():
    return [english for english, chinese in problems._KINDS.values() if english != chinese]


@pytest.mark.parametrize("kind", _kinds())
def test_the_kinds_of_values_have_words(kind):
    assert kind in TABLE


# --- what is really said ---------------------------------------------------------------------------------


def unsaid(steps):
    return [step.found for step in steps if step.found and PHRASES.find(step.found) is None]


def test_every_experiment_of_the_token_lab_is_told_in_chinese():
    lab = TokenLab()
    for token in lab.experiments().values():
        assert unsaid(lab._verifier.audit(token)) == []


@settings(max_examples=150, deadline=None)
@given(st.text() | st.from_regex(r"[A-Za-z0-9_-]{0,20}\.[A-Za-z0-9_-]{0,20}\.[A-Za-z0-9_-]{0,20}", fullmatch=True))
def test_whatever_a_token_is_what_its_checks_say_is_told_in_chinese(token):
    assert unsaid(TokenLab()._verifier.audit(token)) == []


LISTS = st.lists(st.sampled_from(["*", "PUT", "put", "X-A", "Cookie", "a b", "ETag", "TRACE"]), max_size=3)
ORIGINS = st.lists(
    st.sampled_from([
        "*", "https://a.example", "http://a.example", "https://*.example.org", "https://*.com", "null", "file:///x",
        "https://a.example/", "https://a.example:443", "https://bücher.example", "https://xn--a", "http://1.2.3", "",
        "https://a.example:*", "https://a*.example", "https://A.example", "https://a.example:", "ftp://*.a.example",
    ]),
    max_size=2,
)  # fmt: skip


POLICIES = st.fixed_dictionaries({
    "origins": ORIGINS, "methods": LISTS, "request_headers": LISTS, "response_headers": LISTS,
    "credentials": st.booleans(), "max_age": st.sampled_from([None, 0, 600, 9999, -1]),
})  # fmt: skip
CALLS = st.builds(
    FetchCall, st.sampled_from(["GET", "PUT", "TRACE", "pUt", "a b"]),
    st.sampled_from(["https://api.example/x", "https://a.example/x", "ftp://x"]), st.just("https://a.example"),
    st.sampled_from(["X-A", "Authorization", "Content-Type", "a b"]).map(lambda name: [(name, "x")]),
    st.sampled_from(["omit", "include"]), st.sampled_from([None, "x"]), st.booleans(),
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(POLICIES, CALLS)
def test_whatever_a_policy_and_a_call_are_it_is_told_in_chinese(policy, call):
    try:
        made = Policy(**policy)
    except PolicyError as error:
        told = [text for problem in error.problems for text in (problem.why, problem.fix)]
    else:
        told = [text for finding in made.audit() for text in (finding.why, finding.fix)]
        for quirks in ((), CHROMIUM):
            assert unsaid(simulate(made, call, quirks=quirks).steps) == []
    assert [text for text in told if is_language(text) and PHRASES.find(text) is None] == []
