"""How people put what is to hold for more than the moment, and how others ask for it.

Owns the words for it, English ones; what tells a rule without words is `statements`'. Takes texts in lower case.
"""

from __future__ import annotations

import re

CERTAIN = 2
"""From here on a sentence may be a rule by its words alone: one clear sign, or two of those that are common."""

_DECLARES = re.compile(
    r"\b(?:from (?:now|here|today) on(?:wards?)?|going forward|henceforth|at all times|(?:for|in|through|throughout"
    r"|across) (?:all(?: of)? (?:this|the|our|your) (?:work|project|session|code|repo\w*)|everything (?:you|we) (?:do"
    r"|touch|write|build)|(?:this|the) (?:whole|entire) (?:project|session|code\w*|repo\w*))|(?:holds?|appl(?:y|ies)"
    r"|goes) (?:for|to) (?:everything|everybody|all (?:of )?(?:it|this|the|our|your))|(?:a|one|another) rule ?:"
    r"|(?:general|standing|house|ground|golden|hard|firm) rules?\b|^rules? ?:|until i (?:say|tell you) otherwise"
    r"|under no circumstances|once and for all|standing (?:order|instruction|request|wish|agreement)"
    r"|as a (?:matter of principle|(?:general )?rule))"
)
"""That it holds for longer, in so many words."""

_ANNOUNCES = re.compile(
    r"\b(?:(?:keep|bear|have) (?:this |that |it )?in mind|(?:please|do) (?:note|remember)|remember(?: that\b| this\b"
    r"| ?:)|in (?:the )?future|for (?:the record|your information)|one (?:more )?thing|by the way)"
)
"""That something is to be kept, be it a rule or a fact."""

_FORBIDS_OR_DEMANDS = re.compile(
    r"\b(?:must(?:n't)?|never|always|forbidden|prohibited|not allowed|off[- ]limits|mandatory|compulsory|only ever"
    r"|required to|rules?|polic(?:y|ies)|conventions?|insist|everywhere|nowhere|without (?:asking|permission|approval"
    r"|exceptions?)|no exceptions?|(?:don't|do not) ever|no longer|note that|make sure|stick (?:to|with)|(?:stay|keep"
    r"|hands) (?:off|away|out of)|(?:shall|should|may|can)(?: not|n't)|cannot|i (?:don't|do not|never) want|i(?:'d"
    r"| would)? (?:always )?prefer)\b|(?:^|[.;:,!(]\s*|\b(?:and|but|please|so) )(?:no (?!matter|idea|problem|one else"
    r"|worries|need|longer)\w+|avoid \w+|refrain \w+|leave .{1,60} alone|(?:don't|do not) (?!worry|know|think|mind"
    r"|bother|get me|forget)\w+)\b"
)
_COMMON = (
    re.compile(
        r"\b(?:should|shall|(?:has|have|needs?|ought|are|is) to|may|required?|prefer(?:red|ably)?|expect(?:ed)?)\b"
    ),
    re.compile(r"\b(?:every\w*|all|any\w*|each|nothing|none|nobody|no one|whatever|whenever|wherever|both|whole)\b"),
    re.compile(
        r"(?:^|[.;:,!(]\s*|\bplease )(?:keep|use|write|put|stay|ask|remember|prefer|stick|let|treat|call|name)\b"
    ),
    re.compile(
        r"\b(?:only|not|no|without|unless|otherwise|instead of|rather than|at (?:most|least)|(?:no|never) more than)\b"
    ),
)
"""What requests hold as well; each kind counts once."""

_OF_THE_MOMENT = re.compile(
    r"\b(?:just now|right now|for now|for the moment|this time|today|tonight|yet|first of all|never ?mind"
    r"|next (?:is|up|comes)|i (?:must|have to|should|need to|always|never)|any ?more)\b"
)
_ASKS_FOR_RULES = re.compile(
    r"\b(?:rul(?:es?|ing)|constraints?|must(?:n't)?|mind(?:ful)?|allowed|disallow\w*|forbid\w*|forbade|prohibit\w*"
    r"|conventions?|guidelines?|guardrails?|restrict\w*|taboos?|off[- ]limits|dos and don'ts|careful\w*|watch out"
    r"|look out|beware|pay attention|adher\w*|comply|compliant|obey\w*|oblig\w*|heed|stick to|insist\w*|demand\w*"
    r"|should(?:n't)?|shall|ought|supposed|ha(?:ve|s|d) to|(?:can|may) (?:i|we|you)|said|says?|told|agreed"
    r"|(?:user(?:'s)?|person|human|owner|boss|client|customer) (?:tells?|wants?|wanted|wish|expect|prefer)\w*)\b"
)
_MAY_ASK_FOR_RULES = re.compile(
    r"\b(?:user(?:'s)?|polic(?:y|ies)|requir\w*|instruct\w*|limitations?|standing|principles?|preferences?|guidance"
    r"|allow(?:s|ance)?|permitted|permissible|ban(?:s|ned)?|respect(?:ed)?|may|tells?|agreement|consider(?:ed)?|caution"
    r"|treated|needs? to|requested|wish(?:es|ed)?|wants?|wanted|remember\w*|observe|expectations?"
    r"|(?:my|the) (?:person|human|owner|boss|client|customer))\b"
)
"""In questions after what somebody wants kept to; the second ones also stand for other things. Words that mostly do
(`follow`, `permission`, `note`) are left out."""


def asks_for_rules(query: str) -> bool:
    """Whether a query is after what the user said or wants kept to."""
    return _ASKS_FOR_RULES.search(query) is not None


def may_ask_for_rules(query: str) -> bool:
    """Whether it may be, by words that stand for other things, too."""
    return _MAY_ASK_FOR_RULES.search(query) is not None


def is_announced(said: str) -> bool:
    """Whether somebody says that what comes is worth keeping, for longer or not."""
    return _DECLARES.search(said) is not None or _ANNOUNCES.search(said) is not None


def strength(sentence: str) -> int:
    """How much its words speak for a rule; nothing speaks for one in a question that announces none."""
    told = is_announced(sentence)
    if "?" in sentence and not told:
        return 0
    certain = CERTAIN * told + CERTAIN * (_FORBIDS_OR_DEMANDS.search(sentence) is not None)
    common = sum(sign.search(sentence) is not None for sign in _COMMON)
    return max(certain + common - CERTAIN * (_OF_THE_MOMENT.search(sentence) is not None), 0)
