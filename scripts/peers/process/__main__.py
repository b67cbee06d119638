"""`python -m peers.process` reads a request from its input and writes what a peer chose, as a line of JSON."""

import json
import os
import sys

request = json.load(sys.stdin)
# Libraries print what they like; the answer has a channel of its own.
answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)

if request["search"].startswith("lightning"):
    # Keras asks the environment once, when it is imported; what imports it later gets the same one.
    os.environ["KERAS_BACKEND"] = "torch"
    import keras  # noqa: F401

    from peers.process.lightning_finder import search
else:
    from peers.process.tuner_search import search

print(json.dumps(search(request)), file=answer, flush=True)
