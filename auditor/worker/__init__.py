"""The process that touches the model, and its parent: both ends of the boundary between them.

    runs ─▶ supervisor ─▶ process ═▶ python -I -m auditor.worker, in a scratch folder ─▶ jobs
              ▲ watchdog                    │ sandbox
              └── relay, exchange ◀═════════┘

The parent starts the worker, watches what it uses, and reads what it says (`relay`) and leaves
(`exchange`), trusting none of it.
"""
