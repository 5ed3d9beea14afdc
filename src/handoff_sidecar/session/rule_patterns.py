"""The words that make a sentence a standing rule beyond doubt, and those that leave one. Lower case, English.

Written for few wrong picks: what only may be a rule is `rule_signs`'.
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

_IT = r"(?:it|that|this|these|those|them|him|her|here|there|one)\b"
"""What only the moment explains."""
_THE_ONE = (
    rf"(?:{_IT}|(?:the |your |an? )?(?:first|second|third|last|latter|former|one|plan|approach|option|current)\b|\d)"
)
_DO_NOT = r"(?:you (?:must not|mustn't|may not|should never|must never|are not allowed to)|don't|do not|never)"
_PLURAL = r"(?!the\b|this\b|his\b|its\b|yours\b)(?:\w+[ -]){0,2}\w{2,}s\b"
_ORDER = r"(?!mind\b|seen\b|been\b|had\b|the\b|an?\b|again\b|knew\b)(?!\w+(?:ed|ing|[^su]s)\b)[a-z][\w'-]+"
"""A verb as in an order: neither `never worked` nor `always fails`."""
_TOOLS = (
    r"(?:p?npm|yarn|bun|pip|uv|poetry|conda|jest|vitest|pytest|unittest|make|just|grep|rg|ripgrep|var|let|const"
    r"|any|tabs"
    r"|spaces|print|logger|logging|fetch|axios|curl|wget|docker|podman|eslint|biome|prettier|sed|awk|find|fd)\b"
)
_LANGUAGES = (
    r"(?:british|american|plain|simple|english|german|french|spanish|the (?:imperative|present|past)|imperative"
    r"|markdown)\b"
)
_CODE_THINGS = (
    r"(?:commits?|commit messages?|prs?|pull requests?|branch(?:es)?|tests?|functions?|methods?|class(?:es)?"
    r"|files?|modules?"
    r"|labels?|strings?|changes?|endpoints?|comments?|docstrings?|migrations?|components?|variables?|names?"
    r"|errors?|screens?"
    r"|messages?|quer(?:y|ies)|texts?|docs?|types?|routes?|dates?|times?|amounts?|prices?|code|logs?|pages?"
    r"|answers?|lines)"
)

FOR_LONGER = re.compile(
    r"\b(?:from (?:now|here|today|this point) on(?:wards?)?|going forward|henceforth|at all times"
    r"|under no circumstances"
    r"|until i (?:say|tell you) (?:so|otherwise)|as a (?:general |standing )?rule|no exceptions|without exceptions?"
    r"|(?:for|in|throughout|across) (?:all(?: of)? (?:this|the|our|your) (?:work|project|session|code\w*|repo\w*)"
    r"|(?:the|this) (?:whole|entire|rest of the|rest of this) (?:project|session|code\w*|repo\w*|work)"
    r"|everything (?:you|we) (?:do|touch|write|build))|not (?:only|just) here|(?:standing|house|ground|golden|hard"
    r"|firm) rules?"
    r"|(?:every|each) time (?:you|we) \w|whenever (?:you|we) (?!are\b|want|like|can\b|'re)\w"
    r"|in (?:the )?future,? (?:please |always |never |don't |do not |use |you))\b"
)
"""That it holds for longer, in so many words."""

ORDERS = re.compile(
    r"\b(?:please|always|never|no|not|only|must|should|don't|(?:has|have|needs?) to|make sure|stick|rules?"
    r"|keep in mind)\b"
    r"|;[\w ]{0,10}:"
    r"|(?:^|[,:;.(–—-]\s*|\b(?:and|then) )(?:use|write|keep|run|ask|commit|put|add|stay|avoid|prefer|call|name"
    r"|tell|check"
    r"|format|lint|test|answer|explain|work|let|treat|start|end|prefix|sign|log|update|leave|push|show|include)\b"
    r"|\b(?:we|you) (?:use|write|keep|run|ask|commit|put|avoid|prefer|call|name|check|format|test)\b"
)

REFERS_BACK = re.compile(
    r"(?:and )?(?:that|this|it)(?:'s| is| holds| applies| goes| counts)\b.*\b(?:rule|for (?:all|everything"
    r"|the (?:whole|entire))"
    r"|from now on|at all times|going forward)|.*\bstick to (?:that|this|it) (?:throughout|everywhere|from now on)"
)
ANNOUNCES_THE_NEXT = re.compile(r".*\b(?:rule|keep in mind|please note|remember)\b[^.:]{0,60}[.:]?$")

RULES: tuple[re.Pattern[str], ...] = tuple(
    re.compile(pattern)
    for pattern in (
        # always and never, as an order
        rf"(?:you (?:must |should )?|let's )?(?:always|never(?: ever)?|(?:do not|don't) ever) {_ORDER}",
        (
            r"(?:in|for) (?:this|our|the) (?:repo\w*|project|code\w*|team)[ ,]+(?:we|you) (?:always|never|only|don't"
            r"|do not) \S"
        ),
        r"we (?:always|never|only) .+ (?:here|everywhere|anywhere|in this (?:repo\w*|project|code\w*))[.!]?$",
        r"we (?:use|write|keep) .+ everywhere[.!]?$",
        # what is not to be touched, or not to be done without a word
        (
            rf"{_DO_NOT} (?:touch|edit|modify|reformat|break) (?!{_IT})(?!anything(?! (?:in|under|outside|below"
            rf"|within)))\S.*"
        ),
        (
            rf"{_DO_NOT} (?:change|rename|rewrite|delete|remove) (?:anything (?:in|under|outside|below|within) .+"
            rf"|any .+|{_PLURAL}"
            r"|.*\b(?:api|schema|interface|format|behaviou?r|signature|contract)\b)"
        ),
        (
            rf"{_DO_NOT} (?:commit|push|force-push|merge|rebase|deploy|publish|release|amend|squash)"
            rf"(?: or \w+)?(?: .*)? (?:to (?!it|this)\S+|without .+|unless .+|until i .+|before .+|directly.*"
            rf"|by yourself.*)"
        ),
        rf"{_DO_NOT} commit (?:anything|any|secrets|{_PLURAL})",
        (
            rf"{_DO_NOT} (?:add|introduce|install|use|create|write|mock|log|print|hard-?code|import|mention|skip"
            rf"|disable|invent|put)"
            rf" (?:(?:any|new|extra|more|external|third-party|additional) (?!of\b)\w+|{_PLURAL}"
            r"|(?:the |an? )?\w+ in (?:tests|production|the code\w*|commits?|commit messages)\b)"
        ),
        rf"(?:.*[;:,.] )?{_DO_NOT} \w+ \S+.* (?:by hand|manually)[.!]?$",
        (
            r"no (?:new |extra |additional |external |third-party |runtime |direct |inline |global "
            r"|unnecessary )+(?:run-?time )?"
            r"(?:dependenc|package|librar|import|comment|abstraction|global|mock|column|table|flag|setting|endpoint"
            r"|variable)\w*"
        ),
        (
            r"no (?:emojis?|semicolons|mocks?|todos?|abbreviations?|globals?|print statements|console\.log"
            r"|magic numbers"
            r"|force[- ]push\w*|merge commits|co-authored\S*|trailing whitespace|comments)\b(?! (?:in|on|for) (?:this"
            r"|that|it))"
        ),
        (
            r"(?:keep|stay|hands)(?: your hands)? (?:off|out of|away from|inside|within)(?: of)? "
            rf"(?!{_IT})\S"
        ),
        rf"leave (?!{_THE_ONE}).{{2,60}} (?:alone|untouched)\b",
        r"(?:work|change|edit|write) only (?:in|under|inside|within) \S",
        r"nothing (?:may|must|is to) (?:break|change|touch|leave|import) \S",
        # how things are to stay
        (
            rf"keep (?:the |all |every |each |our |your |any )?(?!{_THE_ONE})(?!going\b|on\b).{{2,80}}? (?:stable"
            rf"|small|short"
            r"|simple|unchanged|intact|untouched|green|compatible|consistent|sorted|minimal|focused|atomic|pure"
            r"|up to date"
            r"|in sync|as (?:it is|they are)|(?:under|below) \d)"
        ),
        rf"keep (?:each|every|all) {_CODE_THINGS} \S.*",
        (
            r".{3,80} (?:must|has to|have to|needs? to) (?:stay|remain|keep|continue to) (?:be "
            r"|backwards? )?(?:compatible|stable"
            r"|unchanged|green|as (?:it is|they are)|intact|work(?:ing)?|under|below|private|readable|pure|in sync"
            r"|backwards?)\b.*"
        ),
        (
            r".{3,80} (?:must not|mustn't|must never|may not|may never) (?:be (?:committed|pushed|edited|touched"
            r"|changed|modified"
            r"|logged|renamed|removed|deleted|mocked|exposed)|leave|change|break|depend on|import|leak|show up|appear"
            r"|end up)\b.*"
        ),
        (
            rf"(?:all|every|each|any)(?: of (?:the|our|your))?(?: new| public"
            rf"| exported)* {_CODE_THINGS}(?: [\w ]{{1,30}})?"
            r" (?:must|has to|have to|needs? (?:to|an?|its)|goe?s?|lives?|begins?|starts?) (?!pass(?!.*\b(?:before"
            r"|after)\b))\S.*"
        ),
        (
            r"(?:branch(?:es)?(?: names?)?|commits?(?: messages?)?|commit subjects?|prs?|pull requests?|tests"
            r"|error messages|docs"
            r"|comments|migrations) (?:must|always|never|has to|have to|are to|goe?s?|begins?|starts?|needs?)"
            r" (?!pass(?!.*\b(?:before|after)\b))\S.*"
        ),
        # what to use
        rf"(?:only (?:ever )?use|use only) (?!{_THE_ONE})\S.*",
        rf"stick (?:to|with) (?!{_THE_ONE})(?!the\b)\S.*",
        rf"use (?!{_THE_ONE})[^,]{{1,40}},? (?:and )?(?:not|never) (?!{_THE_ONE})[^,]+$",
        rf"use .*{_TOOLS}.* (?:instead of|rather than|not|never) .*{_TOOLS}",
        (
            rf"(?:i (?:always |strongly |generally )?prefer|prefer) (?!not\b|{_THE_ONE}).{{2,60}} (?:over|to"
            rf"|instead of) .+"
        ),
        rf"write (?:all |every |the )?{_CODE_THINGS} (?:only )?in {_LANGUAGES}",
        # what I want
        r"i (?:don't|do not|never) want (?:you to (?!worry|think)|any (?:new |more |other )?|to see any )\S.*",
        r"i (?:always )?(?:want|expect) (?:you to (?:always|never) |(?:all|every|each) )\S.*",
        rf"you (?:must|may|are to) (?:always|never|only) {_ORDER}.*",
        r"let's not (?:(?!this|that|it\b)\S+ ){1,4}_?(?:all|every|any|each)_? .+",
        r"make sure (?:that )?(?:you (?:always|never) |we (?:always|never) |every new |all new )\S+.*",
        # when to ask, and when to run
        (
            r"(?:always )?(?:ask|check with|tell|consult|warn) me (?:first )?(?:before|whenever|if you (?:want"
            r"|need) to) .+"
        ),
        r"only (?:commit|push|merge|deploy|release|publish) .*\b(?:when|if|after|once) .+",
        r"(?:commit|push|merge|deploy|release|publish)(?: \w+)? only (?:when|if|after|once) .+",
        (
            r"(?:before|after) (?:every|each|any) (?:commit|push|change|edit|merge|pr|pull request|release|task"
            r"|phase)\b.+"
        ),
        (
            r"(?:run|execute|format|lint|test|commit|build|check|update) (?:\S+ ){0,6}(?:before|after) (?:every|each"
            r"|any) .+"
        ),
        r"before (?:you (?:commit|push|merge|deploy)|committing|pushing|merging|deploying),? always .+",
    )
)

OF_THE_MOMENT = re.compile(
    r"\b(?:yet|for now|for the moment|right now|just now|at the moment|this time|today|tonight|tomorrow|for this one"
    r"|first of all|next up|in this (?:branch|pr|pull request|commit|change|turn|step|case|diff|patch)"
    r"|this (?:change|commit|one|fix|error|issue|bug|test|line|function|step|pr|comment|thread|ticket)|see if"
    r"|let's see|any ?more"
    r"|right away|still|already|again|never mind|earlier|last (?:time|week)|above|below|following)\b"
)
IN_DOUBT = re.compile(
    r"\?|\b(?:i think|i guess|i wonder|i believe|i suppose|i'm not sure|not sure|maybe|perhaps|probably|might"
    r"|could|would"
    r"|seems?|looks? like|hmm+|wondering|unless i'm|if i understand|apparently|consider|kinda|sort of|ideally)\b"
)
TOLD = re.compile(
    r"\b(?:was|were|did|didn't|had|happened|failed|fails|found|saw|got|said|noticed|tried|went|came|broke|error:"
    r"|exception"
    r"|it (?:always|never)|which|currently|because of)\b"
)
ANSWER = re.compile(
    r"(?:nope|nah|yes|yeah|yep|yup|sure|right|exactly|true|correct)\b"
    r"|no(?=[,.;!]| (?:don't|do not|you|it|that|this|i|we|let's|the|just|never|always|not)\b)"
)
"""An answer to the agent's question, which nobody else knows."""
