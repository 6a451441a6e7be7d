"""python -m mycelial.mount: the same as mycelial-mount."""

from mycelial.mount.main import main

main()
