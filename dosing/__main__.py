"""`python -m dosing` is the command line."""

import sys

from dosing.cli import main

sys.exit(main())
