"""The certificate on a terminal."""

from auditor.cli.summaries import show
from auditor.report.certificate.joint import joint_lines


def printed(capsys, certificate) -> str:
    show(certificate)
    return capsys.readouterr().out


def test_a_repair_stands_before_beside_after(capsys, repaired) -> None:
    out = printed(capsys, repaired)
    head, asr = out.splitlines()[0], next(x for x in out.splitlines() if x.startswith("Attack"))
    assert "repaired.keras" in head
    measured = repaired.measurements
    old, new = (f"{100 * m.asr.value:.1f} %" for m in (measured.before, measured.after))
    assert asr.index(old) < asr.index(new, asr.index(old) + len(old))
    said = "Of 4 neighbours of the trigger, the furthest beyond noise: colours inverted, 3.0 % ("
    assert f"{said}noise at its place, or nothing: 2.0 %)." in " ".join(out.split())
    assert "Repaired model, of epoch 17: out/repaired.keras" in out.splitlines()
    assert "Effectiveness rating (DER)" in out


def test_what_did_not_help_says_so(capsys, helpless) -> None:
    out = printed(capsys, helpless)
    assert "the repair did not help" in out.splitlines()[0]
    assert "Note: TAR and ASR had not moved by epoch 6: raise --alpha." in out.splitlines()
    assert "Repaired model" not in out


def test_hostile_names_are_escaped(capsys, hostile_repair) -> None:
    out = printed(capsys, hostile_repair)
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert "\\x1b[31m" in out


def test_several_triggers_stand_below_each_other(capsys, audits) -> None:
    out = printed(capsys, audits).splitlines()
    assert out[0].startswith("FAIL  poisoned.keras exceeds a limit under ")
    head = next(at for at, line in enumerate(out) if "95 % interval" in line)
    table = out[head + 1 : head + 1 + len(audits.audits)]
    for line, row in zip(table, joint_lines(audits), strict=True):
        target = row.target + (" ?" if row.inferred else "")
        rates = (row.asr, row.interval, row.without, row.placebo, row.robust)
        figures = (*rates, row.tar, row.shift)
        assert line.split() == " ".join((row.verdict, row.trigger, target, *figures)).split()
    assert all(len(line) <= 120 for line in out)
    said = "lsb, sig and a2a cover the whole image, where TAR has no meaning: ASR decides."
    assert out[-1] == said


def test_what_covers_the_whole_image_is_not_told_twice(capsys, audits) -> None:
    out = printed(capsys, audits.audits[1])
    assert "The trigger covers the whole image" in " ".join(out.split())
    assert "was not judged" not in out


def test_hostile_triggers_are_escaped(capsys, hostile_audits) -> None:
    out = printed(capsys, hostile_audits)
    assert "\x1b" not in out
    assert "\u202e" not in out
