"""One element of an SVG drawing: a tag, its attributes and its content in, escaped markup out.

Every drawing of this package is made of these, so that nothing else has to escape text.
"""

from __future__ import annotations

from markupsafe import Markup, escape


def element(tag: str, /, *content: str, **attributes: object) -> Markup:
    """An element as markup, which templates take as it is.

    Args:
        tag: name of the element.
        content: text, which is escaped, or other elements, which are not.
        attributes: in their order; ``class_`` stands for class, ``text_anchor`` for text-anchor.

    >>> element("text", "a < b", class_="name", x=4)
    Markup('<text class="name" x="4">a &lt; b</text>')
    """
    shown = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(value)}"'
        for name, value in attributes.items()
    )
    if not content:
        return Markup(f"<{tag}{shown}/>")
    return Markup(f"<{tag}{shown}>{''.join(map(escape, content))}</{tag}>")
