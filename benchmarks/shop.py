"""The made-up project that generated sessions are about: a shop's backend, and what is said of it."""

from __future__ import annotations

Feature = tuple[str, str, str]
"""Its name in the session, the same in other forms of its words, and its folder."""

FEATURES: tuple[Feature, ...] = (
    ("token refresh", "refreshing of tokens", "auth"),
    ("login form", "form for logging in", "auth"),
    ("password reset", "resetting of passwords", "auth"),
    ("session store", "storing of sessions", "auth"),
    ("permission check", "checking of permissions", "auth"),
    ("invoice export", "exporting of invoices", "billing"),
    ("payment provider", "provider of payments", "billing"),
    ("billing job", "job for billing", "billing"),
    ("discount codes", "codes for a discount", "billing"),
    ("search index", "indexing for the search", "catalog"),
    ("image resizer", "resizing of images", "catalog"),
    ("price filter", "filtering by prices", "catalog"),
    ("stock counter", "counting of the stock", "catalog"),
    ("rate limiter", "limiting of the rate", "api"),
    ("webhook retry", "retrying of webhooks", "api"),
    ("upload queue", "queueing of uploads", "api"),
    ("health endpoint", "endpoint for health", "api"),
    ("audit log", "logging of audits", "admin"),
    ("tenant switch", "switching of tenants", "admin"),
    ("report builder", "building of reports", "admin"),
    ("mail templates", "template of a mail", "mail"),
    ("weekly digest", "digest of the week", "mail"),
    ("date picker", "picking of dates", "ui"),
    ("theme toggle", "toggling of themes", "ui"),
)
CHOICES = (
    "a mutex per user",
    "an append-only table",
    "a queue in Redis",
    "optimistic locking",
    "a materialized view",
    "a signed cookie",
    "cursor pagination",
    "a token bucket",
    "exponential backoff",
    "a feature switch",
    "streaming the rows",
    "a nightly batch",
)
REASONS = (
    "two requests at once still raced",
    "history must stay readable",
    "the worker may restart at any time",
    "conflicts are rare there",
    "the query took four seconds",
    "memory went over 2 GB",
    "two customers want the old way",
    "nobody needs it sooner",
)
RULES = (
    ("migrations", "Never edit a migration that has been run; add a new one."),
    ("dependencies", "Do not add any dependency without asking me first."),
    ("the public API", "The public API under /v1 must stay compatible."),
    ("commits", "Always write commit messages in the imperative."),
    ("tests", "Don't mock the database in tests, use the container."),
    ("logging", "Never log an email address or a token."),
    ("formatting", "Leave the formatting of vendor/ alone."),
    ("prices", "Prices are integers in cents, everywhere."),
)
ERRORS = (
    "TypeError: Cannot read properties of undefined (reading '{word}{number}')",
    "AssertionError: expected {number} to equal {other}",
    "Error: {word} timed out after {number}ms",
    "error TS2345: Argument of type '{word}{number}' is not assignable",
    "SQLITE_CONSTRAINT: UNIQUE constraint failed: {word}.key_{number}",
    "ECONNREFUSED 127.0.0.1:{number}",
)
TALK = (
    "What does the {feature} do when two people use it at once?",
    "Show me where the {feature} is called from.",
    "Is the {feature} covered by tests?",
    "Go on with the {feature}, please.",
    "How does the {feature} behave on a slow line?",
)
WORDS = (
    "result",
    "options",
    "value",
    "entry",
    "client",
    "handler",
    "buffer",
    "config",
    "state",
    "query",
    "cursor",
    "page",
    "batch",
    "worker",
    "response",
    "header",
    "schema",
    "column",
    "offset",
    "parser",
    "writer",
    "socket",
    "timer",
    "lock",
)
"""What code is full of; a few of the features' own words are mixed in."""
