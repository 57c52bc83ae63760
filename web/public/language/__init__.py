"""English and Simplified Chinese: sentences in both, and the choice between them."""

from web.public.language.bilingual import Text, chinese_of, join, say
from web.public.language.choice import Language, address_in, language, plain_address, register, shown
from web.public.language.quoted import quoted

__all__ = [
    "Language", "Text", "address_in", "chinese_of", "join", "language", "plain_address", "quoted", "register",
    "say", "shown",
]  # fmt: skip
