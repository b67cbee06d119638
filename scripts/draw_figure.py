"""Draw one figure as SVG, PNG, PDF, interactive page and Vega-Lite specification, from its table alone."""

from importlib import import_module
from pathlib import Path

from batchlab.charts import export
from batchlab.charts.drawn import read_drawn
from batchlab.charts.figure import figure_from
from batchlab.charts.headings import finding_of
from batchlab.files import atomic_path, write_text
from batchlab.records.job import job

with job(snakemake) as this:
    figure = figure_from(this.spec)
    if "claims" in this.input:
        figure = figure.titled(finding_of(this.input["claims"], this.spec["finding"]))
    draw = import_module(f"batchlab.charts.{this.spec['chart']}.draw").draw
    specification = export.to_vega_lite(draw(figure, read_drawn(this.input["data"], figure)))
    svg = export.to_svg(specification, figure.source)
    write_text(this.output["svg"], svg)
    for name, drawn in (("png", export.to_png(svg)), ("pdf", export.to_pdf(svg))):
        with atomic_path(this.output[name]) as path:
            path.write_bytes(drawn)
    # The scripts lie one folder above those of the studies.
    bundle = Path("..", Path(this.input["bundle"]).name)
    page = export.to_html(specification, figure.heading, this.spec["caption"], bundle, figure.source)
    write_text(this.output["html"], page)
    write_text(this.output["vl_json"], export.to_json(specification))
