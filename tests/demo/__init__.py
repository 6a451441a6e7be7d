"""The guided demo: real work on a copy of this very repository, then a walk through what was noticed.

`tests/demo/run` shows it to a person, and fails with a clear line when something it says is not so;
`test_demo.py` asserts the same claims. Rooms: `place` (the copy and its mount), `work` (what is done in it),
`claims` (what must be known afterwards), `tour` (what is shown).
"""
