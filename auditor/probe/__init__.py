"""Will it come back? What an attacker can do to a repaired network, tried on a copy.

A repair can hide a backdoor instead of removing it (Min et al., NeurIPS 2024, arXiv:2410.09838; Zhu
et al., NeurIPS 2024, arXiv:2405.16134). Each probe has a control of the same budget: what counts is
what the trigger does beyond it.
"""
