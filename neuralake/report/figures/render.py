"""Figures as SVG and PNG: the same drawing gives the same bytes.

The SVG's inline styles become presentation attributes, which a content security policy allows and
a style sheet overrides; each role's colour gets a class, so that a dark page can give it another.
"""

from __future__ import annotations

import gc
import io
import logging
import re
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from xml.etree import ElementTree as ET

from neuralake.report.figures.drawing import Drawing
from neuralake.report.figures.palette import ROLES, SURFACE
from neuralake.report.text import one_line

_SVG = "http://www.w3.org/2000/svg"
_XLINK = "http://www.w3.org/1999/xlink"
_PNG_DPI = 220
_FONTS = "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif"
# New objects between two looks of the garbage collector, where Python has 700: a figure is some
# ten thousand, in circles that are alive until it is written
_COLLECT_AFTER = 20_000
_REFERENCE = re.compile(r"url\(#([^)]+)\)")


@dataclass(frozen=True)
class Picture:
    """A rendered figure.

    Attributes
    ----------
    name, description, caption
        As of :class:`Drawing`.
    inline
        An ``svg`` element for a page, without background.
    narrow
        An ``svg`` element for a phone, where there is one of its own.
    svg, png
        Whole files; empty if only the page was asked for.
    """

    name: str
    description: str
    caption: str
    inline: str
    narrow: str = ""
    svg: bytes = b""
    png: bytes = b""


@contextmanager
def drawing_style(seed: str) -> Iterator[None]:
    """Settings under which figures are drawn and rendered; names from elsewhere are no formulae.

    Parameters
    ----------
    seed
        Makes the identifiers within an SVG.
    """
    mpl = _matplotlib()
    settings: dict[Any, object] = {
        "svg.hashsalt": seed,
        "svg.fonttype": "none",
        "text.parse_math": False,
        "font.family": ["DejaVu Sans"],
        "path.simplify": False,
    }
    with warnings.catch_warnings(), mpl.rc_context(), _collecting_seldom():
        mpl.rcdefaults()  # a user's matplotlibrc does not change a report
        mpl.rcParams.update(settings)
        warnings.filterwarnings("ignore", r"Glyph .* missing from font", UserWarning)
        yield


@contextmanager
def _collecting_seldom() -> Iterator[None]:
    """A tenth less time for a report."""
    before = gc.get_threshold()
    gc.set_threshold(_COLLECT_AFTER, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _matplotlib() -> Any:
    """Imported without a word where its cache cannot be kept in the home."""
    logger = logging.getLogger("matplotlib")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        import matplotlib as mpl
    finally:
        logger.setLevel(level)
    return mpl


def render(drawing: Drawing) -> Picture:
    """Render a figure; call it under the :func:`drawing_style` in which it was drawn."""
    picture, root = _render_inline(drawing)
    png = _draw_png(drawing.figure)
    _stand_alone(root, picture.description)
    head = '<?xml version="1.0" encoding="utf-8"?>\n'
    return replace(picture, svg=(head + _text(root) + "\n").encode(), png=png)


def _draw_png(figure: Any, dpi: int = _PNG_DPI) -> bytes:
    png = io.BytesIO()
    figure.savefig(png, format="png", dpi=dpi, facecolor=SURFACE, metadata={"Software": None})
    return png.getvalue()


def rendered(drawings: Iterable[Drawing | None]) -> list[Picture]:
    """Render those of the figures that there are; as :func:`render`, under their style."""
    return [render(drawing) for drawing in drawings if drawing is not None]


def render_inline(drawing: Drawing) -> Picture:
    """Render a figure for a page only, which takes a fraction of the time."""
    return _render_inline(drawing)[0]


def _render_inline(drawing: Drawing) -> tuple[Picture, ET.Element]:
    svg = io.BytesIO()
    drawing.figure.savefig(svg, format="svg", transparent=True, metadata={"Date": None})
    root = _cleaned(ET.fromstring(svg.getvalue()), drawing.name)  # noqa: S314 (our own SVG)
    description = one_line(drawing.description)
    root.set("role", "img")
    root.set("aria-label", description)
    return Picture(drawing.name, description, one_line(drawing.caption), _text(root)), root


def dark_rules() -> str:
    """Style rules that give each role its colour for a dark page."""
    return "".join(
        f".f-{name}{{fill:{dark}}}.s-{name}{{stroke:{dark}}}" for name, dark in ROLES.values()
    )


def _cleaned(root: ET.Element, name: str) -> ET.Element:
    """The SVG without metadata, inline styles and identifiers that nobody refers to."""
    for parent in root.iter():
        for child in list(parent):
            if child.tag in (f"{{{_SVG}}}metadata", f"{{{_SVG}}}style"):
                parent.remove(child)
    used = set(_REFERENCE.findall(" ".join(v for e in root.iter() for v in e.attrib.values())))
    used |= {
        e.attrib[f"{{{_XLINK}}}href"][1:] for e in root.iter() if f"{{{_XLINK}}}href" in e.attrib
    }
    for element in root.iter():
        _restyle(element)
        identifier = element.attrib.pop("id", None)
        if identifier in used:
            element.set("id", f"{name}-{identifier}")
        for key, value in element.attrib.items():
            if key == f"{{{_XLINK}}}href":
                element.set(key, f"#{name}-{value[1:]}")
            elif "url(#" in value:
                element.set(key, _REFERENCE.sub(rf"url(#{name}-\1)", value))
    for attribute in ("width", "height", "version"):
        root.attrib.pop(attribute, None)
    root.set("stroke-linejoin", "round")
    root.set("stroke-linecap", "butt")
    return root


def _restyle(element: ET.Element) -> None:
    """Turn an inline style into attributes, and a role's colour into a class as well."""
    for declaration in element.attrib.pop("style", "").split(";"):
        key, _, value = (part.strip() for part in declaration.partition(":"))
        if key == "font":
            words = value.split("'")[0].split()
            element.set("font-size", words[-1].removesuffix("px"))
            if "bold" in words or "700" in words:
                element.set("font-weight", "bold")
        elif key:
            element.set(key, value)
    if element.tag == f"{{{_SVG}}}text" and "fill" not in element.attrib:
        element.set("fill", "#000000")
    classes = [
        f"{letter}-{ROLES[element.attrib[key]][0]}"
        for key, letter in (("fill", "f"), ("stroke", "s"))
        if element.attrib.get(key) in ROLES
    ]
    if classes:
        element.set("class", " ".join(classes))


def _stand_alone(root: ET.Element, description: str) -> None:
    """Add what a file of its own needs: size, title, background, and colours for dark pages."""
    _, _, width, height = root.attrib["viewBox"].split()
    root.set("width", f"{width}pt")
    root.set("height", f"{height}pt")
    root.set("font-family", _FONTS)
    title, style = ET.Element(f"{{{_SVG}}}title"), ET.Element(f"{{{_SVG}}}style")
    title.text = description
    style.text = f"@media (prefers-color-scheme: dark){{{dark_rules()}}}"
    ground = ET.Element(f"{{{_SVG}}}rect", width="100%", height="100%", fill=SURFACE)
    ground.set("class", "f-surface")
    for place, element in enumerate((title, style, ground)):
        root.insert(place, element)


def _text(root: ET.Element) -> str:
    ET.register_namespace("", _SVG)
    ET.register_namespace("xlink", _XLINK)
    return ET.tostring(root, encoding="unicode")
