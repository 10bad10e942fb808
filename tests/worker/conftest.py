"""What a run is told, as those who watch it are."""

from tests.monitor.conftest import epochs, plan

__all__ = ["epochs", "plan"]
