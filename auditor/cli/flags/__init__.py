"""The flags of the commands: kinds of values, and the flags that commands share."""
