"""Recognises text that speaks to a language model, or lures a person, instead of describing a finding.

Rules, not a model: a finding's description states facts in the third person, an injected instruction commands. Each
sign is a pattern with the words without one of which it can't match; those are looked for first, since reports are
long.
"""

from __future__ import annotations

import re

_MODEL = r"(?:ai|a\.i\.|llm|gpt|chatgpt|claude|gemini|copilot|assistant|language model|chat ?bot|model|agent)"
_OLD = r"(?:previous|prior|above|earlier|preceding|all|any|your|these|those|the|system|safety|my|other)"
_ORDERS = r"(?:instruction|prompt|rule|guideline|direction|command|context|message|training|polic|finding)"
_START = r"(?:^|[.,:;!?>*#-]\s*|\b(?:please|now|then|must|should|kindly|and|just|to)\s+)"
_CALM = r"(?:safe|false positive|low|none|info|benign|resolved|fixed|harmless|not exploitable|trusted|ignored)"
_SECRETS = (
    r"(?:prompt|context|conversation|instructions|api key|credentials|password|secrets?|token|environment variables)"
)

_SIGNS = tuple(
    (frozenset(words.split()), re.compile(pattern))
    for words, pattern in (
        # setting earlier instructions aside
        (
            "ignore ignores ignoring ignored disregard disregards disregarding disregarded forget forgets "
            "forgetting override overrides overriding",
            rf"\b(?:ignor|disregard|forget|overrid)\w*\b.{{0,40}}\b{_OLD}\b.{{0,30}}\b{_ORDERS}",
        ),
        (
            "bypass skip discard neglect",
            rf"{_START}(?:bypass|skip|discard|neglect)\b.{{0,40}}\b{_OLD}\b.{{0,30}}\b{_ORDERS}",
        ),
        (
            "disregard disregards ignore ignores forget forgets override overrides",
            r"\b(?:disregard|ignore|forget|override)s?\b.{0,20}\b(?:everything|anything|all|what)\b.{0,20}"
            r"\b(?:above|so far|you (?:were|have been|are) (?:told|given|asked)|you know|you have read)\b",
        ),
        (
            "ignoreprevious ignoreall ignoreallprevious ignoreprior disregardprevious disregardall forgetprevious",
            r"\b(?:ignore|disregard|forget)(?:all)?(?:previous|prior|instructions)?\b",
        ),
        (
            "ignoriere ignora ignorez ignorer ignorieren negeer",
            r"\b(?:ignor(?:iere|a|ez|e[rz]?)|negeer)\b.{0,40}\b(?:anweisung|vorgabe|instruc|instru[çc]|istruzion|consigne)",
        ),
        ("忽略 无视", r"(?:忽略|无视).{0,20}(?:指令|指示|提示)"),
        (
            "игнорируй 無視 무시",
            r"игнориру(?:й|йте)\b|забудь(?:те)?\b|(?:指示|命令).{0,12}無視|(?:지시|명령).{0,12}무시",
        ),
        # another role
        ("you", r"\byou (?:are|will) now\b|\byou must (?:now|always|never|only)\b"),
        ("from", r"\bfrom now on\b"),
        ("pretend play roleplay", r"\bpretend (?:to be|that|you)\b|\brole-?play\b"),
        ("act", rf"\bact as (?:an? |the |my )?(?:unrestricted|uncensored|evil|dan\b|helpful|different|new|{_MODEL}\b)"),
        (
            "jailbreak mode anything injection",
            r"\b(?:jailbreak|developer mode|do anything now|prompt injection test|god mode)\b",
        ),
        ("as being", rf"\b(?:as|being) an? {_MODEL}\b"),
        # talking about the model's own texts
        (
            "prompt prompts message messages instruction instructions",
            r"\b(?:system|hidden|initial|secret|developer) (?:prompt|message|instruction)",
        ),
        (
            "reveal print repeat show leak exfiltrate",
            rf"{_START}(?:reveal|print|repeat|show|leak|exfiltrate) [^.;]{{0,30}}\b{_SECRETS}\b",
        ),
        (
            "instruction instructions order orders directive directives rule rules task tasks",
            r"\b(?:new|updated|important|urgent|additional|special|further) (?:instruction|order|directive)s?\b"
            rf"|{_START}(?:new|updated|important|urgent|special) (?:rule|task)s?\s*:",
        ),
        (
            "instruction instructions note notes message messages memo memos attention dear hey hello hi to",
            r"\b(?:instruction|note|message|memo|attention|dear|hey|hello|hi|to)s?,?\s+(?:for |to )?(?:the |any |all )?"
            rf"{_MODEL}s?\b\s*[,:!]",
        ),
        (
            "end begin start stop",
            rf"{_START}(?:end|begin|start|stop) (?:of )?(?:the )?"
            r"(?:system|report|prompt|finding|data|user input|instruction)s?\b",
        ),
        # orders about the answer or the finding
        (
            "respond reply answer output say write return print",
            rf"{_START}(?:respond|reply|answer|output|say|write|return|print) (?:only |just |always |simply )*"
            r"(?:with|exactly|the following|the word|in the style|nothing)\b",
        ),
        ("say answer reply respond", r"(?:^|[.!?;:]\s)(?:say|answer|reply|respond) .{1,80}"),
        (
            "mark classify rate treat report consider label flag set change lower downgrade",
            rf"{_START}(?:mark|classify|rate|treat|report|consider|label|flag|set|change|lower|downgrade) "
            rf"(?:this|it|the|all|every|these)\b.{{0,40}}\b(?:as|to|is)\b.{{0,20}}\b{_CALM}",
        ),
        ("do don", r"\b(?:do not|don't) (?:report|mention|flag|tell|disclose|warn|reveal|analy[sz]e)\b"),
        (
            "summarizing summarising reviewing triaging analyzing analysing explaining rating",
            r"\bwhen (?:summari[sz]|review|triag|analy[sz]|explain|rat)ing (?:this|the) "
            r"(?:report|finding|issue|result|file|code)\b.{0,40}\b(?:state|say|report|claim|conclude|mention|answer)\b",
        ),
        # luring a person
        ("click tap visit", r"\b(?:click|tap) (?:here|this|on this|the link)|\bvisit (?:this|our|my|https?|www)"),
        ("download", r"\bdownload and (?:run|execute|install)\b"),
        (
            "run execute paste type",
            r"\b(?:run|execute|paste|type) (?:the following|this|these)\b.{0,20}"
            r"\b(?:command|code|script|terminal|shell)",
        ),
        (
            "curl wget iwr invoke",
            r"\b(?:curl|wget|iwr|invoke-webrequest)\b[^\n]{0,200}\|\s*(?:sudo\s+)?(?:ba|z|da)?sh\b",
        ),
        ("rm", r"\brm -[rf]{1,2}\b"),
    )
)
_FOREIGN = tuple(pattern for words, pattern in _SIGNS if not any(word.isascii() for word in words))
_TELLING = frozenset().union(*(words for words, _ in _SIGNS))
_WORD = re.compile(r"[a-z]+")
_SPACE = re.compile(r"\s+")
_JOINERS = re.compile(r"[_\-+./]")
_SPELT_OUT = re.compile(r"\b(\w)[ .\-_*](?=\w\b)")
_TWINS = str.maketrans("аеорсухіјѕԁɡһӏοαεικνρτυχ", "aeopcyxijsdghloaeiknptux")
"""Letters of other scripts that look like Latin ones."""
_DIGITS = str.maketrans("01345@$", "oieasas")
_DISGUISED = re.compile(r"[a-z][0134@$][a-z]|\b[0134@$][a-z]{3}|[a-z]{3}[0134@$]\b")
"""Words with a digit or sign for a letter; version numbers and names with a number at the end are common."""
SPELT = 6
"""From this many single letters on, they may be a word that is spelt out."""


