"""Whether what goes wrong is seen: metrics, alerts at their receivers, dashboards, logs."""
