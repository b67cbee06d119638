"""The page's templates: one module for each part, as text, so that the digest of the report's code covers them."""

from __future__ import annotations

import re
from typing import Any

import jinja2
from markupsafe import Markup

from batchlab.report.template.answer_page import ADVICE
from batchlab.report.template.claims_alone import CLAIMS_ALONE
from batchlab.report.template.claims_table import CLAIMS
from batchlab.report.template.closing import CLOSING
from batchlab.report.template.comparison_page import COMPARISON
from batchlab.report.template.figure_macros import FIGURE
from batchlab.report.template.navigation import NAVIGATION
from batchlab.report.template.opening import OPENING
from batchlab.report.template.page import PAGE
from batchlab.report.template.script import SCRIPT
from batchlab.report.template.study_section import STUDY
from batchlab.report.template.style import STYLE
from batchlab.report.template.tally import TALLY

_PARTS = {
    "advice": ADVICE,
    "claims_alone": CLAIMS_ALONE,
    "comparison": COMPARISON,
    "tally": TALLY,
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


# A sign and its value, a number and its unit: no line ends between them.
_TIED = re.compile(r"(?<=\b[A-Za-z]) (?=[=<>≤≥×])|(?<= [=<>≤≥×]) (?=[−\d])|(?<=\d) (?=pp\b|%|seeds?\b)")


def tied(value: Any) -> Any:
    """Return a text with spaces at which no line ends, as in `B = 64` and `0.3 pp`; other values as they are."""
    return _TIED.sub("\u00a0", value) if isinstance(value, str) and not isinstance(value, Markup) else value


def environment() -> jinja2.Environment:
    """Return the environment with all parts; what they are given is escaped, and a missing value is an error."""
    return jinja2.Environment(
        loader=jinja2.DictLoader(_PARTS),
        autoescape=True,
        finalize=tied,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
