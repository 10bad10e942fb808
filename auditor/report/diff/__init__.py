"""Two audits held beside each other, for people."""
