"""The journal: all that a reader keeps, in one SQLite file per user, append-only, chained and sealed.

A window uses :class:`JournalWriter` and nothing else: it never waits, neither for a disk nor for a keyring::

    journal = JournalWriter()           # opens on its own thread; journal.opened fails with a sentence
    made = Explained(explanation, Asked.of(request))         # made.finding_id is known at once
    journal.write(made).add_done_callback(...)               # runs on the journal's thread
    journal.write(Judged(made.finding_id, key, judgement))   # accepted, corrected, rejected
    journal.write(FollowedUp(made.finding_id, key, answer))  # a further question about it was answered
    journal.write(ReadFirst(made.finding_id, key, reader, text))    # may come before the answer
    journal.write(Undone(made.finding_id, key, reader))      # the verdict before it counts again
    journal.write(Measured(new_id(), key, index, "distance", ((1.0, 2.0), (3.0, 4.0))))
    journal.write(KeyImageMarked(key, index, marked=True))
    journal.write(Exported(Subject.of(key, made.finding_id), ("pdf",), ("/path",)))
    journal.write(SendChanged(new_id(), subject, "queued", "PACS", files))   # then "sent", "failed", ...
    journal.write(StudyOpened(path, series.identity))        # recent studies
    journal.write(WindowArranged(state_json, about))         # about: a Subject per patient in it
    journal.pending                                          # events that are not on the disk yet
    journal.ask(lambda j: j.findings(Subject(study_uid=uid)))    # a Future; reads what was written before
    journal.ask(lambda j: j.findings(key=key))               # of this very image
    journal.ask(lambda j: j.findings(NO_UIDS))                # of every image whose file has no UIDs (NIfTI)
    journal.ask(lambda j: j.findings(unfinished=True))
    journal.ask(lambda j: (j.recent_studies(20), j.window(of=of), j.measurements(of), j.key_images(of)))
    journal.close()                                          # writes what is pending

A *finding* begins with :class:`Explained` and is :class:`..finding.Finding` when read. What is undone or
removed stays in the journal; the views leave it out, :meth:`Views.history` shows it.
"""

from .events import (
    Asked,
    Explained,
    Exported,
    FollowedUp,
    Judged,
    KeyImageMarked,
    Measured,
    Quantity,
    ReadFirst,
    SendChanged,
    StudyOpened,
    Undone,
    WindowArranged,
)
from .journal import Journal, Receipt
from .place import default_path
from .subject import Event, Subject, new_id
from .views import NO_UIDS, Entry, Views
from .writer import JournalWriter

__all__ = [
    "NO_UIDS",
    "Asked",
    "Entry",
    "Event",
    "Explained",
    "Exported",
    "FollowedUp",
    "Journal",
    "JournalWriter",
    "Judged",
    "KeyImageMarked",
    "Measured",
    "Quantity",
    "ReadFirst",
    "Receipt",
    "SendChanged",
    "StudyOpened",
    "Subject",
    "Undone",
    "Views",
    "WindowArranged",
    "default_path",
    "new_id",
]
