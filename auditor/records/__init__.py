"""What is kept of an audit, a comparison or a search: made, written, read back, judged again."""
