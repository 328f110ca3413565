"""Build tasks: taking a source in (`submission`), keeping its row (`store`), bringing it to an end (`outcome`)."""
