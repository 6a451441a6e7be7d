"""Tests of the C core through its Python interface."""
