"""Takes jobs from the queue and does them: claims, heartbeats, stages, takeover of what others dropped."""
