"""Draw one figure as SVG, PNG, interactive page and Vega-Lite specification, from its table alone."""

from importlib import import_module

from batchlab.charts import export
from batchlab.charts.drawn import read_drawn
from batchlab.charts.figure import figure_from
from batchlab.files import atomic_path, write_text
from batchlab.records.job import job
from batchlab.records.provenance import MEMORY

with job(snakemake) as this:
    figure = figure_from(this.spec)
    draw = import_module(f"batchlab.charts.{this.spec['chart']}.draw").draw
    specification = export.to_vega_lite(draw(figure, read_drawn(this.input["data"], figure)))
    svg = export.to_svg(specification)
    write_text(this.output["svg"], svg)
    with atomic_path(this.output["png"]) as path:
        path.write_bytes(export.to_png(svg))
    page = export.to_html(specification, this.spec["title"], this.spec["caption"], export.javascript(MEMORY))
    write_text(this.output["html"], page)
    write_text(this.output["vl_json"], export.to_json(specification))
