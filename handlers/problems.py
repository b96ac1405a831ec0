"""What the shop's reasons are on the wire: status and title for each (RFC 9457), and the words told of fields.

This file knows statuses; why the shop refuses is the shop's.
"""

from typing import Final

from dada.problems import ProblemType, types

__all__ = ["DETAILS", "PROBLEMS", "WORDS"]

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
    ProblemType("idempotency-running", 409, "The first request with this key is not done", "同一请求正在处理中"),
    ProblemType("idempotency-mismatch", 422, "This key came with another body before", "幂等键已用于其他内容"),
    ProblemType("oauth-return-invalid", 400, "The provider sent back nothing of use", "第三方登录的返回参数无效"),
    ProblemType("oauth-state-invalid", 400, "This log-in was not begun here, or is over", "登录请求无效或已过期"),
    ProblemType("oauth-code-rejected", 400, "The provider did not accept the code", "授权码未被接受"),
    ProblemType("oauth-denied", 403, "The provider says that consent was not given", "您没有同意授权"),
    ProblemType("oauth-provider-unapproved", 503, "The provider has not approved us", "平台尚未批准本应用"),
    ProblemType("provider-answer", 502, "The provider answered nonsense", "第三方平台的回答无法理解"),
    ProblemType("provider-unavailable", 502, "The provider is out of order", "第三方平台暂时不可用"),
    ProblemType("provider-timeout", 504, "The provider did not answer in time", "第三方平台没有按时回答"),
    ProblemType("ticket-invalid", 400, "This ticket is not valid any more", "绑定凭据已失效"),
    ProblemType("identity-taken", 409, "It is bound to another account", "它已绑定其他帐号"),
    ProblemType("already-bound", 409, "The account has one of this provider already", "该帐号已有此平台的绑定"),
    ProblemType("last-login-method", 409, "This is the last way to log in", "这是最后一种登录方式"),
)  # fmt: skip

# What is told of one occurrence, in Chinese; {} stands for a word that differs.
DETAILS: Final = {
    "a challenge is 43 characters: the base64url of a SHA-256": "challenge 应为 43 个字符：SHA-256 的 base64url",
    "there is no state of ours": "缺少本站的 state",
    "there is no code": "缺少授权码",
    "no browser left with it, or one came back already, or too late": "没有对应的登录请求，或已用过，或已过期",
    "another browser began": "登录是在另一个浏览器中开始的",
    "it left for another provider": "登录请求属于另一个平台",
    "it left for something else, or for somebody else": "登录请求另有用途，或属于另一个人",
    "state and code are one text each, not too long": "state 和 code 各为一段文字，且不能过长",
    "the provider says {}": "第三方平台返回 {}",
    "the provider answered {}": "第三方平台返回状态 {}",
    "the provider refused, with status {}": "第三方平台拒绝，状态 {}",
    "there is no token in the answer": "回答中没有令牌",
    "the token is of a type that is not known here": "令牌的类型此处不认识",
    "the provider's answer is no JSON": "第三方平台的回答不是 JSON",
    "the provider's answer is no JSON object, or too long": "第三方平台的回答不是 JSON 对象，或过长",
    "the provider cannot be reached": "无法连接第三方平台",
    "the provider did not answer in time": "第三方平台没有按时回答",
    "this code was shown before": "该授权码已用过",
    "the token was made for another application": "令牌属于另一个应用",
    "the token is over": "令牌已过期",
    "two answers tell of two accounts": "两次回答的帐号不一致",
    "there is no subject in the answer": "回答中没有用户标识",
    "there is no uid in the answer": "回答中没有 uid",
    "too many log-ins at once": "同时登录的人过多",
    "at most {}": "最多 {} 个",
    "again in {} seconds": "请在 {} 秒后重试",
    "there is no such provider": "没有这个平台",
    "log in again first": "请先重新登录",
}

WORDS: Final = {
    "cursor": ("is no cursor of this collection", "不是此列表的游标"),
    "username_invalid": (
        "must be {min} to {max} letters and digits of one script, or . _ -, and begin with a letter",
        "须为 {min} 至 {max} 个同一文字的字母、数字或 . _ -，并以字母开头",
    ),
    "username_reserved": ("is reserved", "已被保留"),
    "email_invalid": ("is no mail address", "不是有效的邮箱地址"),
    "common": ("is among the passwords that are guessed first", "过于常见，容易被猜中"),
    "similar": ("is too much like the name or the address", "与用户名或邮箱过于相似"),
    "password_invalid": ("holds a character that cannot be typed", "包含无法输入的字符"),
    "password_same": ("is the same as before", "与原密码相同"),
}  # fmt: skip
