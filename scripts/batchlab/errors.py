"""The one exception that is shown to a person as a single line."""


class BatchlabError(Exception):
    """A problem that the user can fix: the message names the cause and the way out.

    Raised for wrong configuration, damaged or missing files and unreachable hosts. Everything else is a defect
    of the program and keeps its traceback.
    """
