"""The forms in which people put a standing rule. Lower case, English.

Each is matched from the beginning of a sentence, and written for few wrong picks.
"""

from __future__ import annotations

import re

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
    r"(?:p?npm|yarn|bun|pip|uv|poetry|conda|jest|vitest|pytest|unittest|make|just|grep|rg|ripgrep|var|let|const|any"
    r"|tabs|spaces|print|logger|logging|fetch|axios|curl|wget|docker|podman|eslint|biome|prettier|sed|awk|find|fd)\b"
)
_LANGUAGES = (
    r"(?:british|american|plain|simple|english|german|french|spanish|italian|portuguese|dutch|polish|turkish|russian"
    r"|chinese|japanese|korean|the (?:imperative|present|past)|imperative|markdown)\b"
)
_PLATFORMS = (
    r"(?:windows|linux|mac(?:os)?|python|node|deno|bun|safari|firefox|chrome|ios|android|java|ruby|php|postgres)\b"
)
_SECRETS = (
    r"(?:secrets|passwords|tokens|credentials|api keys|keys|(?:personal|private|sensitive|user|customer) data|pii"
    r"|e?-?mail addresses)"
)
_UNITS = r"(?:utc|cents|iso(?: 8601)?|(?:snake_|camel|kebab-|pascal|lower |upper )case|lowercase|uppercase)"
_CODE_THINGS = (
    r"(?:commits?|commit messages?|prs?|pull requests?|branch(?:es)?|tests?|functions?|methods?|class(?:es)?|files?"
    r"|modules?|labels?|strings?|changes?|endpoints?|comments?|docstrings?|migrations?|components?|variables?|names?"
    r"|errors?|screens?|messages?|quer(?:y|ies)|texts?|docs?|types?|routes?|dates?|times?|amounts?|prices?|code|logs?"
    r"|pages?|answers?|lines)"
)

