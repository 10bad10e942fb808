"""The audit: one model, one data set, one trigger, measured."""
