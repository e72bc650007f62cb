"""Deployment: a release gets into production as planned, and a bad one does not."""
