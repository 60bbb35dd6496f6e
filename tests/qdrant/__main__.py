"""`python -m tests.qdrant FOLDER [PORT [EAGER]]`: serve until killed; the port is printed first.

EAGER: as of `Collection`.
"""

import sys
from pathlib import Path

from tests.qdrant.rest import bound

given = dict(enumerate(sys.argv[1:]))
with bound(Path(given[0]), int(given.get(1, 0)), eager=int(given.get(2, 0))) as server:
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    server.serve_forever()
