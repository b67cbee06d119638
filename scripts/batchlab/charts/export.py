"""Write one chart as Vega-Lite, SVG, PNG, PDF and an interactive page, with bytes that depend on it alone."""

from __future__ import annotations

import html
import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import vl_convert

from batchlab.charts import theme, typeface

# How a reader works with an interactive figure, said beside it.
HINT = (
    "Click in the legend (or on a line) to single something out, Shift and click for more; "
    "drag to move, Shift and wheel to zoom, double-click for the whole."
)
# The line with the source below a drawing, in its pixels.
_FOOT = 18
# Orders of the two fonts of a figure that are tried; one in two is the right one.
_MOST_TRIES = 60

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>{title}</title>
<style>
body {{ margin: 2rem auto; max-width: 60rem; padding: 0 1rem; font: 15px/1.5 {font}; color: {ink}; background: #fff; }}
h1 {{ position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }}
figure {{ margin: 0; }}
#figure {{ display: block; overflow-x: auto; }}
figcaption, p {{ max-width: 42rem; margin: 1rem 0 0; color: {grey}; }}
</style>
<script src="{bundle}"></script>
</head>
<body>
<main>
<h1>{title}</h1>
<figure><div id="figure" tabindex="0" role="region" aria-label="{title}"></div>
<figcaption>{caption}</figcaption></figure>
<p>{hint}</p>
<p><small>{source}</small></p>
</main>
<script>
vegaEmbed("#figure", {spec}, {{"renderer": "svg", "actions": false}}).catch(console.error);
</script>
</body>
</html>
"""


def scoped(svg: str, scope: str) -> str:
    """Rename all ids of an SVG to `<scope>-1`, `<scope>-2`, …, and what refers to them.

    Vega numbers its clip paths through the life of the process. Renumbered ids make the file the same each time,
    and keep the figures of one page from clipping each other.

    Args:
        svg: The SVG document.
        scope: Prefix, unique on a page.
    """
    numbers: dict[str, str] = {}
    for name in re.findall(r'\bid="([^"]+)"', svg):
        numbers.setdefault(name, f"{scope}-{len(numbers) + 1}")
    svg = re.sub(r'\bid="([^"]+)"', lambda match: f'id="{numbers[match[1]]}"', svg)
    svg = re.sub(r"url\(#([^)]+)\)", lambda match: f"url(#{numbers.get(match[1], match[1])})", svg)
    return re.sub(r'href="#([^"]+)"', lambda match: f'href="#{numbers.get(match[1], match[1])}"', svg)


def to_vega_lite(chart: Any) -> dict[str, Any]:
    """Return the validated Vega-Lite specification of a chart."""
    specification: dict[str, Any] = chart.to_dict()
    return specification


def to_json(specification: Mapping[str, Any]) -> str:
    """Return the specification as text: compact, with sorted keys."""
    return json.dumps(specification, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n"


def to_svg(specification: Mapping[str, Any], source: str = "") -> str:
    """Return the figure as an SVG document without a background of its own.

    Text and axes have the colours of `theme` as attributes, which any rule of a page's CSS overrides.

    Args:
        specification: Vega-Lite specification.
        source: Where the figure comes from; a small line below it.
    """
    typeface.ready()
    # What only a pointer can catch is no part of a picture.
    seen = re.sub(
        r'<path [^>]* opacity="0"(?: [^>]*)?(?:/>|></path>)', "", vl_convert.vegalite_to_svg(dict(specification))
    )
    drawn = re.sub(r'<rect [^>]*fill="transparent"/>', "", seen, count=1)
    return _signed(scoped(drawn, "clip"), source) + "\n"


def _size(svg: str) -> tuple[int, int]:
    """Return width and height of a drawing of Vega's."""
    found = re.search(r'<svg\b[^>]*\bwidth="(\d+)" height="(\d+)"', svg)
    if found is None:
        raise ValueError("Vega has drawn an SVG without a size")
    return int(found[1]), int(found[2])


def _signed(svg: str, source: str) -> str:
    """Return a drawing with a line below it that says where it comes from."""
    if not source:
        return svg
    width, height = _size(svg)
    taller = height + _FOOT
    svg = svg.replace(
        f'height="{height}" viewBox="0 0 {width} {height}"', f'height="{taller}" viewBox="0 0 {width} {taller}"', 1
    )
    words = html.escape(source)
    place = f'x="6" y="{height + 10}" font-family="{theme.FONT}" font-size="9.5px" fill="{theme.GREY}"'
    return svg.removesuffix("</svg>") + f'<text class="source" {place}>{words}</text></svg>'


def _on_white(svg: str) -> str:
    width, height = _size(svg)
    opening = re.search(r"<svg\b[^>]*>", svg)
    assert opening is not None
    paper = f'<rect width="{width}" height="{height}" fill="white"/>'
    return svg[: opening.end()] + paper + svg[opening.end() :]


def to_png(svg: str, scale: float = 2) -> bytes:
    """Return a drawn figure as PNG on white, `scale` pixels per unit."""
    typeface.ready()
    return bytes(vl_convert.svg_to_png(_on_white(svg), scale=scale))


def to_pdf(svg: str) -> bytes:
    """Return a drawn figure as PDF, the same bytes each time.

    The converter writes the entries of dictionaries, and the fonts, in any order. Entries are sorted, which leaves
    every object where the file's table of contents says it is; of the orders of fonts the ascending one is waited for.
    """
    typeface.ready()
    entries = rb"(?:[ \t]*/[A-Za-z]+\d+ \d+ 0 R\r?\n)+"
    paper = _on_white(svg)
    for _ in range(_MOST_TRIES):
        drawn = vl_convert.svg_to_pdf(paper)
        drawn = re.sub(entries, lambda match: b"".join(sorted(match[0].splitlines(keepends=True))), drawn)
        fonts = [int(number) for number in re.findall(rb"(\d+) 0 obj\s*<<\s*/Type /Font\s*/Subtype /Type0", drawn)]
        if fonts == sorted(fonts):
            break
    return bytes(drawn)


def javascript() -> str:
    """Return Vega's scripts for a page, which put `vegaEmbed` on the window; the same for every figure."""
    bundle: str = vl_convert.javascript_bundle()  # type: ignore[call-arg]
    return bundle


def to_html(
    specification: Mapping[str, Any], title: str, caption: str, bundle: str | os.PathLike[str], source: str = ""
) -> str:
    """Return a page that shows the figure with tooltips, zoom and a legend that can be clicked, without any network.

    Args:
        specification: Vega-Lite specification.
        title: Title of the page.
        caption: Text below the figure.
        bundle: Path of the file with `javascript`, from the page's folder.
        source: Where the figure comes from.
    """
    # "</" inside a script would end it.
    data = to_json(interactive(specification)).strip().replace("</", "<\\/")
    return _PAGE.format(
        title=html.escape(title),
        caption=html.escape(caption),
        font=theme.FONT,
        ink=theme.INK,
        grey=theme.GREY,
        bundle=html.escape(Path(bundle).as_posix()),
        hint=HINT,
        source=html.escape(source),
        spec=data,
    )


def _units(node: Any) -> Iterator[list[dict[str, Any]]]:
    """Yield the layers of each panel."""
    if "layer" in node:
        yield node["layer"]
    elif "mark" in node:
        yield [node]
    for key in ("concat", "hconcat", "vconcat"):
        for item in node.get(key, ()):
            yield from _units(item)
    if "spec" in node:
        yield from _units(node["spec"])


def _continuous(unit: Mapping[str, Any]) -> list[str]:
    """Return the axes of a layer that can be zoomed."""
    encoding = unit.get("encoding", {})
    return [axis for axis in ("x", "y") if encoding.get(axis, {}).get("type") == "quantitative"]


def interactive(specification: Mapping[str, Any]) -> dict[str, Any]:
    """Return a drawing's specification as one to work with: zoom, and a legend that, clicked, fades the other colours.

    `vegaEmbed(element, interactive(specification), {"renderer": "svg"})` shows it on a page that has loaded
    `javascript`.

    Args:
        specification: Vega-Lite specification, such as that of a `.vl.json`.
    """
    copy: dict[str, Any] = json.loads(json.dumps(specification))
    params: list[dict[str, Any]] = []
    chosen: list[str] = []
    fields: set[str] = set()
    coloured: list[dict[str, Any]] = []
    legend = False
    for number, layers in enumerate(_units(copy)):
        for unit in layers:
            mark = unit["mark"] if isinstance(unit["mark"], dict) else {"type": unit["mark"]}
            unit["mark"] = mark if mark["type"] == "text" else {**mark, "clip": True}
            colour = unit.get("encoding", {}).get("color", {})
            if "field" in colour and colour.get("type") != "quantitative" and colour.get("scale", 0) is not None:
                fields.add(colour["field"])
                coloured.append(unit)
                legend |= colour.get("legend", {}) is not None
                if unit.get("name") is None and not any("name" in other for other in layers):
                    unit["name"] = f"panel{number}"
                    chosen.append(unit["name"])
        zoomed = [unit for unit in layers if _continuous(unit)]
        base = next((unit for unit in zoomed if "name" in unit), zoomed[0] if zoomed else None)
        if base is not None:
            base.setdefault("name", f"panel{number}")
            zoom = {"type": "interval", "encodings": _continuous(base), "zoom": "wheel![event.shiftKey]"}
            params.append({"name": f"zoom{number}", "select": zoom, "bind": "scales", "views": [base["name"]]})
    if len(fields) == 1:
        select = {"type": "point", "fields": sorted(fields)}
        params.append({"name": "chosen", "select": select, "views": chosen, **({"bind": "legend"} if legend else {})})
        for unit in coloured:
            normal = unit["mark"].pop("opacity", 1)
            condition = {"param": "chosen", "value": normal}
            unit["encoding"]["opacity"] = {"condition": condition, "value": normal * 0.08}
    if params:
        copy["params"] = [*copy.get("params", ()), *params]
    return copy
