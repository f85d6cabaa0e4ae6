"""Passwords in places that only the words around them tell of: options of commands, netrc files, JDBC addresses."""

from __future__ import annotations

import re

_SAME = r"[^\n|;&]{0,200}?"
"""Goes on within one command."""
_LEADS = (
    rf"(?:mysql\w*|mariadb[\w-]*)\b(?!-){_SAME}\s-p",
    rf"(?:docker|podman|nerdctl|buildah|skopeo|crane|oras|helm)\s(?:\w+\s)?login\b{_SAME}\s-p[ \t=]?",
    r"sshpass\s{1,4}-p[ \t]?",
    rf"mongo\w*\b{_SAME}\s-p[ \t]",
    rf"redis-cli\b{_SAME}\s-a[ \t]",
    rf"ldap\w+\b{_SAME}\s-w[ \t]",
    rf"(?:sqlcmd|bcp)\b{_SAME}\s-P[ \t]?",
    r"pass(?:in|out)?[ \t]{1,4}pass:",
    rf"(?:curl|wget)\b{_SAME}\s(?:-u|--user|--proxy-user)[ \t=]?[\"']?[^\s:\"']{{1,64}}:",
    r"(?:machine\s{1,8}\S{1,64}|default)\s{1,8}login\s{1,8}\S{1,64}\s{1,8}password\s{1,8}",
    r"jdbc:oracle:\w{1,8}:[^/\s@]{1,64}/(?=[^@\s]{1,128}@)",
)
IN_COMMAND = re.compile(rf"\b(?P<lead>{'|'.join(_LEADS)})(?P<quote>[\"']?)(?P<value>[^\s\"'`@/-][^\s\"'`@]{{3,127}})")
"""What stands before the password, and the password itself."""
HINTS = ("mysql", "mariadb", "login", "sshpass", "mongo", "redis-cli", "ldap", "sqlcmd", "bcp", "curl", "wget", "pass:")
"""Without one of these words, and an option or a login, there is nothing to find."""
_REFERENCE = re.compile(r"(?i)[$%<{\[*].*|SECRET_[0-9a-f]{8}.*|x{3,}|\.{3,}|(?:your|my)?[_-]?pass(?:word|wd)?\W*")


def may_hold(low: str) -> bool:
    """Whether it is worth a search; `low` is the text in lower case."""
    if "oracle:" in low or ("login" in low and "password" in low):
        return True
    return " -" in low and any(hint in low for hint in HINTS)


def is_password(value: str) -> bool:
    """Whether it is one itself, not a variable or a placeholder."""
    return _REFERENCE.fullmatch(value) is None
