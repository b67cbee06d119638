"""Draw one figure of a study as SVG, PNG, interactive page and Vega-Lite specification."""

from batchlab.charts import export
from batchlab.charts.drawing import draw
from batchlab.files import atomic_path, write_text
from batchlab.records.job import job
from batchlab.records.provenance import MEMORY
from batchlab.tables.selection import read_table

with job(snakemake) as this:
    table = this.spec["table"]
    specification = export.to_vega_lite(draw(this.spec, {table: read_table(this.input[table])}))
    svg = export.to_svg(specification)
    write_text(this.output["svg"], svg)
    with atomic_path(this.output["png"]) as path:
        path.write_bytes(export.to_png(svg))
    page = export.to_html(specification, this.spec["title"], this.spec.get("caption", ""), export.javascript(MEMORY))
    write_text(this.output["html"], page)
    write_text(this.output["vl_json"], export.to_json(specification))
