"""The `mycelial` command: translates between a terminal and the library; the thinking is elsewhere."""
