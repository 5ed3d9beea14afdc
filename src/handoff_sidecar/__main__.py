"""`python -m handoff_sidecar` is the command `handoff-sidecar`."""

import sys

from handoff_sidecar.cli.main import main

sys.exit(main())
