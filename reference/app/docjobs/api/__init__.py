"""The HTTP API: takes jobs in, says how they are, and hands their results out, to those who may see them."""
