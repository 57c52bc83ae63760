"""How submissions are measured: certificates to send, a log in a process of its own, clients, a profile."""
