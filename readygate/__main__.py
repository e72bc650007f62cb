"""`python -m readygate`."""

import sys

from readygate.command import main

sys.exit(main())
