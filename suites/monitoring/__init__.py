"""Monitoring: every fault is an alert within seconds, every panel is true, every log line is accounted for."""
