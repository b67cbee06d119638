"""Derivations: tables that are made of other tables of a study, one folder each."""
