"""The tests of Mycelial; a package so that its parts can share their harness by name."""
