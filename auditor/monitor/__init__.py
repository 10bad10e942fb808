"""Those who watch a repair: the terminal and TensorBoard, and what they draw.

From the command line they live in the parent process, which hears from the worker how it goes.
"""
