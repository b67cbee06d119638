"""Write one chart as Vega-Lite, SVG, PNG and a self-contained interactive page, with bytes that depend on it alone."""

from __future__ import annotations

import html
import importlib.metadata
import json
import re
from pathlib import Path
from typing import Any

import vl_convert

from batchlab.charts import theme
from batchlab.files import write_text

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ margin: 2rem auto; max-width: 60rem; padding: 0 1rem; font: 15px/1.5 {font}; color: {ink}; }}
figure {{ margin: 0; }}
#figure {{ display: block; overflow-x: auto; }}
figcaption {{ max-width: 42rem; margin-top: 1rem; color: {grey}; }}
</style>
<script>{bundle}</script>
</head>
<body>
<figure><div id="figure"></div><figcaption>{caption}</figcaption></figure>
<script>
vegaEmbed("#figure", {spec}, {{"renderer": "svg", "actions": {{"source": false, "editor": false, "compiled": false}}}})
  .catch(console.error);
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


def to_json(specification: dict[str, Any]) -> str:
    """Return the specification as text: compact, with sorted keys."""
    return json.dumps(specification, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n"


def to_svg(specification: dict[str, Any]) -> str:
    """Return the figure as an SVG document."""
    return scoped(vl_convert.vegalite_to_svg(specification), "clip") + "\n"


def to_png(svg: str, scale: float = 2) -> bytes:
    """Return a drawn figure as PNG, `scale` pixels per unit."""
    return bytes(vl_convert.svg_to_png(svg, scale=scale))


def javascript(folder: Path) -> str:
    """Return Vega's scripts for a page, which take a second to bundle and are the same for every figure.

    Args:
        folder: Where the bundle of this version is kept.
    """
    kept = folder / f"vega-{importlib.metadata.version('vl-convert-python')}.js"
    if not kept.is_file():
        write_text(kept, vl_convert.javascript_bundle())  # type: ignore[call-arg]
    return kept.read_bytes().decode()


def to_html(specification: dict[str, Any], title: str, caption: str, bundle: str) -> str:
    """Return a page that shows the figure with tooltips and a clickable legend, without any network.

    Args:
        specification: Vega-Lite specification.
        title: Title of the page.
        caption: Text below the figure.
        bundle: What `javascript` returns.
    """
    # "</" inside a script would end it.
    data = to_json(highlighting(specification)).strip().replace("</", "<\\/")
    return _PAGE.format(
        title=html.escape(title),
        caption=html.escape(caption),
        font=theme.FONT,
        ink=theme.INK,
        grey=theme.GREY,
        bundle=bundle.replace("</script", "<\\/script"),
        spec=data,
    )


def highlighting(specification: dict[str, Any]) -> dict[str, Any]:
    """Return the specification with a legend that, clicked, fades all other colours."""
    copy: dict[str, Any] = json.loads(json.dumps(specification))
    fields: list[str] = []
    count = 0

    def visit(node: Any, inside_layer: bool) -> None:
        nonlocal count
        if isinstance(node, list):
            for item in node:
                visit(item, inside_layer)
        elif isinstance(node, dict) and "layer" in node:
            first = True
            for unit in node["layer"]:
                field = unit.get("encoding", {}).get("color", {}).get("field")
                if field is None:
                    continue
                if first:
                    unit["name"] = f"panel{count}"
                    count, first = count + 1, False
                fields.append(field)
                mark = unit["mark"] if isinstance(unit["mark"], dict) else {"type": unit["mark"]}
                normal = mark.pop("opacity", 1)
                unit["mark"] = mark
                unit["encoding"]["opacity"] = {
                    "condition": {"param": "chosen", "value": normal},
                    "value": normal * 0.08,
                }
        elif isinstance(node, dict):
            for key in ("spec", "concat", "hconcat", "vconcat"):
                if key in node:
                    visit(node[key], inside_layer)

    visit(copy, False)
    if len(set(fields)) != 1:
        return specification
    copy.setdefault("params", []).append(
        {
            "name": "chosen",
            "select": {"type": "point", "fields": [fields[0]]},
            "bind": "legend",
            "views": [f"panel{index}" for index in range(count)],
        }
    )
    return copy
