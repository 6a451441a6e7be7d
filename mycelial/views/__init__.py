"""The virtual tree: answers as directories, symbolic links and texts. Knows nothing of FUSE."""
