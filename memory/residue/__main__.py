"""`python -m memory.residue FOLDER [LEAVE_OUT…]`: the scan, fed with fingerprints on standard input."""

import json
import os
import sys
from dataclasses import astuple
from pathlib import Path

from memory.residue.folder import read_sets, search

# Behind those who wait for an answer.
_NICE = 10


def main() -> None:
    """Print what was found as JSON."""
    os.nice(_NICE)
    found = search(Path(sys.argv[1]), list(read_sets(sys.stdin.buffer)), [Path(a) for a in sys.argv[2:]])
    told = {
        "files": found.files,
        "bytes": found.bytes,
        "seconds": found.seconds,
        "hits": [astuple(hit) for hit in found.hits],
    }
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