_FORMS = (
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
        rf"{_DO_NOT} (?:change|rename|rewrite|delete|remove) (?:anything (?:in|under|outside|below|within) .+|any .+"
        rf"|{_PLURAL}|.*\b(?:api|schema|interface|format|behaviou?r|signature|contract)\b)"
    ),
    (
        rf"{_DO_NOT} (?:commit|push|force-push|merge|rebase|deploy|publish|release|amend|squash)"
        rf"(?: or \w+)?(?: .*)? (?:to (?!it|this)\S+|without .+|unless .+|until i(?:'ve|'m)? .+|before .+"
        rf"|directly.*|by yourself.*)"
    ),
    rf"{_DO_NOT} commit (?:anything|any|secrets|{_PLURAL})",
    (
        rf"{_DO_NOT} (?:add|introduce|install|use|create|write|mock|log|print|hard-?code|import|mention|skip|disable"
        rf"|invent|put) (?:(?:any|new|extra|more|external|third-party|additional) (?!of\b)\w+|{_PLURAL}|(?:the "
        rf"|an? )?\w+ in (?:tests|production|the code\w*|commits?|commit messages)\b)"
    ),
    rf"(?:.*[;:,.] )?{_DO_NOT} \w+ \S+.* (?:by hand|manually)[.!]?$",
    (
        r"no (?:new |extra |additional |external |third-party |runtime |direct |inline |global "
        r"|unnecessary )+(?:run-?time )?(?:dependenc|package|librar|import|comment|abstraction|global|mock|column"
        r"|table|flag|setting|endpoint|variable)\w*"
    ),
    (
        r"no (?:emojis?|semicolons|mocks?|todos?|abbreviations?|globals?|print statements|console\.log|magic numbers"
        r"|force[- ]push\w*|merge commits|co-authored\S*|trailing whitespace|comments)\b(?! (?:in|on|for) (?:this"
        r"|that|it))"
    ),
    rf"(?:keep|stay|hands)(?: your hands)? (?:off|out of|away from|inside|within)(?: of)? (?!{_IT})\S",
    rf"leave (?!{_THE_ONE}).{{2,60}} (?:alone|untouched)\b",
    r"(?:work|change|edit|write) only (?:in|under|inside|within) \S",
    r"nothing (?:may|must|is to) (?:break|change|touch|leave|import) \S",
    # how things are to stay
    (
        rf"keep (?:the |all |every |each |our |your |any )?(?!{_THE_ONE})(?!going\b|on\b).{{2,80}}? (?:stable|small"
        rf"|short|simple|unchanged|intact|untouched|green|compatible|consistent|sorted|minimal|focused|atomic|pure"
        rf"|up to date|in sync|as (?:it is|they are)|(?:under|below) \d)"
    ),
    rf"keep (?:each|every|all) {_CODE_THINGS} \S.*",
    (
        r".{3,80} (?:must|has to|have to|needs? to) (?:stay|remain|keep|continue to) (?:be "
        r"|backwards? )?(?:compatible|stable|unchanged|green|as (?:it is|they are)|intact|work(?:ing)?|under|below"
        r"|private|readable|pure|in sync|backwards?)\b.*"
    ),
    (
        r".{3,80} (?:must not|mustn't|must never|may not|may never) (?:be (?:committed|pushed|edited|touched|changed"
        r"|modified|logged|renamed|removed|deleted|mocked|exposed)|leave|change|break|depend on|import|leak|show up"
        r"|appear|end up)\b.*"
    ),
    (
        rf"(?:all|every|each|any)(?: of (?:the|our|your))?(?: new| public| exported)* {_CODE_THINGS}(?: [\w "
        rf"]{{1,30}})? (?:must|has to|have to|needs? (?:to|an?|its)|goe?s?|lives?|begins?"
        rf"|starts?) (?!pass(?!.*\b(?:before|after)\b))\S.*"
    ),
    (
        r"(?:branch(?:es)?(?: names?)?|commits?(?: messages?)?|commit subjects?|prs?|pull requests?|tests"
        r"|error messages|docs|comments|migrations) (?:must|always|never|has to|have to|are to|goe?s?|begins?|starts?"
        r"|needs?) (?!pass(?!.*\b(?:before|after)\b))\S.*"
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
    # how things are called, and what they are made in
    rf"(?:use|put) (?:the |an? )?(?:prefix|suffix) .+ (?:for|on|in|to) (?:(?:all|every|our) )?{_CODE_THINGS}",
    rf"(?:prefix|name|title|sign) (?:(?:all|every|each|any|our|new)(?: \w+)? {_CODE_THINGS}|{_PLURAL}) \S.*",
    rf"(?:all |our |every )?{_CODE_THINGS} (?:are|is|stay|go) (?:always |only )?in {_LANGUAGES}",
    rf"(?:all|every|each) [\w ]{{2,30}} (?:is|are) (?:always |stored )?(?:in )?{_UNITS}[.!]?$",
    rf"[\w ]{{2,30}} (?:is|are) always (?:stored )?(?:in )?{_UNITS}[.!]?$",
    rf"store (?:all|every\w*|dates|times|timestamps|prices|amounts|money)(?: \w+)? (?:in|as) {_UNITS}[.!]?$",
    rf"(?:always )?(?:answer|reply|respond|talk|speak|write)(?: to me| with me)?(?: only)? in {_LANGUAGES}",
    rf"speak {_LANGUAGES}(?: to me| with me)?[.!]?$",
    r"use (?:british|american) (?:spelling|english)\b",
    (
        r"(?:be|stay|keep it|keep) (?:brief|short|concise|terse|to the point) (?:in|with) (?:your|all) (?:answers"
        r"|replies|responses|messages|explanations)"
    ),
    (
        r"we (?:use|follow) (?:tabs|spaces|conventional commits|semver|semantic versioning|squash merges|p?npm|yarn"
        r"|bun|uv|poetry|pytest|vitest|jest)(?: (?:here|only|everywhere|for \w+|in this (?:repo\w*|project)))?[.!]?$"
    ),
    r"we (?:only|always|never) (?:deploy|release|merge|publish|ship) \S",
    r"we (?:deploy|release|merge|publish|ship) .+ only[.!]?$",
    # sizes and shapes
    r"(?:max(?:imum)? )?line length (?:is|stays)(?: at most| below| under)? \d+[.!]?$",
    r"(?:keep )?lines (?:under|below|shorter than|at most) \d+",
    (
        rf"{_CODE_THINGS} (?:should(?:n't| not)|must(?:n't| not)|may not|can't) (?:be (?:longer|larger|bigger)"
        r"|have more) than \d"
    ),
    (
        r"one (?:class|component|function|commit|test|pr|change|migration|branch)(?: \w+)? per (?:file|commit|pr"
        r"|feature|task|test|change|ticket|fix|step|folder|module)[.!]?$"
    ),
    r"(?:minimal|small|focused|atomic) (?:diffs|commits|prs|pull requests|patches)(?:,? please| only)*[.!]?$",
    r"(?:named exports|squash merges|small commits|absolute imports|conventional commits|strict types) only[.!]?$",
    r"(?:i (?:always |generally |strongly )?)?prefer (?:small|short|simple|pure|plain|explicit|flat) \w+s[.!]?$",
    r"use (?:absolute|relative|named|type) imports\b",
    rf"use (?!{_THE_ONE})[^,]{{2,40}} everywhere[.!]?$",
    r"use .{2,40} for (?:anything|everything) (?:new|else|public)\b",
    r"use (?:the |our )?existing \w+s (?:instead of|rather than|over) .+",
    r"comments only (?:where|when|if|for) .+",
    # what is not to be used, or not to be done
    (
        rf"{_DO_NOT} (?:ever )?use (?:--[\w-]+|sudo|console\.log|eval|force|mocks?|subagents|emojis?"
        rf"|default exports|inline \w+|{_TOOLS})(?! (?:here|now|for (?:this|that|it))\b)"
    ),
    rf"{_DO_NOT} (?:mock|stub|hard-?code) (?!{_IT})\S",
    rf"{_DO_NOT} (?:squash|amend|rebase|force-push|split|mix) {_PLURAL}",
    rf"{_DO_NOT} (?:log|print|expose|store|commit) {_SECRETS}\b",
    rf"{_DO_NOT} install (?:anything|packages|things|tools)\b",
    rf"{_DO_NOT} run (?:the |our )?(?:whole|full|entire|complete) (?:test )?suite\b(?!.*\bnow\b)",
    (
        rf"{_DO_NOT} (?:refactor|change|touch|fix|add|reformat|clean up) (?:\w+ ){{0,3}}(?:that )?i (?:didn't"
        r"|did not|haven't|don't) (?:ask|want|mention|request)\w*"
    ),
    rf"no {_SECRETS}(?: \w+)? (?:in|into) \S",
    (
        r"no (?:code comments|default exports?|inline styles?|nested ternar\w+|barrel files?|any(?: types?)?)\b"
        r"(?! (?:in|on|for) (?:this|that|it))(?! (?:more|other|idea|of)\b)"
    ),
    (
        r"avoid (?:using )?(?:(?:new|extra|third-party|external|global|unnecessary|inline) \w+|any|mocks?|globals?"
        r"|comments|abbreviations|emojis?|jargon|default exports|side effects)[.!]?$"
    ),
    rf"{_SECRETS} (?:never|must not|must never|don't|do not|may not) (?:go|leave|appear|end up|show up|belong)\b",
    r"only (?:touch|edit|change|modify|write) (?:files |things |code )?(?:in|under|inside|within) \S",
    r"only (?:change|touch|edit) what(?:'s| is| you| i) .+",
    # what has to hold for everything
    (
        r"(?:.{2,60} )?(?:must|has to|have to|needs? to) (?:also )?(?:run|work|build|compile) (?:on|with|in|under) "
        rf"(?:{_PLATFORMS}|(?:all|every|both) \w+)"
    ),
    rf"we (?:have to |must )?(?:support|target) {_PLATFORMS} \d",
    rf"{_PLATFORMS}[\w .]{{0,12}} is (?:the|our) (?:minimum|oldest|lowest)\b",
    (
        r"everything (?:must|has to|needs to) (?:be|work|run|stay|live|fit) (?!done|ready|fixed|finished|merged"
        r"|pushed|deployed|in place)\S"
    ),
    r"(?:backwards? compatibility|accessibility|security|privacy) (?:matters|comes first|is (?:a must|required))\b",
    (
        r"(?:every|each|all)(?: new)? (?:[\w-]+ ){1,3}(?:must have|has to have|have to have|needs?|gets?|must come"
        r" with|comes? with|requires?) (?:an? |its |their )?(?:own )?(?:regression |unit |integration |changelog )?"
        r"(?:tests?|entry|entries|docstrings?|migration|flag|review|ticket|auth\w*|translations?|changelog)\b"
    ),
    r"(?:update|bump|extend) (?:\S+ ){1,5}with (?:every|each) .+",
    r"document (?:every|each|all) (?:new |public |exported )+\w+",
    r"(?:please )?(?:do |use |follow |practi[cs]e )?(?:tdd|test[- ]driven development)(?:,? please)?[.!]?$",
    # who does what, and when
    r"i(?:'ll| will)? (?:always )?(?:do|make|handle|push|merge|release) (?:all |the |my )?\w+s? myself\b",
    r"(?:always )?ask (?:me )?(?:first )?before (?!you (?:go on|continue)\b)(?:\w+ing|you) \S",
    r"(?:if|when(?:ever)?) (?:you(?:'re| are) )?(?:unsure|in doubt|uncertain),? (?:please |always )*(?:ask|stop)\b",
    r"(?:always )?(?:run|execute) .{2,60} before (?:you say|saying|you claim|claiming|you tell me) .*\bdone\b",
    r"work in (?:small|tiny|baby) (?:steps|commits|increments)\b",
    r".*\bwait for my (?:ok|okay|go|go-ahead|approval|review|confirmation)\b.*\b(?:each|every|any)\b",
    r"(?:one step at a time|step by step),? (?:and )?wait for my \w+",
)

RULE = re.compile("|".join(f"(?:{form})" for form in _FORMS))
"""All of them in one, which is ten times as fast as one after the other."""
