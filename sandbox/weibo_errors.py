"""The rows of Weibo's error tables: every refusal that its endpoints can spell, written down once.

Texts, numbers and spellings are data about Weibo ("unknow", "faild", "paramter", "suported" are its own), from
open.weibo.com/wiki/OAuth2/access_token, open.weibo.com/wiki/Error_code and recorded answers.  Statuses that nobody
recorded follow RFC 6749 §5.2; a switch can change any of them.

Four orders of members were recorded, and each row keeps its own:

    OAUTH     error error_code request error_uri error_description     the token endpoint
    MISMATCH  request error_code error error_uri                       21322 alone: no description
    INFO      request error_code error                                 get_token_info
    API       error error_code request                                 everything under /2/

This file knows texts; it does not know when they are said.
"""

from dataclasses import dataclass
from typing import Any, Final

from dada.errors import DadaError

__all__ = ["ROWS", "Refused", "Row"]

OAUTH: Final = ("error", "error_code", "request", "error_uri", "error_description")
BRIEF: Final = OAUTH[:4]
MISMATCH: Final = ("request", "error_code", "error", "error_uri")
INFO: Final = ("request", "error_code", "error")
API: Final = ("error", "error_code", "request")


@dataclass(frozen=True, slots=True)
class Row:
    """One refusal.

    name         what a fault switch calls it: the code, and a word where the code has several texts
    status       of HTTP
    code         Weibo's error_code
    error        Weibo's error, "%s" for a value of the request
    description  likewise
    order        which members there are, in their order
    """

    name: str
    status: int
    code: int
    error: str
    description: str = ""
    order: tuple[str, ...] = API

    def members(self, path: str, value: str = "", *, code_as_text: bool = False) -> dict[str, Any]:
        """Return the body for a call of *path*; *value* is what the text quotes.

        Old answers spell the code as a string (recorded: "error_code":"20502").
        """
        every = {
            "error": self.error.replace("%s", value),
            "error_code": str(self.code) if code_as_text else self.code,
            "request": path,
            "error_uri": path,
            "error_description": self.description.replace("%s", value),
        }
        return {name: every[name] for name in self.order}


class Refused(DadaError):
    """An endpoint refuses with *row*, which may quote *value*."""

    def __init__(self, row: str, value: str = "") -> None:
        super().__init__(row)
        self.row, self.value = ROWS[row], value


_ALL: Final = (
    # the token endpoint: open.weibo.com/wiki/OAuth2/access_token, and recorded answers
    Row("21323-client", 400, 21323, "invalid_request", "miss client id or secret", OAUTH),
    Row("21323-redirect-uri", 400, 21323, "invalid_request", "miss redirect uri.", OAUTH),
    Row("21324-secret", 401, 21324, "invalid_client", "client_secret error.", OAUTH),
    Row("21324-client", 401, 21324, "invalid_client", "unknow client id:%s", OAUTH),
    Row("21325", 400, 21325, "invalid_grant", "invalid authorization code:%s", OAUTH),
    Row("21322", 400, 21322, "redirect_uri_mismatch", "", MISMATCH),
    Row("21328", 400, 21328, "unsupported_grant_type", "不支持的 GrantType", OAUTH),
    Row("21326", 400, 21326, "unauthorized_client", "Client id unauthorized to use this grant type", OAUTH),
    Row("21337", 400, 21337, "appkey permission denied", "", BRIEF),
    Row("21331", 503, 21331, "temporarily_unavailable", "服务暂时无法访问", OAUTH),
    # the authorize endpoint: on a page, or in the query of the way back
    Row("21323", 400, 21323, "invalid_request", "请求不合法", OAUTH),
    Row("21324", 400, 21324, "invalid_client", "client_id或client_secret参数无效", OAUTH),
    Row("21329", 400, 21329, "unsupported_response_type", "不支持的 ResponseType.", OAUTH),
    Row("21330", 400, 21330, "access_denied", "user denied your request.", OAUTH),
    # get_token_info: a recorded answer; it echoes a part of the token
    Row("21317-info", 401, 21317, "Oauth Error: token_rejected:: token =%s", "", INFO),
    # what is under /2/: open.weibo.com/wiki/Error_code, and recorded answers
    Row("21321", 403, 21321, "applications over the unaudited use restrictions!"),
    Row("21332", 401, 21332, "invalid_access_token"),
    Row("21327", 401, 21327, "expired_token"),
    Row("21301", 401, 21301, "auth faild"),
    Row("21301-empty", 401, 21301, "empty accessToken"),
    Row("21314", 401, 21314, "Token used"),
    Row("21315", 401, 21315, "Token expired"),
    Row("21316", 401, 21316, "Token revoked"),
    Row("21317", 401, 21317, "Token rejected"),
    Row("21319", 401, 21319, "Accessor was revoked"),
    Row("21320", 403, 21320, "OAuth2 must use https"),
    Row("21330-email", 403, 21330, "access_denied"),
    Row("21335", 403, 21335, "request uid's value must be the current user"),
    Row("10006", 403, 10006, "source paramter(appkey) is missing"),
    Row("10008", 400, 10008, "param error, see doc for more info."),
    Row("10016", 400, 10016, "miss required parameter (%s), see doc for more info."),
    Row("10017", 400, 10017, "parameter (uid)'s value invalid,expect (long), but get (%s), see doc for more info."),
    Row("10020", 404, 10020, "Request api not found"),
    Row("10021", 405, 10021, "HTTP method is not suported for this request"),
    Row("10022", 403, 10022, "IP requests out of rate limit!"),
    Row("10023", 403, 10023, "User requests out of rate limit!"),
    Row("10024", 403, 10024, "User requests for (%s) out of rate limit!"),
    Row("20003", 400, 20003, "User does not exists!"),
    Row("20502", 400, 20502, "Need you follow uid."),
    Row("10001", 500, 10001, "System error"),
    Row("10002", 503, 10002, "Service unavailable"),
    Row("10003", 500, 10003, "Remote service error"),
    Row("10009", 503, 10009, "Too many pending tasks, system is busy"),
    Row("10010", 503, 10010, "Job expired"),
    Row("10011", 500, 10011, "RPC error"),
)

ROWS: Final = {row.name: row for row in _ALL}
