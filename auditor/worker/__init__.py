"""The process that touches the model: `python -I -m auditor.worker`, in a scratch folder."""
