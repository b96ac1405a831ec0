"""The rows of the error tables, against bodies that were recorded from the real service."""

import json

import pytest

from sandbox.weibo_errors import ROWS, Refused

CODE = "1e6f0dcfc9050a084781f6c4d7432d51"

# Each is what somebody received, character by character (sources: accounts of clients in public repositories).
TOKEN, INFO, SHOW = "/oauth2/access_token", "/oauth2/get_token_info", "/2/users/show.json"
EMAIL = "/2/account/profile/email.json"
OAUTH = (
    '{"error":"%s","error_code":%d,"request":"/oauth2/access_token","error_uri":"/oauth2/access_token",'
    '"error_description":"%s"}'
)
MISMATCH = (
    '{"request":"/oauth2/access_token","error_code":21322,"error":"redirect_uri_mismatch",'
    '"error_uri":"/oauth2/access_token"}'
)
REJECTED = (
    '{"request":"/oauth2/get_token_info","error_code":21317,"error":"Oauth Error: token_rejected:: token =195395370"}'
)
API = '{"error":"%s","error_code":%d,"request":"%s"}'
RECORDED = {
    "no client": ("21323-client", TOKEN, "", OAUTH % ("invalid_request", 21323, "miss client id or secret")),
    "a wrong secret": ("21324-secret", TOKEN, "", OAUTH % ("invalid_client", 21324, "client_secret error.")),
    "an unknown client": ("21324-client", TOKEN, "1", OAUTH % ("invalid_client", 21324, "unknow client id:1")),
    "a bad code": ("21325", TOKEN, CODE, OAUTH % ("invalid_grant", 21325, f"invalid authorization code:{CODE}")),
    "another redirect_uri": ("21322", TOKEN, "", MISMATCH),
    "a token that is rejected": ("21317-info", INFO, "195395370", REJECTED),
    "a bad token": ("21332", SHOW, "", API % ("invalid_access_token", 21332, SHOW)),
    "an expired token": ("21327", SHOW, "", API % ("expired_token", 21327, SHOW)),
    "no token": ("10006", SHOW, "", API % ("source paramter(appkey) is missing", 10006, SHOW)),
    "no scope for the address": ("21330-email", EMAIL, "", API % ("access_denied", 21330, EMAIL)),
}


@pytest.mark.parametrize(("name", "path", "value", "text"), RECORDED.values(), ids=RECORDED)
def test_a_row_spells_the_recorded_body(name, path, value, text):
    assert json.dumps(ROWS[name].members(path, value), separators=(",", ":")) == text


# Statuses that were recorded, or that the documentation names.
STATUSES = {
    "21323-client": 400, "21324-secret": 401, "21324-client": 401, "21325": 400, "21322": 400, "21328": 400,
    "21326": 400, "21337": 400, "21331": 503, "21321": 403, "10006": 403, "10008": 400, "10016": 400, "10017": 400,
    "20003": 400, "10022": 403, "10023": 403, "10024": 403, "21335": 403, "10021": 405, "21330-email": 403,
}  # fmt: skip


@pytest.mark.parametrize(("name", "status"), STATUSES.items(), ids=STATUSES)
def test_a_row_has_its_status(name, status):
    assert ROWS[name].status == status


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_every_row_is_whole(row):
    members = row.members("/2/x", "v")
    assert row.name.startswith(str(row.code))
    assert type(members["error_code"]) is int
    assert members["request"] == "/2/x"
    assert "%s" not in json.dumps(members)
    assert 400 <= row.status < 600
    assert ("error_description" in members) == bool(row.description)


def test_the_old_form_spells_the_code_as_a_text():
    assert ROWS["20502"].members("/2/x", code_as_text=True)["error_code"] == "20502"


def test_a_refusal_carries_its_row_and_what_it_quotes():
    refused = Refused("21325", "abc")
    assert refused.row is ROWS["21325"]
    assert refused.value == "abc"
    assert "abc" not in str(refused)
