"""One analysis of a study, live or finished: the journal, a table or a file becomes a run."""
