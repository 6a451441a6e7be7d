"""Laws that hold for any input, driven by hypothesis."""
