"""Pictures drawn from values: each function takes values and returns one SVG document as text.

Pure and without style of their own: the site's stylesheet colours them by class, so that they follow
the light and the dark scheme, and no inline style is needed under the Content-Security-Policy.
"""

from web.public.drawing.calendar import Lane, Life, LifeState, Window, draw_calendar, draw_key
from web.public.drawing.chains import Chain, ChainLink, draw_chains
from web.public.drawing.hierarchy import Issuer, draw_hierarchy
from web.public.drawing.lifetime import draw_lifetime
from web.public.drawing.merkle import ProofNode, ProofPath, draw_proof
from web.public.drawing.symbols import draw_mark, draw_state
from web.public.drawing.timeline import Point, draw_growth, draw_timeline

__all__ = [
    "Chain",
    "ChainLink",
    "Issuer",
    "Lane",
    "Life",
    "LifeState",
    "Point",
    "ProofNode",
    "ProofPath",
    "Window",
    "draw_calendar",
    "draw_chains",
    "draw_growth",
    "draw_hierarchy",
    "draw_key",
    "draw_lifetime",
    "draw_mark",
    "draw_proof",
    "draw_state",
    "draw_timeline",
]
