from __future__ import annotations

import pytest

from handoff_sidecar.session.standing_rules import standing_rules


@pytest.mark.parametrize(
    "said",
    [
        "Never log an email address or a token.",
        "please never commit without asking me first",
        "Don't touch the generated files.",
        "don't push to main",
        "Use pnpm, not npm.",
        "From now on write all commit messages in German.",
        "No new dependencies, please.",
        "no emojis",
        "The public API under /v1 must stay compatible.",
        "Every new screen has to sit behind a flag.",
        "Ask me before you delete anything.",
        "only commit when I say so",
        "Run the tests before every commit.",
        "all labels go through i18n",
        "Keep pull requests under 400 lines, split them otherwise.",
        "Important: do not edit anything under gen/",
        "- Never edit a migration that has been run",
        "use the prefix 'ab/' for branch names",
        "Prefix every commit with the ticket number.",
        "Answer in German.",
        "all dates are UTC",
        "We use conventional commits.",
        "One class per file.",
        "don't use --no-verify",
        "Don't mock the database.",
        "Secrets never go into the repo.",
        "don't refactor things I didn't ask for",
        "Only touch files in src/auth.",
        "It has to run on Python 3.9.",
        "Every bug fix needs a regression test.",
        "Use feature flags for anything new.",
        "ask before adding packages",
        "Wait for my go before each phase.",
    ],
)
def test_what_is_plainly_meant_for_longer_is_picked(said: str) -> None:
    assert standing_rules([said])


@pytest.mark.parametrize(
    "said",
    [
        "no don't do that, let's see how it goes",
        "never mind, it works",
        "I always get this error",
        "it never worked on Windows",
        "don't add that yet",
        "don't commit this",
        "let's not guess just yet",
        "use the second one instead of the first",
        "stick to the plan",
        "I prefer option 2",
        "the tests must pass",
        "all tests should pass now",
        "make sure all tests pass",
        "should we never use mocks?",
        "maybe always run the linter before you commit",
        "the button must not be called twice",
        "Ready for the review whenever you are.",
        "this function is never called anywhere",
        "yes, use tabs",
        "leave it alone",
        "use prefix 3 here",
        "use prefix 'ab/' for the branch name",
        "name it foo",
        "we only commit to that branch if files change",
        "Don't use the cache for this request",
        "prefer option 2",
        "everything must be done by then",
        "we use find here and it is slow",
        "no any idea",
        "Comments on the PR are open",
        "every request needs a second",
        "never",
    ],
)
def test_what_only_the_moment_explains_is_not(said: str) -> None:
    assert not standing_rules([said])


def test_the_newest_comes_first_and_each_once() -> None:
    said = ["Never use mocks. Now build the export.", "Use pnpm, not npm.", "Go on. never use mocks!"]

    assert standing_rules(said) == ("never use mocks!", "Use pnpm, not npm.")


def test_what_announces_a_rule_and_what_calls_one_so_comes_with_it() -> None:
    assert standing_rules(["A rule for all of this work. Branches carry the ticket."]) == (
        "A rule for all of this work. Branches carry the ticket.",
    )
    assert standing_rules(["Prices are cents. That's a house rule, not just for this ticket. Go on."]) == (
        "Prices are cents. That's a house rule, not just for this ticket.",
    )


def test_a_dash_inside_a_rule_stays() -> None:
    assert standing_rules(["- Use pnpm - never npm."]) == ("Use pnpm - never npm.",)


def test_a_list_that_is_headed_as_rules_is_picked_as_it_is() -> None:
    said = "Build the export.\nRules:\n- prices are cents\n2. dates in UTC\nStart with the tests."

    assert set(standing_rules([said])) == {"prices are cents", "dates in UTC"}


@pytest.mark.parametrize(
    "pasted",
    [
        "# Plan\n\nNever log a token.",
        "Implement the following plan:\n\nNever log a token.",
        "Never log a token.\n" + "and so on\n" * 30,
        "Never log a token. " + "word " * 400,
        "```\nNever log a token.\n```",
        "> Never log a token.",
        "handoff never log a token",
    ],
)
def test_pasted_text_and_a_handoff_hold_none(pasted: str) -> None:
    assert standing_rules([pasted]) == ()
