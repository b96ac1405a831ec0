"""Paths → resource, or 404, or 405 with Allow."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dada.errors import Misuse
from dada.router import Converter, Match, MethodNotAllowed, NotFound, Route, Router


def answer():
    """Answer."""


def other():
    """Answer otherwise."""


class Users:
    def get(self):
        """All of them."""

    def post(self):
        """One more."""


def router(*paths, **converters):
    return Router([Route(path, {"GET": answer}, "anyone", path) for path in paths], converters)


MATCHES = {
    "the root": ("/", "/", {}),
    "static segments": ("/v1/users", "/v1/users", {}),
    "a text": ("/users/<name>", "/users/ada", {"name": "ada"}),
    "a text of another script": ("/users/<name>", "/users/張", {"name": "張"}),
    "a text, percent-encoded": ("/users/<name>", "/users/%E5%BC%B5", {"name": "張"}),
    "an encoded slash is a character": ("/users/<name>", "/users/a%2Fb", {"name": "a/b"}),
    "decoded once": ("/users/<name>", "/users/a%252Fb", {"name": "a%2Fb"}),
    "a plus is a plus": ("/users/<name>", "/users/a+b", {"name": "a+b"}),
    "an encoded letter is the letter": ("/users/<name>", "/%75sers/x", {"name": "x"}),
    "other signs": ("/users/<name>", "/users/a;b=c,d:e@f!$&'()*~", {"name": "a;b=c,d:e@f!$&'()*~"}),
    "three dots": ("/users/<name>", "/users/...", {"name": "..."}),
    "a number": ("/a/<int:id>", "/a/7", {"id": 7}),
    "zero": ("/a/<int:id>", "/a/0", {"id": 0}),
    "the largest number": ("/a/<int:id>", "/a/" + "9" * 18, {"id": 10**18 - 1}),
    "a UUID": (
        "/a/<uuid:id>", "/a/00000000-0000-4000-8000-00000000ABCD",
        {"id": uuid.UUID("00000000-0000-4000-8000-00000000abcd")},
    ),
    "two parameters": ("/users/<name>/addresses/<int:id>", "/users/ada/addresses/7", {"name": "ada", "id": 7}),
    "a static segment that needs encoding": ("/達達", "/%E9%81%94%E9%81%94", {}),
}  # fmt: skip


@pytest.mark.parametrize(("route", "path", "params"), MATCHES.values(), ids=MATCHES)
def test_a_path_is_matched(route, path, params):
    match = router(route).match("GET", path)
    assert isinstance(match, Match)
    assert (match.params, match.handler, match.who, match.route.path) == (params, answer, "anyone", route)


MISSES = {
    "another path": ("/v1/users", "/v1/tokens"),
    "a prefix": ("/v1/users", "/v1"),
    "more segments": ("/v1/users", "/v1/users/ada"),
    "a slash at the end": ("/v1/users", "/v1/users/"),
    "two slashes": ("/v1/users", "/v1//users"),
    "two slashes at the front": ("/v1/users", "//v1/users"),
    "no slash at the front": ("/v1/users", "v1/users"),
    "nothing": ("/", ""),
    "the star of OPTIONS": ("/", "*"),
    "another case": ("/v1/users", "/V1/users"),
    "an empty parameter": ("/users/<name>", "/users/"),
    "a dot": ("/users/<name>", "/users/."),
    "two dots": ("/users/<name>", "/users/.."),
    "two dots, encoded": ("/users/<name>", "/users/%2e%2E"),
    "a dot among static segments": ("/v1/users", "/v1/./users"),
    "a bad escape": ("/users/<name>", "/users/%zz"),
    "half of an escape": ("/users/<name>", "/users/a%4"),
    "bytes that are no UTF-8": ("/users/<name>", "/users/%ff"),
    "an overlong slash": ("/users/<name>", "/users/%c0%af"),
    "half of a surrogate pair": ("/users/<name>", "/users/\ud800"),
    "an encoded surrogate": ("/users/<name>", "/users/%ED%A0%80"),
    "a NUL": ("/users/<name>", "/users/%00"),
    "a newline": ("/users/<name>", "/users/a%0A"),
    "a control character of more than one byte": ("/users/<name>", "/users/a%C2%85"),
    "a raw newline": ("/users/<name>", "/users/a\n"),
    "letters for a number": ("/a/<int:id>", "/a/x"),
    "a sign": ("/a/<int:id>", "/a/-1"),
    "a plus sign": ("/a/<int:id>", "/a/+1"),
    "a leading zero: a second spelling": ("/a/<int:id>", "/a/07"),
    "digits of another script": ("/a/<int:id>", "/a/١"),
    "a superscript digit": ("/a/<int:id>", "/a/²"),
    "an underscore": ("/a/<int:id>", "/a/1_0"),
    "a blank": ("/a/<int:id>", "/a/1%20"),
    "more than 64 bits": ("/a/<int:id>", "/a/" + "9" * 19),
    "ten thousand digits": ("/a/<int:id>", "/a/" + "9" * 10_000),
    "a UUID without hyphens": ("/a/<uuid:id>", "/a/" + "0" * 32),
    "a UUID in braces": ("/a/<uuid:id>", "/a/%7B00000000-0000-4000-8000-000000000000%7D"),
}


@pytest.mark.parametrize(("route", "path"), MISSES.values(), ids=MISSES)
def test_a_path_matches_nothing(route, path):
    assert isinstance(router(route).match("GET", path), NotFound)


class TestMethods:
    table = Router([Route("/users", Users, {"GET": "anyone", "POST": "owner"}), Route("/f", answer, "anyone", "f")])

    def test_each_method_has_its_handler_and_who_may_call_it(self):
        get, post = self.table.match("GET", "/users"), self.table.match("POST", "/users")
        assert (get.handler, get.who, post.handler, post.who) == (Users.get, "anyone", Users.post, "owner")

    def test_head_is_get(self):
        assert self.table.match("HEAD", "/users").handler is Users.get

    def test_a_class_may_answer_head_by_itself(self):
        class Large(Users):
            def head(self): ...

        table = Router([Route("/large", Large, "anyone")])
        assert (table.match("HEAD", "/large").handler, table.match("GET", "/large").handler) == (Large.head, Users.get)

    def test_options_is_known_everywhere_and_has_no_handler_of_its_own(self):
        match = self.table.match("OPTIONS", "/users")
        assert (match.handler, match.who, match.allow) == (None, "anyone", ("GET", "HEAD", "OPTIONS", "POST"))

    def test_a_function_answers_get(self):
        assert self.table.match("GET", "/f").handler is answer
        assert self.table.match("POST", "/f") == MethodNotAllowed(("GET", "HEAD", "OPTIONS"))

    @pytest.mark.parametrize("method", ["PUT", "get", "TRACE", "PATCH", "", "GE T"])
    def test_another_method_is_not_allowed_and_hears_which_are(self, method):
        assert self.table.match(method, "/users") == MethodNotAllowed(("GET", "HEAD", "OPTIONS", "POST"))

    def test_a_resource_may_answer_head_and_options_itself(self):
        table = Router([Route("/", {"GET": answer, "HEAD": other, "OPTIONS": other, "PURGE": other}, "anyone", "x")])
        assert table.match("HEAD", "/").handler is table.match("OPTIONS", "/").handler is other
        assert table.match("PURGE", "/").handler is other


class TestPrecedence:
    table = router(
        "/users/<name>", "/users/weibo", "/users/<name>/addresses", "/users/weibo/users", "/x/<int:a>", "/x/<b>",
        "/x/<uuid:c>/y", "/x/<b>/z",
    )  # fmt: skip

    @pytest.mark.parametrize(
        ("path", "route"),
        [
            ("/users/weibo", "/users/weibo"),
            ("/users/ada", "/users/<name>"),
            ("/users/weibo/users", "/users/weibo/users"),
            ("/users/weibo/addresses", "/users/<name>/addresses"),
            ("/x/7", "/x/<int:a>"),
            ("/x/seven", "/x/<b>"),
            ("/x/7/z", "/x/<b>/z"),
            ("/x/00000000-0000-4000-8000-000000000000/y", "/x/<uuid:c>/y"),
            ("/x/00000000-0000-4000-8000-000000000000/z", "/x/<b>/z"),
        ],
    )
    def test_static_segments_win_and_narrow_parameters_before_wide_ones(self, path, route):
        assert self.table.match("GET", path).route.path == route

    def test_a_way_that_was_given_up_leaves_no_parameter(self):
        assert self.table.match("GET", "/x/7/z").params == {"b": "7"}


def test_paths_of_one_beginning_may_name_it_differently():
    table = router("/a/<x>/b", "/a/<y>/c", "/a/<y>/<int:z>")
    assert table.match("GET", "/a/1/b").params == {"x": "1"}
    assert table.match("GET", "/a/1/c").params == {"y": "1"}
    assert table.match("GET", "/a/1/2").params == {"y": "1", "z": 2}
    assert isinstance(table.match("GET", "/a/1/d"), NotFound)


def test_parameters_of_a_match_without_any_cannot_be_filled_by_mistake():
    params = router("/a").match("GET", "/a").params
    with pytest.raises(TypeError):
        params["id"] = 7


@given(
    st.lists(st.lists(st.sampled_from(["a", "b", "<x>", "<y>", "<int:n>"]), min_size=1, max_size=4), max_size=8),
    st.lists(st.sampled_from(["a", "b", "7", "%61", ".", ""]), min_size=1, max_size=4),
)
def test_whatever_the_table_the_narrowest_route_wins_as_if_all_were_compared(table, segments):
    """Segment by segment from the left: a static one before a number before a text."""
    shapes = {}
    for route in table:
        if len(set(route)) == len(route) or not any(s.startswith("<") and route.count(s) > 1 for s in route):
            shapes.setdefault(tuple("<str>" if s in ("<x>", "<y>") else s for s in route), "/" + "/".join(route))
    texts = ["a" if segment == "%61" else segment for segment in segments]

    def width(kind, text):
        if not kind.startswith("<"):
            return 0 if kind == text else None
        if text in (".", ""):
            return None
        return 2 if kind == "<str>" else 1 if text == "7" else None

    fitting = {}
    for shape, route in shapes.items():
        widths = [width(*pair) for pair in zip(shape, texts, strict=False)]
        if len(shape) == len(texts) and None not in widths:
            fitting[tuple(widths)] = route
    match = router(*shapes.values()).match("GET", "/" + "/".join(segments))
    expected = fitting[min(fitting)] if fitting else None
    assert (match.route.path if isinstance(match, Match) else None) == expected


NAMED = {
    "a static segment after the second name": ("/z/7", "/<b>/7", {"b": "z"}),
    "a number after the first": ("/z/8", "/<a>/<int:b>", {"a": "z", "b": 8}),
    "a name that the first way has already": ("/z/x", "/<b>/<a>", {"b": "z", "a": "x"}),
    "a way given up": ("/s/9/end", "/<c>/<int:d>/end", {"c": "s", "d": 9}),
}


@pytest.mark.parametrize(("path", "route", "params"), NAMED.values(), ids=NAMED)
def test_what_a_parameter_is_called_decides_nothing(path, route, params):
    table = router("/<a>/<int:b>", "/<b>/7", "/<b>/<a>", "/s/<x>", "/<c>/<int:d>/end")
    match = table.match("GET", path)
    assert (match.route.path, match.params) == (route, params)


def test_a_converter_of_one_s_own():
    def read(text):
        if text not in ("red", "blue"):
            raise ValueError(text)
        return text.upper()

    table = router("/paint/<colour:c>", colour=Converter(read, str.lower))
    assert table.match("GET", "/paint/red").params == {"c": "RED"}
    assert isinstance(table.match("GET", "/paint/green"), NotFound)
    assert table.url("/paint/<colour:c>", c="BLUE") == "/paint/blue"


# --- URLs ------------------------------------------------------------------------------------------------

NAMED = Router([
    Route("/users/<name>/addresses/<int:id>", {"GET": answer}, "anyone", "address"),
    Route("/a/<uuid:id>", {"GET": answer}, "anyone", "uuid"),
    Route("/", {"GET": answer}, "anyone", "root"),
    Route("/tokens", Users, "anyone"),
    Route("/odd/<odd:x>", answer, "anyone", "odd"),
], {"odd": Converter(float, lambda value: value)})  # fmt: skip


@pytest.mark.parametrize(
    ("name", "params", "url"),
    [
        ("address", {"name": "ada", "id": 7}, "/users/ada/addresses/7"),
        ("address", {"name": "a/b ?#%張", "id": 0}, "/users/a%2Fb%20%3F%23%25%E5%BC%B5/addresses/0"),
        ("uuid", {"id": uuid.UUID(int=1)}, "/a/00000000-0000-0000-0000-000000000001"),
        ("root", {}, "/"),
        ("Users", {}, "/tokens"),
    ],
)
def test_a_url_is_built(name, params, url):
    assert NAMED.url(name, **params) == url


@pytest.mark.parametrize(
    ("name", "params", "told"),
    [
        ("adress", {}, "did you mean address"),
        ("xyz", {}, "one of Users, address, odd, root, uuid"),
        ("address", {"name": "ada"}, "give id"),
        ("address", {"name": "ada", "i": 7}, "did you mean id"),
        ("address", {"name": "ada", "id": "7"}, "no int"),
        ("address", {"name": "ada", "id": -1}, "no int"),
        ("address", {"name": "ada", "id": True}, "no int"),
        ("address", {"name": "", "id": 7}, "no str"),
        ("address", {"name": "..", "id": 7}, "no str"),
        ("address", {"name": "a\n", "id": 7}, "no str"),
        ("address", {"name": "\ud800", "id": 7}, "no str"),
        ("address", {"name": 7, "id": 7}, "no str"),
        ("uuid", {"id": "x"}, "no uuid"),
        ("odd", {"x": 1.5}, "no odd"),
        ("address", {"name": "\x85", "id": 7}, "no str"),
        (7, {}, "one of Users"),
        ([], {}, "one of Users"),
    ],
)
def test_a_url_that_cannot_be_built_says_what_may_have_been_meant(name, params, told):
    with pytest.raises(Misuse, match=told):
        NAMED.url(name, **params)


@given(st.text(), st.integers())
def test_a_url_that_is_built_matches_and_gives_its_values_back(name, number):
    try:
        url = NAMED.url("address", name=name, id=number)
    except Misuse:
        return
    assert url.isascii()
    assert NAMED.match("GET", url).params == {"name": name, "id": number}


@given(st.text(), st.one_of(st.text(), st.lists(st.text("users/adres%2F.7<>", max_size=9)).map("/".join)))
def test_any_method_and_path_have_an_answer(method, path):
    assert isinstance(NAMED.match(method, path), Match | NotFound | MethodNotAllowed)


# --- the table -------------------------------------------------------------------------------------------

BROKEN = {
    "no slash at the front": (Route("users", Users, "x"), "route-path"),
    "no text": (Route(7, Users, "x"), "route-path"),
    "a slash at the end": (Route("/users/", Users, "x"), "route-segment"),
    "two slashes": (Route("/a//b", Users, "x"), "route-segment"),
    "a dot": (Route("/a/../b", Users, "x"), "route-segment"),
    "half a parameter": (Route("/a/<b", Users, "x"), "route-segment"),
    "a parameter inside a segment": (Route("/a/x<b>", Users, "x"), "route-segment"),
    "a query": (Route("/a?b", Users, "x"), "route-segment"),
    "an escape": (Route("/a%20b", Users, "x"), "route-segment"),
    "half of a surrogate pair": (Route("/a\ud800", Users, "x"), "route-segment"),
    "a control character of more than one byte": (Route("/a\x85", Users, "x"), "route-segment"),
    "an unknown kind": (Route("/a/<itn:b>", Users, "x"), "route-converter"),
    "one name for two parameters": (Route("/<a>/<a>", Users, "x"), "route-param-twice"),
    "a resource that answers nothing": (Route("/a", object(), "x", "x"), "route-resource"),
    "a mapping of no functions": (Route("/a", {"GET": 1}, "x", "x"), "route-resource"),
    "a mapping of no method": (Route("/a", {"GE T": answer}, "x", "x"), "route-resource"),
    "nobody may call": (Route("/a", Users, ""), "route-who"),
    "None may call": (Route("/a", Users, None), "route-who"),
    "a verb of which it is not said": (Route("/a", Users, {"GET": "x"}), "route-who"),
    "a verb that is not answered": (Route("/a", Users, {"GET": "x", "POST": "x", "PUT": "x"}), "route-who"),
    "a word that is none": (Route("/a", Users, {"GET": "x", "POST": None}), "route-who"),
}


@pytest.mark.parametrize(("route", "code"), BROKEN.values(), ids=BROKEN)
def test_a_route_that_cannot_be_right_is_found_when_the_table_is_made(route, code):
    with pytest.raises(Misuse) as caught:
        Router([route])
    assert [problem.code for problem in caught.value.problems] == [code]


def test_a_verb_on_one_side_alone_hears_what_the_other_side_does_not_say():
    with pytest.raises(Misuse) as caught:
        Router([Route("/a", Users, {"GET": "x", "PUT": "x"})])
    assert [(problem.value, problem.why) for problem in caught.value.problems] == [
        ("POST", "it is not stated who may call it"), ("PUT", "the resource does not answer it"),
    ]  # fmt: skip


def test_an_unknown_kind_hears_what_may_have_been_meant():
    with pytest.raises(Misuse, match="did you mean int"):
        router("/a/<itn:b>")


def test_two_routes_for_the_same_paths_are_a_conflict():
    with pytest.raises(Misuse, match="matches the same paths"):
        router("/a/<b>/c", "/a/<x>/c")


def test_two_kinds_that_are_read_alike_are_a_conflict():
    with pytest.raises(Misuse, match="matches the same paths"):
        Router(
            [Route("/a/<b>", answer, "x", "1"), Route("/a/<slug:c>", answer, "x", "2")], {"slug": Converter(str, str)}
        )


def test_two_routes_of_one_name_are_a_conflict():
    with pytest.raises(Misuse, match="has this name already"):
        Router([Route("/a", Users, "x"), Route("/b", Users, "x")])


def test_all_problems_of_a_table_are_told_at_once():
    with pytest.raises(Misuse) as caught:
        Router([Route("a", Users, ""), Route("/b/<x:y>/<x:y>", object(), None, "n")])
    assert {problem.code for problem in caught.value.problems} == {
        "route-path", "route-who", "route-converter", "route-param-twice", "route-resource",
    }  # fmt: skip
