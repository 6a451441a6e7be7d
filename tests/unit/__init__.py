"""Tests of plain functions and classes: no mount, no daemon."""
