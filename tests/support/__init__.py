"""What tests of several rooms share: clients, accounts in memory, the test component."""
