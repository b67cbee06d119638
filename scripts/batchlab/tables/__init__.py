"""Tables: of a study, derived and joined ones, the statistics behind them, and the verdicts on claims."""
