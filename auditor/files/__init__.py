"""Bytes in and out: whole or not at all, of bounded size, and nothing that runs. Knows no audit."""
