"""Which language a request is answered in: asked for by ``?lang=``, remembered by a cookie, or accepted.

``?lang=zh`` makes an address that shows the same page to everyone; it also sets the cookie, so that the
choice holds from page to page. Without either, the browser's Accept-Language decides; English otherwise.
"""

from contextvars import ContextVar
from enum import StrEnum
from typing import Any
from urllib.parse import urlencode

from flask import Flask, Response, request

from web.public.language.bilingual import Text

COOKIE = "lang"
_YEAR = 31_536_000


class Language(StrEnum):
    """The two languages of the site, as addresses name them."""

    ENGLISH = "en"
    CHINESE = "zh"

    @property
    def tag(self) -> str:
        """The BCP 47 tag, as the page's ``lang`` attribute has it."""
        return "zh-CN" if self is Language.CHINESE else "en"

    @property
    def own_name(self) -> str:
        """What its readers call it."""
        return "简体中文" if self is Language.CHINESE else "English"


_current: ContextVar[Language] = ContextVar("language", default=Language.ENGLISH)


def language() -> Language:
    """Return the language of this request; English outside of one."""
    return _current.get()


def shown(value: Any) -> Any:
    """Return a text in the language of this request, and anything else as it is."""
    if isinstance(value, Text):
        return value.chinese if language() is Language.CHINESE else str(value)
    return value


def register(app: Flask) -> None:
    """Choose the language before each request and remember a choice after it."""
    app.before_request(_choose)
    app.after_request(_remember)


def address_in(wanted: Language) -> str:
    """Return this page's address in a language."""
    return f"{request.path}?{urlencode({**request.args.to_dict(), 'lang': wanted.value})}"


def plain_address() -> str:
    """Return this page's address without a language, as it was asked for otherwise."""
    kept = {key: value for key, value in request.args.items() if key != "lang"}
    return f"{request.path}?{urlencode(kept)}" if kept else request.path


def _choose() -> None:
    _current.set(_asked() or _cookie() or _accepted())


def _asked() -> Language | None:
    return _known(request.args.get("lang", ""))


def _cookie() -> Language | None:
    return _known(request.cookies.get(COOKIE, ""))


def _accepted() -> Language:
    best = request.accept_languages.best_match(["en", "zh", "zh-CN", "zh-Hans", "zh-SG", "zh-Hans-CN"])
    return _known(best or "") or Language.ENGLISH


def _known(tag: str) -> Language | None:
    try:
        return Language(tag.partition("-")[0].lower())
    except ValueError:
        return None


def _remember(response: Response) -> Response:
    if response.mimetype == "text/html":
        response.vary.update({"Accept-Language", "Cookie"})
        response.content_language.add(language().tag)
        if (asked := _asked()) and asked is not _cookie():
            response.set_cookie(
                COOKIE, asked.value, max_age=_YEAR, secure=request.is_secure, httponly=True, samesite="Lax"
            )
    return response
