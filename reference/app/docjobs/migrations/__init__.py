"""Numbered SQL files: NNNN_expand_name.sql before a release's code, NNNN_contract_name.sql after the last old one is gone."""
