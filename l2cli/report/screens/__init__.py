"""One screen per command: a result dictionary in, lines of at most the page's width out."""
