"""The matching engine: a market in, a plan out. Pure: no framework, no database, no clock of its own."""
