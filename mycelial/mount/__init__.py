"""The mount: pyfuse3's side of the filesystem, its life as a daemon, and its line to the engine."""
