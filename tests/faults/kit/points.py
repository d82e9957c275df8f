"""Where processes may be told to die, and who surely comes there."""

COMMITS = (("db.before_commit", 8), ("db.after_commit", 8))
SENDS = (("outbox.before_send", 4), ("outbox.after_send", 4), ("outbox.after_delete", 4))
HEARS = (("inbox.before_commit", 4), ("inbox.after_commit", 4), ("db.before_commit", 15))
ROUNDS = (("rounds.after_solve", 4), ("feed.after_append", 6))
POINTS = {
    "serve gateway": COMMITS,
    "serve listing": COMMITS,
    "serve matching": COMMITS,
    "serve logistics": (*COMMITS, ("parcels.after_reserve", 3)),
    "work gateway": SENDS,
    "work listing": (*SENDS, *HEARS),
    "work matching": (*SENDS, *HEARS, *ROUNDS),
    "work logistics": (*SENDS, *HEARS),
}
"""Where a process may be told to die, and the how manieth time at most."""
SURELY = {
    "db.before_commit": "serve listing",
    "db.after_commit": "serve matching",
    "parcels.after_reserve": "serve logistics",
    "outbox.before_send": "work listing",
    "outbox.after_send": "work logistics",
    "outbox.after_delete": "work listing",
    "inbox.before_commit": "work logistics",
    "inbox.after_commit": "work listing",
    "rounds.after_solve": "work matching",
    "feed.after_append": "work matching 2",
}
"""Each point, and who surely comes there: of matching's two workers only one has the outbox."""
CHILDREN = [*POINTS, "work matching 2"]
