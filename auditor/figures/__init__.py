"""What is measured, and what limits say of it: frozen values and numpy, no model."""
