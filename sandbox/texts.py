"""Every word on the look-alike's pages, in English and Chinese.

This file knows words; it does not know where they stand.
"""

from typing import Final

__all__ = ["LANGUAGES", "text"]

LANGUAGES: Final = {"en": "English", "zh-CN": "中文"}

_TEXTS: Final[dict[str, tuple[str, str]]] = {
    "banner": (
        "A look-alike for lessons. This is not Weibo; nothing you do here leaves this machine.",
        "教学用的仿制品。这不是微博；您在这里做的一切都不会离开这台机器。",
    ),
    "skip": ("Skip to the content", "跳到正文"),
    "languages": ("Language", "语言"),
    # home
    "home": ("The outside world", "外部世界"),
    "home.lead": (
        "What a shop on the Internet would reach out to, on this machine alone: an identity provider, and a mailbox.",
        "网店在互联网上要打交道的对象，全部在这台机器上：一个身份提供方，和一个邮箱。",
    ),
    "home.mailbox": ("Mailbox", "邮箱"),
    "home.mailbox.says": (
        "Receives every letter the shop sends, and delivers none. Activation links are here.",
        "收下网店寄出的每一封信，一封也不转寄。激活链接就在这里。",
    ),
    "home.weibo": ("Weibo look-alike", "微博仿制品"),
    "home.weibo.says": (
        "Speaks OAuth 2.0 as Weibo does, quirks included. To see it, choose “log in with Weibo” in the shop.",
        "像微博一样讲 OAuth 2.0，连怪癖也一样。想看它，请在网店里选择“用微博登录”。",
    ),
    "home.people": ("The people who have an account there", "在那里有账号的人"),
    "home.endpoints": ("Its endpoints", "它的端点"),
    # log-in
    "log_in": ("Log in", "登录"),
    "log_in.step": ("Step 1 of 2", "第 1 步，共 2 步"),
    "log_in.title": ("Who are you?", "您是哪一位？"),
    "log_in.lead": (
        "{app} sends you here to show who you are. Choose one of these made-up people; no password is needed.",
        "{app} 请您在这里证明身份。请任选一位虚构的人物，不需要密码。",
    ),
    "log_in.as": ("Log in as {name}", "以 {name} 的身份登录"),
    # consent
    "consent": ("Allow access", "授权"),
    "consent.step": ("Step 2 of 2", "第 2 步，共 2 步"),
    "consent.title": ("Let {app} know who you are?", "允许 {app} 获知您的身份吗？"),
    "consent.you": ("You are logged in as", "您已登录为"),
    "consent.gets": ("It would be able to", "它将能够"),
    "consent.profile": (
        "read your public profile: screen name, picture, place",
        "读取您的公开资料：昵称、头像、所在地",
    ),
    "consent.scope": ("use the scope {scope}", "使用权限 {scope}"),
    "consent.not": ("It would not learn your password.", "它不会得知您的密码。"),
    "consent.back": ("Afterwards you are sent back to", "之后您将回到"),
    "allow": ("Allow", "授权"),
    "cancel": ("Cancel", "取消"),
    "another": ("Use another account", "换个账号"),
    # the error page; the Chinese words are Weibo's own (recorded)
    "error": ("Authorization failed", "访问出错了"),
    "error.title": ("Something is wrong with this request", "访问出错了!"),
    "error.lead": (
        "The site you come from could not be authenticated.",
        "您所访问的站点在新浪微博的认证失败，请您联系该站点或者稍后再试。",
    ),
    "error.why": (
        "You are not sent back to it: an unregistered address must not receive anything (RFC 6749 §4.1.2.1).",
        "没有跳转回去：地址若不是登记过的那一个，就不应收到任何东西（RFC 6749 §4.1.2.1）。",
    ),
    "error.21322": ("redirect_uri is not the one that was registered.", "重定向地址不匹配"),
    "error.21323": ("A parameter is missing, or stands twice.", "请求不合法"),
    "error.21324": ("client_id belongs to no application.", "client_id或client_secret参数无效"),
    "error.foreign": (
        "This form was sent from another site, so nothing was done.",
        "此表单来自另一个站点，因此什么也没有做。",
    ),
    "error.missing": ("There is no such page here.", "这里没有这个页面。"),
    # mailbox
    "mailbox": ("Mailbox", "邮箱"),
    "mailbox.list": ("Letters", "信件"),
    "mailbox.count": ("Letters: {count}. The last {kept} are kept.", "共 {count} 封。最多保留最近 {kept} 封。"),
    "mailbox.empty": (
        "No letter has come yet. This page looks by itself every two seconds.",
        "还没有信。本页每两秒自动查看一次。",
    ),
    "mailbox.none": ("Choose a letter.", "请选择一封信。"),
    "mailbox.gone": ("This letter is no longer kept.", "这封信已不再保留。"),
    "mailbox.back": ("All letters", "所有信件"),
    "mailbox.to": ("To {to}", "致 {to}"),
    "mailbox.no_subject": ("(no subject)", "（无主题）"),
    "mailbox.no_text": ("This letter has no text.", "这封信没有文本。"),
    "mailbox.from": ("From", "发件人"),
    "mailbox.recipients": ("To", "收件人"),
    "mailbox.received": ("Received", "收到时间"),
    "mailbox.links": ("Links in this letter", "信中的链接"),
    "mailbox.headers": ("All headers", "所有信头"),
    "mailbox.html": (
        "HTML part, shut in: no scripts, no pictures from outside",
        "HTML 部分（已隔离：无脚本，无外部图片）",
    ),
    "mailbox.raw": ("Raw source", "原始内容"),
    "mailbox.delete": ("Delete all", "全部删除"),
}  # fmt: skip


def text(language: str, key: str, **values: object) -> str:
    """Return the words *key* in *language*, with *values* in their places."""
    english, chinese = _TEXTS[key]
    return (english if language == "en" else chinese).format(**values)
