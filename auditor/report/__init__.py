"""From a record to bytes, no IO: `formats` has the one table of what each record is rendered in."""
