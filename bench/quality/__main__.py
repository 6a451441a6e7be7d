"""Lets `python -m bench.quality` start the evaluation."""

import sys

from bench.quality.main import main

sys.exit(main())
