"""RO-Crate: a campaign's results with the workflow, settings and history that made them, as one file for an archive.

`contents` says which files go in, `description` describes them and the jobs that made them by the profiles of Workflow
Run RO-Crate, and `archive` writes the file.
"""
