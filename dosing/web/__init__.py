"""The page in the browser: a form for the same few verbs, on 127.0.0.1 only."""
