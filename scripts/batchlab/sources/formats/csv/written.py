"""Keys of tables whose cells are text."""

from batchlab.declarations.options import OPTIONAL, Choice
from batchlab.declarations.source import Words
from batchlab.sources.formats.csv.table import GAPS

MISSING_WORDS = Words("missing_words", "cells that count as gaps", GAPS)
DECIMAL = Choice("decimal", "decimal sign; found out", OPTIONAL, words=(".", ","))
