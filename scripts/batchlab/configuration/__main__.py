"""`python -m batchlab.configuration FILE …`: is this good YAML? Snakemake itself says neither file nor line."""

import sys

from batchlab.configuration.faults import for_the_terminal
from batchlab.configuration.yaml_files import check_files
from batchlab.errors import BatchlabError

try:
    check_files(sys.argv[1:])
except BatchlabError as problem:
    sys.exit(for_the_terminal(problem))
