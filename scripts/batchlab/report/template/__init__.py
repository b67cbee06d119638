"""The page's templates: one module for each part, as text, so that the digest of the report's code covers them."""

from __future__ import annotations

import jinja2

from batchlab.report.template.claims_table import CLAIMS
from batchlab.report.template.closing import CLOSING
from batchlab.report.template.figure_macros import FIGURE
from batchlab.report.template.navigation import NAVIGATION
from batchlab.report.template.opening import OPENING
from batchlab.report.template.page import PAGE
from batchlab.report.template.script import SCRIPT
from batchlab.report.template.study_section import STUDY
from batchlab.report.template.style import STYLE

_PARTS = {
    "page": PAGE,
    "style": STYLE,
    "script": SCRIPT,
    "navigation": NAVIGATION,
    "opening": OPENING,
    "figure": FIGURE,
    "claims": CLAIMS,
    "study": STUDY,
    "closing": CLOSING,
}


def environment() -> jinja2.Environment:
    """Return the environment with all parts; what they are given is escaped, and a missing value is an error."""
    return jinja2.Environment(
        loader=jinja2.DictLoader(_PARTS),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
