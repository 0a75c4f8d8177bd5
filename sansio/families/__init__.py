"""Wire families: for each, how a request is written and how an answer is read."""
