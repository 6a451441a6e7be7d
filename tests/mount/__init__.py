"""Tests on real mounts: every operation natively and through the mount, the command, and what is recorded."""
