"""An audit in which every name is an attack on one format or another."""

import dataclasses

from auditor.records.audits import Audits, joined
from auditor.records.certificate import Certificate
from tests import audited

NAME = (
    "\x1b[31m[x](javascript:1) {0}|</code></title>]]>--><script>alert(1)</script>\r\n\n# a\n| b | "
    "![i](http://127.0.0.1/a.png) `c` ``` **d** _e_ ~~f~~ @user www.evil.example &amp; $g$ "
    "<!-- bdaudit:end -->\n<!-- bdaudit:end -->\n\u202e\ud800\ufffe\0\x0b %s '\"\\"
)
SCHEME = "javascript:alert(1)//%2e%2e/\udcff {0}[x](1)"


def certificate() -> Certificate:
    """Return one of a scan that fails, with a limit that was not judged and one unknown here."""
    found = audited.certificate(path=f"{SCHEME}.keras")
    checks = found.verdict.checks
    unjudged = dataclasses.replace(checks[1], ok=None, reason=NAME)
    unknown = dataclasses.replace(checks[1], metric=NAME, ok=False, reason=NAME)
    return dataclasses.replace(
        found,
        subject=dataclasses.replace(found.subject, class_names=(NAME, NAME, "blue")),
        data=dataclasses.replace(found.data, source=NAME, class_names=(NAME, NAME, "blue")),
        trigger=dataclasses.replace(found.trigger, id=NAME, summary=NAME),
        target=dataclasses.replace(found.target, name=NAME),
        attention=dataclasses.replace(found.attention, layer=NAME),
        safety=dataclasses.replace(found.safety, sandbox=NAME),
        environment=dataclasses.replace(
            found.environment, command=f"bdaudit scan m --trigger '{SCHEME}.yaml' {NAME}"
        ),
        verdict=dataclasses.replace(
            found.verdict, checks=(checks[0], unjudged, checks[2], unknown)
        ),
    )


def audits() -> Audits:
    """Return the audits of two triggers of the same hostile name."""
    return joined([certificate(), certificate()])
