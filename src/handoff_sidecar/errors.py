"""Every error of this package, as a tree.

HandoffSidecarError
├── OpenCodeError                what OpenCode's HTTP API did
│   ├── OpenCodeUnreachable      no answer: nothing listens, the connection broke, or it took too long
│   ├── OpenCodeRefused          an answer with a status of 400 or more
│   └── OpenCodeGarbled          an answer that is not what the endpoint promises
├── ToolFailed                   a tool call that ends with a sentence for the model and for the person
│   ├── InvalidArguments         the model can correct these and call again
│   └── HandoffFailed            a handoff that could not be finished; says what was made and where the brief is
│       └── NothingToHandOff     the session has no messages yet
├── BadQuery                     a query without a word in it, or a regular expression that is invalid or takes too long
├── IndexBusy                    another process was writing to the search index for too long
├── IndexReplaced                the search index can't be used any more, and an empty one has taken its place
├── JournalUnavailable           the brief could not be written to disk, or read back
├── SettingsUnreadable           a settings file that is not a JSON object
├── SettingsUnwritable           a setting that could not be written into its file
├── InstallFailed                the plugin file could not be written or removed
├── UpdateFailed                 no newer version could be looked for, or it could not be installed
├── OpenCodeNotFound             no OpenCode program to run, and none could be fetched
├── demo.processes.SandboxFailed  a program of the demonstration failed or took too long
└── rpc.errors.*                 the JSON-RPC connection's own (RpcError, ConnectionLost, …)

A message says what happened, to what, and what to do next. Callers branch on data, never on the message.
"""

from __future__ import annotations

from pathlib import Path


class HandoffSidecarError(Exception):
    """The root: catch this to catch everything that this package raises on purpose."""


class OpenCodeError(HandoffSidecarError):
    """OpenCode's HTTP API did not do what was asked.

    Attributes:
        endpoint: method and path, such as `GET /session/ses_abc`.
    """

    def __init__(self, message: str, *, endpoint: str) -> None:
        super().__init__(message)
        self.endpoint = endpoint


class OpenCodeUnreachable(OpenCodeError):
    """There was no answer at all."""


class OpenCodeRefused(OpenCodeError):
    """The answer was an error.

    Attributes:
        status: the HTTP status, 400 or more.
    """

    def __init__(self, message: str, *, endpoint: str, status: int) -> None:
        super().__init__(message, endpoint=endpoint)
        self.status = status


class OpenCodeGarbled(OpenCodeError):
    """The answer was not JSON, or not of the shape that the endpoint has."""


class ToolFailed(HandoffSidecarError):
    """A tool call has failed; the message is shown to the model and to the person as it stands."""


class InvalidArguments(ToolFailed):
    """The arguments of a tool call are wrong; nothing was done."""


class HandoffFailed(ToolFailed):
    """A handoff was not finished.

    Attributes:
        brief: the file that holds the brief, or None if nothing had been written yet.
    """

    def __init__(self, message: str, *, brief: Path | None = None) -> None:
        super().__init__(message)
        self.brief = brief


class NothingToHandOff(HandoffFailed):
    """The session has no messages yet; nothing was done."""


class BadQuery(HandoffSidecarError):
    """A query can't be searched for; the message says why and what to try."""


class IndexBusy(HandoffSidecarError):
    """Another process was writing to the search index for too long; nothing was changed."""


class IndexReplaced(HandoffSidecarError):
    """The search index can't be used any more, and an empty one has taken its place: begin again."""


class JournalUnavailable(HandoffSidecarError):
    """A brief could not be written to, or read from, the state folder."""


class SettingsUnreadable(HandoffSidecarError):
    """A settings file could not be read as a JSON object."""


class SettingsUnwritable(HandoffSidecarError):
    """A setting could not be written into its file; the file is as it was."""


class InstallFailed(HandoffSidecarError):
    """The plugin file could not be written or removed."""


class UpdateFailed(HandoffSidecarError):
    """This installation could not be brought up to date.

    Attributes:
        found: whether a newer release was found and could not be installed; if not, none is known.
    """

    def __init__(self, message: str, *, found: bool = False) -> None:
        super().__init__(message)
        self.found = found


class OpenCodeNotFound(HandoffSidecarError):
    """There is no OpenCode program to run."""


def kind_of(error: BaseException) -> str:
    """What an error is and what it came of, for the log: without messages, which may hold what people said."""
    chain = []
    link: BaseException | None = error
    while link is not None:
        status = f" {link.status}" if isinstance(link, OpenCodeRefused) else ""
        where = f" ({link.endpoint}{status})" if isinstance(link, OpenCodeError) else ""
        chain.append(f"{type(link).__name__}{where}")
        link = link.__cause__
    return " from ".join(chain)
