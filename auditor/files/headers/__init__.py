"""What size an image has, read off the beginning of its file before anything is decoded."""
