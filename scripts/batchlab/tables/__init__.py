"""From the folders of segments and probes to the tidy tables of a study; `docs/tables.md` lists their columns."""
