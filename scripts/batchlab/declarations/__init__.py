"""How things that can be added declare themselves. Standard library only, because planning reads declarations.

A probe, a chart, a derivation, a task, a hyperparameter rule or a data source is a file or folder with a declaration
and its code; `find` looks into the folders, so nobody extends a list. From declarations come the schema of campaigns,
default values, the tables of the manual, the columns that filters may name, priorities of jobs, and tests. No digest of
code holds a declaration: what changes numbers is in the settings of a job.
"""
