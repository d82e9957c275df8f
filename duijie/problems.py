"""Why the platform could not start, each told to the user in one sentence."""


class CannotStart(Exception):
    """The platform could not start; the text is one sentence for the person at the terminal."""


class FolderNotWritable(CannotStart):
    """The data folder, or one it should be made in, cannot be written."""


class FolderNotReachable(CannotStart):
    """A parent of the data folder is closed to the user that PostgreSQL runs as."""


class NoSuchAccount(CannotStart):
    """No account goes by that name, or several do."""


class NoSuchClient(CannotStart):
    """No client has that id."""


class FolderInUse(CannotStart):
    """Another process owns the folder."""


class FolderNotOurs(CannotStart):
    """The folder holds something that is not ours to change or to delete."""


class PortTaken(CannotStart):
    """Something else listens on the port asked for."""


class DiskFull(CannotStart):
    """There is not enough room for a database."""


class WrongVersion(CannotStart):
    """The stored database was written by another major version of PostgreSQL."""


class OsUserNotAvailable(CannotStart):
    """We are root, PostgreSQL refuses to be, and we may not become anyone else."""


class ServerFailed(CannotStart):
    """PostgreSQL ended, or did not become ready, for a reason of its own."""


class SettingMissing(CannotStart):
    """The environment lacks what the process has to be told."""


class TopicsMissing(CannotStart):
    """Kafka lacks topics that the process reads or writes."""


class TopicsTooNarrow(CannotStart):
    """Topics of Kafka have fewer partitions than are declared, and nobody but its operator may give them more."""


class DatabaseAway(CannotStart):
    """The database does not answer, or lets nobody in."""


class DatabaseTooOld(CannotStart):
    """The database has not been brought to the version that the process needs."""
