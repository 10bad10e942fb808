"""What a machine can do: everything is tried, nothing is assumed."""
