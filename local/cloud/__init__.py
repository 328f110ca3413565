"""The cloud as a whole: its parts started, the stack deployed to them, all of it stopped."""
