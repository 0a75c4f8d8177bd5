"""How laws are tried: what a law is, choices by a seed, work that is counted, and the verdicts."""
