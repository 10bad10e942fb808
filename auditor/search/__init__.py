"""Search for a trigger that nobody knows: Neural Cleanse (Wang et al. 2019), all classes at once.

    Classifier, Dataset ─▶ images ─▶ inversion (round by round) ─▶ verdict ─▶ SearchResult

`inversion` is the compiled step, `rounds` runs it, `state` is what every class has come to,
`schedule` says how the cost moves and who leaves, `outliers` is the anomaly index, `stamp` the
finished stamp and its proof, `verdict` what that says of every class.
"""
