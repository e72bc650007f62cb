"""Wires plugins for `pytest` in this tree. A check's own process is started by gate.lane_process with its own."""

pytest_plugins = ("pytester", "gate.plugin")
