"""What the shop's reasons are on the wire: status and title for each (RFC 9457), and the words told of fields.

This file knows statuses; why the shop refuses is the shop's.
"""

from typing import Final

from dada.problems import ProblemType, types

__all__ = ["PROBLEMS", "WORDS"]

PROBLEMS: Final = types(
    ProblemType("username-taken", 409, "This name is taken", "用户名已被占用"),
    ProblemType("activation-invalid", 400, "This activation link is not valid", "激活链接无效"),
    ProblemType("reset-invalid", 400, "This link is not valid", "重设链接无效"),
    ProblemType("invalid-credentials", 401, "Name or password are not right", "用户名或密码不正确"),
    ProblemType("session-ended", 401, "This session has ended", "登录已失效"),
    ProblemType("refresh-invalid", 401, "This refresh token is not valid", "刷新令牌无效"),
    ProblemType("refresh-reused", 401, "This refresh token was used before: its session has ended", "刷新令牌已用过"),
    ProblemType("account-not-activated", 403, "The account is not activated yet", "帐号尚未激活"),
    ProblemType("account-disabled", 403, "The account is disabled", "帐号已停用"),
    ProblemType("reauth-failed", 403, "The present password is not right", "当前密码不正确"),
    ProblemType("too-many-addresses", 409, "There are too many addresses", "收货地址过多"),
    ProblemType("oauth-return-invalid", 400, "The return from the provider makes no sense", "第三方登录的返回参数无效"),
    ProblemType("oauth-state-invalid", 400, "This log-in was not begun here, or is over", "登录请求无效或已过期"),
    ProblemType("oauth-code-rejected", 400, "The provider did not accept the code", "授权码未被接受"),
    ProblemType("oauth-denied", 403, "The provider says that consent was not given", "您没有同意授权"),
    ProblemType("oauth-misconfigured", 503, "The provider does not accept this application", "第三方平台未接受本应用"),
    ProblemType("provider-answer", 502, "The provider answered nonsense", "第三方平台的回答无法理解"),
    ProblemType("provider-unavailable", 504, "The provider did not answer", "第三方平台没有回答"),
    ProblemType("ticket-invalid", 400, "This ticket is not valid any more", "绑定凭据已失效"),
    ProblemType("identity-taken", 409, "It is bound to another account", "它已绑定其他帐号"),
    ProblemType("already-bound", 409, "The account has one of this provider already", "该帐号已有此平台的绑定"),
    ProblemType("last-login-method", 409, "This is the last way to log in", "这是最后一种登录方式"),
)  # fmt: skip

WORDS: Final = {
    "username_invalid": ("may hold letters and digits of one script, and single . _ - between", "只能用字母和数字"),
    "username_reserved": ("is reserved", "已被保留"),
    "email_invalid": ("is no mail address", "不是有效的邮箱地址"),
    "password_common": ("is among the passwords that are guessed first", "过于常见，容易被猜中"),
    "password_similar": ("is too much like the name or the address", "与用户名或邮箱过于相似"),
    "password_invalid": ("holds a character that cannot be typed", "包含无法输入的字符"),
    "password_same": ("is the same as before", "与原密码相同"),
}  # fmt: skip
