[
  "build" "click" "coverage" "cython" "flit-core" "hatchling" "hatch-vcs" "hypothesis" "ipython" "memray" "mypy" "networkx" "numpy" "outcome" "pathspec" "pip" "psutil" "py-spy" "pyfuse3" "pytest" "pytest-asyncio"
  "pytest-benchmark" "pytest-cov" "pytest-cov-stub" "pytest-timeout" "pytest-trio" "pytest-xdist" "pytestCheckHook" "pythonImportsCheckHook" "pythonRelaxDepsHook" "rich" "ruff" "scipy" "sdnotify" "setuptools" "setuptools-scm" "snakeviz" "sniffio" "sortedcontainers"
  "sqlite-utils" "trio" "types-setuptools" "unittestCheckHook" "wheel" "writableTmpDirAsHomeHook"
]
