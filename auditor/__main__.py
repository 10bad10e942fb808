"""`python -m auditor` is `bdaudit`."""

import sys

from auditor.cli import main

sys.exit(main())
