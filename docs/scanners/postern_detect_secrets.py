"""Finds Postern's opaque keys. For detect-secrets: `detect-secrets scan -p postern_detect_secrets.py`.

Held against the key grammar by a test in src/wire/opaque/scanners.rs; report finds to POST /leaks.
"""

import re

from detect_secrets.plugins.base import RegexBasedDetector


class PosternTokenDetector(RegexBasedDetector):
    secret_type = "Postern API token"

    denylist = [
        re.compile(r"\bpst_[0-9A-Za-z]{22}_[0-9A-Za-z]{48}\b"),
    ]
