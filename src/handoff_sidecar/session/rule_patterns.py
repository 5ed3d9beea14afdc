"""The words around a sentence that make it a standing rule beyond doubt, and those that leave one. Lower case, English.

Written for few wrong picks: what only may be a rule is `rule_signs`'. What rules look like is `rule_forms`'.
"""

from __future__ import annotations

import re

LEAD_IN = re.compile(
    r"(?:(?:ok(?:ay)?|also|and|but|so|oh|please|plus|btw|by the way|one (?:more )?(?:thing|rule)|note|nb|important"
    r"|(?:please |do )?(?:remember|note|keep in mind)(?: that| to)?|just so you know|fyi|again|as i said"
    r"|(?:and )?one last thing|reminder|in general|generally"
    r"|a (?:standing )?rule(?: for [\w ]{2,40})?)\b\s*[,:;.–—-]*\s*)+",
    re.IGNORECASE,
)

FOR_LONGER = re.compile(
    r"\b(?:from (?:now|here|today|this point) on(?:wards?)?|going forward|henceforth|at all times"
    r"|under no circumstances|until i (?:say|tell you) (?:so|otherwise)|as a (?:general |standing )?rule"
    r"|no exceptions|without exceptions?|(?:for|in|throughout|across) (?:all(?: of)? (?:this|the|our|your) (?:work"
    r"|project|session|code\w*|repo\w*)|(?:the|this) (?:whole|entire|rest of the|rest of this) (?:project|session"
    r"|code\w*|repo\w*|work)|everything (?:you|we) (?:do|touch|write|build))|not (?:only|just) here|(?:standing|house"
    r"|ground|golden|hard|firm) rules?|(?:every|each) time (?:you|we) \w|whenever (?:you|we) (?!are\b|want|like|can\b"
    r"|'re)\w|in (?:the )?future,? (?:please |always |never |don't |do not |use |you))\b"
)
"""That it holds for longer, in so many words."""

ORDERS = re.compile(
    r"\b(?:please|always|never|no|not|only|must|should|don't|(?:has|have|needs?) to|make sure|stick|rules?"
    r"|keep in mind)\b|;[\w ]{0,10}:|(?:^|[,:;.(–—-]\s*|\b(?:and|then) )(?:use|write|keep|run|ask|commit|put|add|stay"
    r"|avoid|prefer|call|name|tell|check|format|lint|test|answer|explain|work|let|treat|start|end|prefix|sign|log"
    r"|update|leave|push|show|include|talk|speak|reply|respond|store|document|make|do)\b|\b(?:we|you) (?:use|write"
    r"|keep|run|ask|commit|put|avoid|prefer|call|name|check|format|test)\b"
)

REFERS_BACK = re.compile(
    r"(?:and )?(?:that|this|it)(?:'s| is| holds| applies| goes| counts)\b.*\b(?:rule|for (?:all|everything"
    r"|the (?:whole|entire))"
    r"|from now on|at all times|going forward)|.*\bstick to (?:that|this|it) (?:throughout|everywhere|from now on)"
)
ANNOUNCES_THE_NEXT = re.compile(r".*\b(?:rule|keep in mind|please note|remember)\b[^.:]{0,60}[.:]?$")

OF_THE_MOMENT = re.compile(
    r"\b(?:yet|for now|for the moment|right now|just now|at the moment|this time|today|tonight|tomorrow|for this one"
    r"|first of all|next up|in this (?:branch|pr|pull request|commit|change|turn|step|case|diff|patch)|this (?:change"
    r"|commit|one|fix|error|issue|bug|test|line|function|step|pr|comment|thread|ticket)|see if|let's see|any ?more"
    r"|right away|still|already|again|never mind|earlier|last (?:time|week)|above|below|following)\b"
)
IN_DOUBT = re.compile(
    r"\?|\b(?:i think|i guess|i wonder|i believe|i suppose|i'm not sure|not sure|maybe|perhaps|probably|might"
    r"|could|would"
    r"|seems?|looks? like|hmm+|wondering|unless i'm|if i understand|apparently|consider|kinda|sort of|ideally)\b"
)
TOLD = re.compile(
    r"\b(?:was|were|did(?! not (?:ask|mention|request))|didn't(?! (?:ask|mention|request))|had|happened|failed|fails"
    r"|found|saw|got|said|noticed|tried|went|came|broke|error:|exception|it (?:always|never)|which|currently"
    r"|because of)\b"
)
ANSWER = re.compile(
    r"(?:nope|nah|yes|yeah|yep|yup|sure|right|exactly|true|correct)\b"
    r"|no(?=[,.;!]| (?:don't|do not|you|it|that|this|i|we|let's|the|just|never|always|not)\b)"
)
"""An answer to the agent's question, which nobody else knows."""
