"""An audit, or several of one model, as page, table, Markdown and what pipelines read."""
