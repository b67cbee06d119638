"""Check the results of a campaign against their records and make a sample of them again."""

import json
import sys
from pathlib import Path

from batchlab.verification.audit import audit

with Path(snakemake.log[0]).open("w", encoding="utf-8") as log:

    def say(line):
        """Tell the reader at the terminal, and keep it."""
        print(f"batchlab: {line}", flush=True)
        print(line, file=log, flush=True)

    differences = audit(json.loads(snakemake.params.spec), say)
sys.exit(bool(differences))
