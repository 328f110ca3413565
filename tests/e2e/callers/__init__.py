"""What callers use: the page, the command line, clients generated or written by hand, the commands of the documents."""