def speaks_to_model(text: str) -> bool:
    """Whether a text reads like an instruction to a language model or a lure for a person."""
    lowered = text.lower()
    plain = lowered if text.isascii() else lowered.translate(_TWINS)
    return any(_speaks(each) for each in {lowered, plain, *_undisguised(plain)})


def _undisguised(text: str) -> tuple[str, ...]:
    return (text.translate(_DIGITS),) if _DISGUISED.search(text) else ()


def _speaks(lowered: str) -> bool:
    words = _WORD.findall(lowered)
    if sum(len(word) == 1 for word in words) >= SPELT:
        joined = _SPELT_OUT.sub(r"\1", _SPACE.sub(" ", lowered))
        if joined != lowered and _speaks(joined):
            return True
    if not lowered.isascii() and any(pattern.search(lowered) for pattern in _FOREIGN):
        return True
    telling = _TELLING.intersection(words)
    return bool(telling) and _shows_sign(_SPACE.sub(" ", lowered).strip(), telling)


def _shows_sign(text: str, telling: frozenset[str]) -> bool:
    patterns = [pattern for words, pattern in _SIGNS if not words.isdisjoint(telling)]
    spellings = dict.fromkeys((text, _JOINERS.sub(" ", text)))
    return any(pattern.search(each) for pattern in patterns for each in spellings)
