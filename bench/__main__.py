"""Lets `python -m bench` start the benchmark."""

import sys

from bench.main import main

sys.exit(main())
