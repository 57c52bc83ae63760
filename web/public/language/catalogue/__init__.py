"""The Chinese of everything that the site says.

``CATALOGUE`` maps each English message of the site to its Chinese, with the same blanks. ``SHAPES`` does
the same for sentences that other rooms write, ``MEANINGS`` tells what a finding's code means.
Terms follow GB/T 25069, GM/Z 4001 and the usual Chinese of RFC 6962: 证书透明度, 日志, 树头, 包含证明, 一致性证明.
"""

from typing import Final

from web.public.language.catalogue import (
    audits,
    facts,
    guidance,
    meanings,
    pages,
    transparency,
    verdicts,
    watching,
    words,
)

NOUNS: Final = {**words.NOUNS, **transparency.NOUNS}
CATALOGUE: Final = {
    **words.MESSAGES,
    **pages.MESSAGES,
    **facts.MESSAGES,
    **watching.MESSAGES,
    **transparency.MESSAGES,
    **guidance.MESSAGES,
}
SHAPES: Final = {**audits.SHAPES, **verdicts.SHAPES, **watching.SHAPES, **transparency.SHAPES}
MEANINGS: Final = meanings.MEANINGS
