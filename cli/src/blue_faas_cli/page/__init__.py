"""What ``blue ui`` serves on this machine: the page, and the API as the caller that `blue` is."""
