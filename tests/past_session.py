"""A made-up session of 340 messages, and what somebody who continues it may want to know of it.

The facts stand among ordinary work that uses the same words: test runs, files read, edits, small talk. Every question
has the query that an agent would write and the text without which its answer is no answer.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from typing import Any, Literal

from fake_opencode import assistant_message, tool_part, user_message

Kind = Literal["a file", "an error text", "a decision", "a reversed decision", "a user's rule", "a command"]

MESSAGES = 340

_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Fact:
    """Something that was said or done in the turn that begins at message `at`."""

    at: int
    asked: str
    answered: str
    tool: dict[str, Any] | None = None


@dataclass(frozen=True)
class Question:
    kind: Kind
    question: str
    query: str
    answer: str


def _edit(path: str, old: str, new: str) -> dict[str, Any]:
    given = {"filePath": f"/home/ada/dashboard/{path}", "oldString": old, "newString": new}
    return tool_part("edit", title=path, input=given, output="Edit applied successfully.")


def _bash(command: str, title: str, output: str, exit_code: int = 0) -> dict[str, Any]:
    given = {"command": command, "description": title}
    return tool_part("bash", title=title, input=given, output=output, metadata={"exit": exit_code})


FACTS = (
    # files
    Fact(12, "Where is the retry logic for webhooks?", "It sits in `src/delivery/backoff.ts`, function `nextAttempt`."),
    Fact(
        46,
        "The invoice PDF shows the wrong currency.",
        "Fixed: the symbol came from the locale and not from the invoice.",
        _edit("src/billing/pdf/format-amount.ts", "symbolOf(locale)", "symbolOf(invoice.currency)"),
    ),
    Fact(90, "Put the feature flags somewhere central.", "They are in `config/flags.toml` now, read once at start-up."),
    Fact(
        150,
        "The avatars are stretched on small screens.",
        "The grid forced a height; I removed it.",
        _edit("web/styles/profile-card.css", "height: 96px", "aspect-ratio: 1"),
    ),
    Fact(
        212, "Which migration adds the audit table?", "`db/migrations/0042_audit_log.sql` creates it, with its index."
    ),
    # error texts
    Fact(
        20,
        "Start the worker.",
        "The worker does not come up: the queue refuses it.",
        _bash("node dist/worker.js", "Start the worker", "Error: NOAUTH Authentication required at queue:6379\n", 1),
    ),
    Fact(
        74,
        "Run the e2e tests.",
        "One fails in checkout.",
        _bash(
            "npx playwright test",
            "Run e2e tests",
            "log line\n" * 200 + "locator.click: Timeout 30000ms exceeded waiting for #pay-now\n" + "log line\n" * 200,
            1,
        ),
    ),
    Fact(
        128,
        "Deploy to staging.",
        "The deployment was rolled back by the cluster.",
        _bash("./deploy staging", "Deploy", "pod api-7f: OOMKilled, limit 256Mi, restarts 5\n", 1),
    ),
    Fact(
        186,
        "Build the docs.",
        "The docs build is broken by a link.",
        _bash("make docs", "Build docs", "WARNING: undefined label: 'rate-limits-v2' in guide/api.rst:88\n", 2),
    ),
    Fact(
        260,
        "Import the customer file.",
        "The import stops in the middle.",
        _bash(
            "./import customers.csv",
            "Import",
            "row 18112: UnicodeDecodeError: 'utf-8' codec can't decode byte 0xe9\n",
            1,
        ),
    ),
    # decisions
    Fact(30, "How do we store money?", "Decision: amounts are integers in minor units (cents), never floats."),
    Fact(
        62, "Should sessions live in the database?", "We decided on signed cookies, because no lookup is needed then."
    ),
    Fact(108, "Which id format for new tables?", "We settled on ULIDs: they sort by time and need no coordination."),
    Fact(172, "Monorepo or not?", "Decision: one repository with pnpm workspaces, since the API types are shared."),
    Fact(240, "How are time zones handled?", "We agreed: everything is stored in UTC, and only the browser converts."),
    # reversed decisions
    Fact(36, "Which chart library?", "Let's take Chart.js for the reports page."),
    Fact(204, "The charts are slow with 50k points.", "Then we drop Chart.js and go with uPlot for the reports page."),
    Fact(52, "How do emails go out?", "We send mail through SendGrid."),
    Fact(230, "Legal says the mail provider must be in the EU.", "Reversed: mail goes through Mailjet from now on."),
    Fact(66, "Cache responses?", "We cache API responses in Redis for 60 seconds."),
    Fact(
        250, "Customers see stale stock.", "Changed: the response cache is switched off for stock, ETags do the rest."
    ),
    Fact(84, "Which Node version?", "We pin Node 20 in CI and in the image."),
    Fact(270, "The native fetch bug bites us.", "We moved to Node 22 in CI and the image, as it has the fix."),
    Fact(98, "How many replicas for the API?", "Two replicas are enough, we said."),
    Fact(290, "Load test was bad.", "New decision: five replicas for the API, with autoscaling up to twelve."),
    # rules of the user
    Fact(8, "Never touch anything in vendor/, that code is mirrored from upstream.", "Understood."),
    Fact(58, "Always write commit messages in the imperative, at most 50 characters.", "I will."),
    Fact(120, "Don't add dependencies without asking me first.", "Agreed."),
    Fact(166, "No emojis in user-facing copy, please, marketing hates them.", "Noted."),
    Fact(222, "Public functions need a docstring with an example, or I won't merge.", "I keep to that."),
    # commands
    Fact(
        16,
        "How do I get test data?",
        "The database is filled.",
        _bash("pnpm db:seed --profile small --reset", "Seed the database", "seeded 1200 rows"),
    ),
    Fact(
        80,
        "Regenerate the API client.",
        "Done.",
        _bash("npx openapi-typescript spec/openapi.yaml -o src/api/types.ts", "Generate the API client", "ok"),
    ),
    Fact(
        140,
        "Look at production logs for the 502s.",
        "They come from one node.",
        _bash("kubectl logs deploy/gateway --since=2h | grep ' 502 '", "Read gateway logs", "node-3 502 /checkout"),
    ),
    Fact(
        194,
        "Profile the slow endpoint.",
        "Most time goes into JSON.",
        _bash(
            "clinic flame --on-port 'autocannon localhost:$PORT/search' -- node dist/api.js", "Profile", "63% stringify"
        ),
    ),
    Fact(
        280,
        "Roll the certificate.",
        "It is valid for 90 days.",
        _bash("cert-manager renew --namespace edge gateway-tls", "Renew the certificate", "renewed until 2027-02-01"),
    ),
)

QUESTIONS = (
    Question("a file", "Where is webhook retrying?", "webhook retry file", "src/delivery/backoff.ts"),
    Question(
        "a file", "Which file fixed the invoice currency?", "invoice PDF currency", "src/billing/pdf/format-amount.ts"
    ),
    Question("a file", "Where do feature flags live?", "feature flags config file", "config/flags.toml"),
    Question(
        "a file", "Which stylesheet stretched the avatars?", "stretched avatars css", "web/styles/profile-card.css"
    ),
    Question("a file", "Which migration made the audit table?", "audit table migration", "0042_audit_log.sql"),
    Question("an error text", "Why did the worker not start?", "worker start error", "NOAUTH Authentication required"),
    Question(
        "an error text", "What failed in the e2e checkout test?", "e2e playwright timeout", "waiting for #pay-now"
    ),
    Question("an error text", "Why was staging rolled back?", "staging deploy rolled back", "OOMKilled"),
    Question("an error text", "What broke the docs build?", "docs build warning", "undefined label: 'rate-limits-v2'"),
    Question("an error text", "At which row did the import fail?", "customer import decode error", "row 18112"),
    Question("a decision", "How is money stored?", "how to store money amounts", "integers in minor units"),
    Question("a decision", "Where are sessions kept?", "sessions database or cookies decision", "signed cookies"),
    Question("a decision", "Which id format?", "id format new tables", "ULIDs"),
    Question("a decision", "Monorepo?", "monorepo decision", "pnpm workspaces"),
    Question("a decision", "What about time zones?", '"time zones"', "stored in UTC"),
    Question("a reversed decision", "Which chart library?", "chart library decision", "uPlot for the reports page"),
    Question("a reversed decision", "Who sends our mail?", "mail provider", "goes through Mailjet"),
    Question("a reversed decision", "Are responses cached?", "response cache", "switched off for stock"),
    Question("a reversed decision", "Which Node version?", "Node version CI image", "We moved to Node 22"),
    Question("a reversed decision", "How many replicas?", "API replicas", "five replicas for the API"),
    Question("a user's rule", "May I edit vendored code?", "vendor rule", "Never touch anything in vendor/"),
    Question("a user's rule", "How are commit messages written?", "commit messages", "in the imperative, at most 50"),
    Question("a user's rule", "May I add a package?", "adding dependencies", "without asking me first"),
    Question("a user's rule", "May copy hold emojis?", "emojis in copy", "No emojis in user-facing copy"),
    Question(
        "a user's rule",
        "What do public functions need?",
        "public functions docstring",
        "with an example, or I won't merge",
    ),
    Question(
        "a command", "How is test data made?", "seed the database command", "pnpm db:seed --profile small --reset"
    ),
    Question(
        "a command",
        "How is the API client generated?",
        "generate API client types",
        "npx openapi-typescript spec/openapi.yaml",
    ),
    Question("a command", "How were the 502s found?", "gateway logs 502", "kubectl logs deploy/gateway --since=2h"),
    Question("a command", "How did we profile?", "profile slow endpoint command", "clinic flame --on-port"),
    Question(
        "a command",
        "How is the certificate renewed?",
        "renew certificate",
        "cert-manager renew --namespace edge gateway-tls",
    ),
)

_TOPICS = (
    "login form",
    "search endpoint",
    "billing page",
    "user table",
    "report export",
    "settings dialog",
    "API client",
)
_FILES = (
    "src/auth/login.ts",
    "src/api/search.ts",
    "src/billing/page.tsx",
    "web/app.css",
    "src/db/users.ts",
    "docs/api.md",
)
_ASKED = (
    "Now look at the {topic} again, please.",
    "Why is the {topic} slower than before?",
    "Add a test for the {topic}, with an error case.",
    "The {topic} should store what the user typed.",
    "Clean up the {topic} a little.",
)
_ANSWERED = (
    "I changed the {topic}; the tests pass and the types check.",
    "The {topic} now handles the error case. Next I would look at {file}.",
    "I looked at {file}: the database call in the {topic} was made twice. It is made once now.",
    "Done. The {topic} keeps its state in {file}, and the command line build is green.",
)
_WORDS = _WORD.findall(
    "error test warning file user api cache session deploy build docs row time node mail image store"
)


def past_session() -> list[dict[str, Any]]:
    """Its messages, as OpenCode's API lists them."""
    chance = random.Random(4)
    facts = {fact.at: fact for fact in FACTS}
    messages: list[dict[str, Any]] = []
    for at in range(0, MESSAGES, 2):
        if at in facts:
            fact = facts[at]
            asked, answered = fact.asked, fact.answered
            parts = [fact.tool] if fact.tool else []
        else:
            topic, file = chance.choice(_TOPICS), chance.choice(_FILES)
            asked = chance.choice(_ASKED).format(topic=topic)
            answered = chance.choice(_ANSWERED).format(topic=topic, file=file)
            parts = [_work(chance, file)]
        messages += [user_message(at, asked), assistant_message(at + 1, answered, *parts)]
    return messages


def _work(chance: random.Random, file: str) -> dict[str, Any]:
    lines = [" ".join(chance.choices(_WORDS, k=9)) for _ in range(chance.randint(5, 80))]
    if chance.random() < 0.5:
        return _bash(f"npm test -- {file}", "Run the tests", "\n".join(lines), chance.choice((0, 0, 1)))
    given = {"filePath": f"/home/ada/dashboard/{file}"}
    return tool_part("read", title=file, input=given, output="\n".join(lines))
