"""The one place where text is declared safe to stand in a page as it is: a finished drawing."""

from markupsafe import Markup


def inline(svg: str) -> Markup:
    """Return a drawing of web.public.drawing, whose builder has escaped everything in it, for a template."""
    return Markup(svg)  # noqa: S704  see above
