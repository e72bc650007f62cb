"""Recovery: crashes lose nothing and do nothing twice, and a ledger proves it."""
