"""Finds Postern's opaque keys. For detect-secrets: `detect-secrets scan -p postern_detect_secrets.py`.

Held against the key grammar by a test in crates/wire/src/opaque/scanners.rs; report finds to POST /leaks.
"""

import re
import zlib

from detect_secrets.plugins.base import RegexBasedDetector

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def checksum(text):
    """The last six digits of a key, from those before them."""
    number, digits = zlib.crc32(text.encode()), ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        digits = DIGITS[digit] + digits
    return digits


class PosternTokenDetector(RegexBasedDetector):
    secret_type = "Postern API token"

    denylist = [
        re.compile(r"pst_[0-9A-Za-z]{22}_[0-9A-Za-z]{48}"),
    ]

    def analyze_string(self, string):
        for found in super().analyze_string(string):
            if checksum(found[:-6]) == found[-6:]:
                yield found
