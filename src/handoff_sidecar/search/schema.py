"""The tables of an index, for SQLite 3.34 and later; `store` runs the statements on them.

Rows: each passage is a row of the full-text table, and nothing else is kept for it but two bytes (`layout`); its text
is cut again from its message (`passages_of`), which is kept compressed. The rows of a session follow each other as its
passages do, so that what a passage stands in is what has the rows around it.
"""

from __future__ import annotations

SCHEMA_VERSION = 2
"""Raised when a table changes, or how a message is cut into passages and terms: an index of another version is of no
use, as what is in it can't even be deleted."""

SESSION_ROWS = 1 << 24
"""Of a session, half of them for messages older than the first ones that came: 8 million passages, 3 GB of text."""

SCHEMA = """
create table session (key integer primary key, id text not null unique, low integer not null, high integer not null);
create table message (
    first integer primary key, session integer not null, id text not null, role text not null, created real not null,
    layout blob not null, spoken integer not null, called integer not null, asked integer not null
);
create index asked on message (first) where asked;
create table record (first integer primary key, packed blob not null);
create unique index message_id on message (session, id);
create table wrote (message integer not null, place integer not null, path text not null, primary key (message, place))
    without rowid;
create virtual table passage using fts5(terms, content='', detail=none, columnsize=0, tokenize='porter unicode61');
"""
"""`message.first` is the row of its first passage; one without passages has a row all the same. `layout`: see there.
`spoken` is how many characters were said in it, `called` whether it called a tool, `asked` whether the person says
something in it. `record` holds the messages whole, apart from what every search goes through. `wrote` holds the paths
of files that were written. In `passage` a row is a set of terms (`detail=none`): how often each occurs made no
difference on real sessions, and would take two and a half times the room."""
