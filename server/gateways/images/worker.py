"""Script of the child process that decodes users' pictures: the only place where C decoders read untrusted bytes.

`worker_process` runs this file in Python's isolated mode, which has no path to the project.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[3]))

from server.gateways.images.child.main import main

if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
