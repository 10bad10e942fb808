"""Signing: an audit bound to its model files by a key, and checked by whoever holds the other half.

`records.statement` says what is signed, `envelope` how, `keys` by whom; `bundle` puts them into the
file that `bdaudit sign` writes and `bdaudit verify` reads.
"""
