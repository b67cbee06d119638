"""`python -m batchlab.rounds CONFIG SNAKEMAKE …` asks round after round which batch size to take; see `make advise`."""

import sys

from batchlab.configuration.faults import for_the_terminal
from batchlab.errors import BatchlabError
from batchlab.rounds.asking import ask

try:
    sys.exit(ask(sys.argv[1], sys.argv[2:]))
except BatchlabError as problem:
    sys.exit(for_the_terminal(problem))
